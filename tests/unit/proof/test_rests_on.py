"""A proof goes stale with what it rests on, and with nothing else."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from runbook_steps.engine.proof.rests_on import changed_sources, page_hash, source_index
from runbook_steps.engine.settings import load_settings
from runbook_steps.engine.sources.feature_file import parse_feature
from tests.house import HOUSE

ROOT = Path(__file__).parents[3]
STEPS = "runbook_steps/steps/water.py"
WATER = '''"""Steps about water."""
from __future__ import annotations

import pytest
from pytest_bdd import given, parsers, then

from runbook_steps.faults.drought import Drought
from runbook_steps.steps.units import litres

LIMIT = 10
OTHER = 5


@pytest.fixture
def basin(tap: object) -> object:
    return tap


@given("the tap is closed")
def tap_is_closed(basin: object) -> None:
    Drought(basin)


@then(parsers.parse("there are {number:d} litres"))
def there_are(number: int) -> None:
    assert _measured() == litres(number) < LIMIT


@then("nothing is measured")
def nothing() -> None:
    basin = OTHER
    assert basin


def _measured() -> int:
    return 3
'''
FILES = {
    "pyproject.toml": HOUSE,
    STEPS: WATER,
    "runbook_steps/steps/units.py": "def litres(n: int) -> int:\n    return n\n\n\ndef gallons() -> None: ...\n",
    "runbook_steps/steps/taps.py": "import pytest\nfrom pytest_bdd import then\n\n\n"
    "@pytest.fixture\ndef tap() -> int:\n    return 1\n\n\n"
    '@then("it is dry")\ndef dry() -> None: ...\n',
    "runbook_steps/faults/drought.py": "from runbook_steps.faults.base import Fault\n\n\nclass Drought: ...\n",
    "runbook_steps/faults/base.py": "class Fault: ...\n",
    "runbook_steps/faults/flood.py": "class Flood: ...\n",
    "runbook_steps/operations/pump_cli.py": "def pump_out() -> None: ...\n",
    "docs/a/closed.md": "---\ntitle: Closed\nreviewed: \"\"\n---\n# Closed\n",
    "docs/a/measured.md": "# Measured\n",
    "docs/a/nothing.md": "# Nothing\n",
    "docs/a/pumped.md": "# Pumped\n",
    "features/a/closed.feature": "Feature: F\n  @risk_readonly\n  Scenario: S\n"
    "    Given the tap is closed\n    Then it is dry\n",
    "features/a/measured.feature": "Feature: F\n  @risk_readonly\n  Scenario: S\n    Then there are 3 litres\n",
    "features/a/nothing.feature": "Feature: F\n  @risk_readonly\n  Scenario: S\n    Then nothing is measured\n",
    "features/a/pumped.feature": 'Feature: F\n  @risk_readonly\n  Scenario: S\n    When I pump:\n      """bash\n'
    '      beautycort pump-out\n      """\n    Then nothing is measured\n',
}  # fmt: skip


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of four runbooks."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    return tmp_path


def rests_on(root: Path) -> dict[str, list[dict[str, str]]]:
    """Runbook → what each of its scenarios rests on."""
    index, found = source_index(load_settings(root)), dict[str, list[dict[str, str]]]()
    for file in sorted((root / "features").rglob("*.feature")):
        runbook = parse_feature(file.read_text("utf-8"), file.relative_to(root).as_posix())
        found[runbook.stem] = [index.of(procedure, runbook.stem) for procedure in runbook.procedures]
    return found


def stale_after(root: Path, change: Callable[[], object]) -> set[str]:
    """The runbooks that a change makes stale."""
    before = rests_on(root)
    change()
    after = rests_on(root)
    return {
        stem
        for stem, scenarios in before.items()
        if any(changed_sources(then, now) for then, now in zip(scenarios, after[stem], strict=True))
    }


