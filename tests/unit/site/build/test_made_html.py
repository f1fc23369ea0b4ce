"""HTML that macros made comes out of Markdown as it went in."""

from __future__ import annotations

from markdown import Markdown

from runbook_steps.engine.site.build.made_html import MadeHtml, made, without_marks
from runbook_steps.engine.site.search_weights import UNSEARCHED
from runbook_steps.engine.text.html_text import inert

BLOCK = (
    '<div class="a"><p>one &#96;&#96;&#96; <code>a\n&#32;&#32;b\n\n# no heading</code></p>\n\n* no list</div><p>two</p>'
)
EXTENSIONS = ["attr_list", "tables", "toc", "pymdownx.superfences", "admonition"]


def html_of(text: str, *more: MadeHtml) -> str:
    """As the site makes it."""
    return Markdown(extensions=[*EXTENSIONS, *more]).convert(text)


def test_a_block_comes_out_as_it_went_in() -> None:
    """Byte for byte, whatever it holds; and what stands around it is Markdown as ever."""
    text = f"# One\n\nbefore *that*\n{made(BLOCK)}\n## Two\n{made(BLOCK)}\nafter\n"
    html = html_of(text, MadeHtml())
    assert html.count(BLOCK) == 2
    assert '<h1 id="one">One</h1>\n<p>before <em>that</em></p>' in html
    assert '<h2 id="two">Two</h2>' in html
    assert "made" not in html
    assert "wzxhzdk" not in html


def test_without_the_extension_the_page_is_the_same() -> None:
    """Blocks are parsed then, slowly; only marks and blank lines differ."""
    text = f"# One\n{made('<div><p>a</p><p>b</p></div>')}\nafter\n"
    slow = without_marks(html_of(text))
    assert [line for line in slow.splitlines() if line] == html_of(text, MadeHtml()).splitlines()


def test_text_cannot_end_a_block() -> None:
    """A mark in a recorded output is escaped like any other HTML."""
    block = f"<pre>{inert('<!--/made-->' + chr(10) + '# not a heading')}</pre>"
    assert block in html_of(made(block), MadeHtml())


def test_nothing_made_is_nothing() -> None:
    """No marks for an empty block."""
    assert made("") == ""
    assert without_marks("a\nb") == "a\nb"


def test_what_the_search_leaves_out_comes_back_when_the_page_is_shown() -> None:
    """Until then the page is lean; the attribute has done its work."""
    output = f"<details {UNSEARCHED}><summary>Recorded</summary><pre>one\n\ntwo</pre></details>"
    kept = MadeHtml()
    html = html_of(f"# One\n{made(f'<div><p>a</p>{output}</div>')}\nafter\n", kept)
    assert "Recorded" not in html
    assert "<div><p>a</p><details><summary>Recorded</summary><pre>one\n\ntwo</pre></details></div>" in kept.whole(html)


def test_a_block_of_nothing_else_is_no_part_of_a_paragraph() -> None:
    """Its mark stands alone."""
    kept = MadeHtml()
    html = html_of(made(f"<section {UNSEARCHED}>a</section>"), kept)
    assert kept.whole(html) == "<section>a</section>"


def test_a_mark_that_is_not_ours_stays() -> None:
    """A writer may write any comment."""
    assert MadeHtml().whole("<!--late 7-->") == "<!--late 7-->"
