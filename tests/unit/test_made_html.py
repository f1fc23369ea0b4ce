"""HTML that macros made comes out of Markdown as it went in."""

from __future__ import annotations

from markdown import Markdown

from runbook_steps.made_html import MadeHtml, made, without_marks

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
    from runbook_steps.escape import inert

    block = f"<pre>{inert('<!--/made-->' + chr(10) + '# not a heading')}</pre>"
    assert block in html_of(made(block), MadeHtml())


def test_nothing_made_is_nothing() -> None:
    """No marks for an empty block."""
    assert made("") == ""
    assert without_marks("a\nb") == "a\nb"
