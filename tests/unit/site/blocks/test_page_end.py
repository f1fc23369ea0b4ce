"""The end of each page."""

from __future__ import annotations

from runbook_steps.engine.site.blocks.page_end import page_end


def test_without_a_repository_the_file_is_named() -> None:
    """A project whose repository has no address still says where a page is changed; names stay text."""
    said = page_end(None, None, 'a/<b>"{{ x }}.md')
    assert "Its text is <code>docs/a/&lt;b&gt;" in said
    assert ("<a " in said, "feedback" in said, "{{" in said) == (False, False, False)
