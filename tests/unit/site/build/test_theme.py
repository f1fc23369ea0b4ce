"""The theme as this site uses it."""

from __future__ import annotations

from pathlib import Path

from mkdocs.theme import Theme

from runbook_steps.engine.site.build.theme import TEMPLATES, dress


def dressed(cache: Path) -> Theme:
    """The bare theme of the builder, with our templates."""
    theme = Theme(name="mkdocs")
    dress(theme, cache, str.upper)
    return theme


def test_our_templates_go_before_the_themes(tmp_path: Path) -> None:
    """And know how to make a page whole."""
    theme = dressed(tmp_path / "cache")
    assert theme.dirs[0] == str(TEMPLATES)
    assert theme.get_env().from_string("{{ 'a' | whole }}").render() == "A"


def test_templates_are_compiled_once(tmp_path: Path) -> None:
    """Their compiled form is kept for the next build, for nobody else to write."""
    cache = tmp_path / "build/cache"
    dressed(cache).get_env().get_template("404.html")
    kept = sorted(file.name for file in cache.iterdir())
    assert kept
    assert cache.stat().st_mode & 0o777 == 0o700
    dressed(cache).get_env().get_template("404.html")
    assert kept == sorted(file.name for file in cache.iterdir())


def test_a_folder_that_others_may_write_is_not_used(tmp_path: Path) -> None:
    """What lies in it would be run."""
    cache = tmp_path / "cache"
    cache.mkdir()
    cache.chmod(0o777)
    assert dressed(cache).get_env().bytecode_cache is None
    (tmp_path / "file").touch()
    assert dressed(tmp_path / "file").get_env().bytecode_cache is None