@pytest.mark.parametrize(
    ("path", "old", "new", "stale"),
    [
        pytest.param(STEPS, "Drought(basin)", "Drought(0)", {"a/closed"}, id="a step"),
        pytest.param(STEPS, "return 3", "return 4", {"a/measured"}, id="a helper of a step"),
        pytest.param(STEPS, "LIMIT = 10", "LIMIT = 11", {"a/measured"}, id="a value that a step names"),
        pytest.param(STEPS, "{number:d} litres", "{number:d}  litres", {"a/measured"}, id="the pattern of a step"),
        pytest.param(STEPS, "return tap", "return [tap]", {"a/closed"}, id="a fixture, not a value of its name"),
        pytest.param(STEPS, "import litres", "import gallons as litres", {"a/measured"}, id="where a name comes from"),
        pytest.param(STEPS, '"""Steps about water."""', '"""Water."""', set(), id="the docstring of a file"),
        pytest.param(STEPS, "\n\n\ndef _m", "\n\n\n# new\ndef _m", set(), id="a comment between functions"),
        pytest.param(
            STEPS, "LIMIT = 10", "LIMIT = 10\nprint()", {"a/closed", "a/measured", "a/nothing", "a/pumped"},
            id="what runs when the file is read",
        ),
        pytest.param("runbook_steps/steps/units.py", "return n", "return -n", {"a/measured"}, id="a helper elsewhere"),
        pytest.param("runbook_steps/steps/units.py", "...", "print()", set(), id="what nobody uses"),
        pytest.param("runbook_steps/steps/taps.py", "return 1", "return 2", {"a/closed"}, id="a fixture's fixture"),
        pytest.param("runbook_steps/faults/drought.py", "...", "x = 1", {"a/closed"}, id="a fault"),
        pytest.param("runbook_steps/faults/base.py", "...", "x = 1", {"a/closed"}, id="what a fault imports"),
        pytest.param("runbook_steps/faults/flood.py", "...", "x = 1", set(), id="another fault"),
        pytest.param("runbook_steps/operations/pump_cli.py", "...", "print()", {"a/pumped"}, id="an operation"),
        pytest.param("docs/a/closed.md", "# Closed", "# Shut", {"a/closed"}, id="the page"),
        pytest.param("docs/a/closed.md", 'reviewed: ""', "reviewed: 2026-11-24", set(), id="a review that was signed"),
    ],
)  # fmt: skip
def test_exactly_the_runbooks_that_rest_on_it_turn_stale(
    project: Path, path: str, old: str, new: str, stale: set[str]
) -> None:
    """One change in one place, and who it makes stale."""
    file = project / path
    text = file.read_text("utf-8")
    assert old in text
    assert stale_after(project, lambda: file.write_text(text.replace(old, new, 1), "utf-8")) == stale


@pytest.mark.parametrize(
    ("path", "code", "line"),
    [
        ("redis.py", "def redis_uses_at_least", r"(Then|And) Redis uses at least \d+"),
        ("answers.py", "def compressed_is_smaller", r"(Then|And) a compressed list takes less than"),
    ],
)
def test_the_real_steps_touch_their_own_runbooks(tmp_path: Path, path: str, code: str, line: str) -> None:
    """A real step is changed: stale are the features whose text has its line; told by looking for the line."""
    for folder in ("runbook_steps/steps", "runbook_steps/faults", "runbook_steps/operations", "docs", "features"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__", "assets"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    file = tmp_path / "runbook_steps/steps" / path
    text = file.read_text("utf-8")
    stale = stale_after(tmp_path, lambda: file.write_text(text.replace(code, "\n" + code), "utf-8"))
    features = {
        feature.relative_to(tmp_path / "features").with_suffix("").as_posix(): feature.read_text("utf-8")
        for feature in (tmp_path / "features").rglob("*.feature")
    }
    assert stale == {stem for stem, feature in features.items() if re.search(line, feature)} != set()


def test_a_signature_and_a_move_are_no_change_of_the_page() -> None:
    """What a person's signature and a move write into the front matter is left out of the hash."""
    page = '---\ntitle: A\nreviewed: ""\nseverity: LOW\n---\n# A\nreviewed: by nobody\n'
    signed = page.replace('reviewed: ""', "reviewed: 2026-11-24\nmoved_from:\n  - b/c\n  - d/e", 1)
    assert page_hash(signed) == page_hash(page)
    assert page_hash(page.replace("by nobody", "by all")) != page_hash(page)


def test_the_reason_names_what_changed() -> None:
    """At most three names, and how many more."""
    then = dict.fromkeys(("runbook_steps/faults/a.py", "b", "c", "d", "e"), "1")
    assert changed_sources(then, then) == ""
    assert changed_sources(then, {**then, "b": "2"}) == "b"
    assert changed_sources(then, {"e": "1"}) == "b, c, d and 1 more"
