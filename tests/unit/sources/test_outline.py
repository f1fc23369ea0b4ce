"""Outlines and commands as Gherkin has them: what is read is what runs, and what cannot be kept is refused."""

from __future__ import annotations

import json

import pytest

from runbook_steps.engine.errors import CheckFailed, FeatureError
from runbook_steps.engine.model import Command, Position, Result
from runbook_steps.engine.pytest_side.command_steps import hint, take_from_the_answer
from runbook_steps.engine.sources.feature_file import parse_feature

OUTLINE = '''\
Feature: F
  @risk_readonly
  Scenario Outline: S
    When I look at <service>:
      """bash
      {command}
      """
    Then <service> answers

    Examples:
{tables}
'''
ONE = "      | service | port |\n      | api     | 8080 |\n"


def outline(command: str, tables: str = ONE) -> str:
    """A feature of one outline."""
    return OUTLINE.format(command=command, tables=tables)


def runs(command: str, tables: str = ONE) -> list[str]:
    """The commands that its rows run."""
    (procedure,) = parse_feature(outline(command, tables), "features/a.feature").procedures
    return [each.commands[0].text for each in procedure.runs]


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("test 1 -lt 2 <<<x; nc -z localhost <port>", "test 1 -lt 2 <<<x; nc -z localhost 8080"),
        ("SELECT 1 WHERE 1 < <port>", "SELECT 1 WHERE 1 < 8080"),
        ("cat <(echo <port>)", "cat <(echo 8080)"),
        ("cat < <service>.txt > <port>.txt", "cat < api.txt > 8080.txt"),
        ("echo '<<port>>' <none>", "echo '<8080>' <none>"),
        ("a <<EOF\n      <port>\n      EOF", "a <<EOF\n8080\nEOF"),
    ],
)
def test_a_place_is_filled_whatever_stands_before_it(command: str, expected: str) -> None:
    """A `<` of the shell or of SQL opens no place of its own."""
    assert [expected] == runs(command, ONE)


def test_a_cell_is_never_a_place_and_a_column_no_pattern() -> None:
    """A cell that reads like another column stays as it is, and so does a backslash."""
    tables = "      | service | a.b (c) |\n      | <a.b (c)> | x\\\\y |\n"

    assert runs("echo '<service>' '<a.b (c)>' <aXb (c)>", tables) == ["echo '<a.b (c)>' 'x\\y' <aXb (c)>"]


def test_tables_may_order_their_columns_as_they_like() -> None:
    """Every row is shown and run under the column that its table has it in."""
    tables = ONE + "\n    Examples: more\n      | port | service |\n      | 5432 | db |\n"
    (procedure,) = parse_feature(outline("nc <service> <port>", tables), "features/a.feature").procedures

    assert procedure.examples == (("service", "port"), ("api", "8080"), ("db", "5432"))
    assert [each.title for each in procedure.runs] == ["S[api-8080]", "S[db-5432]"]
    assert [each.commands[0].text for each in procedure.runs] == ["nc api 8080", "nc db 5432"]


def test_a_row_is_called_by_its_cells_as_they_are_written() -> None:
    """In any alphabet; only what cannot be seen is spelt out."""
    tables = "      | service | port |\n      | خدمة | 1 |\n      | b | 2\\n3\u202e |\n"
    (procedure,) = parse_feature(outline("nc <service> <port>", tables), "features/a.feature").procedures

    assert [each.title for each in procedure.runs] == ["S[خدمة-1]", "S[b-2\\u000a3\\u202e]"]


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        ("      | service | port |\n", "an outline without a row of Examples runs nothing"),
        (ONE + "\n    Examples:\n      | service |\n      | db |\n", "the first has service, port"),
        ("      | service | port | port |\n      | a | 1 | 2 |\n", "a column stands twice"),
        (ONE + "      | api | 8080 |\n", "a second row “api-8080”"),
        ("      | service | port |\n      | a-b | c |\n      | a | b-c |\n", "a second row “a-b-c”"),
        ("      | service | prot |\n      | api | 8080 |\n", "no step has <prot>"),
    ],
)
def test_examples_that_cannot_be_told_apart_are_refused(tables: str, said: str) -> None:
    """Each with its line."""
    with pytest.raises(FeatureError, match=said.replace("[", r"\[")):
        runs("nc <service> <port>", tables)


def test_a_tag_of_a_table_is_refused() -> None:
    """It would be shown nowhere, and change what may run."""
    text = outline("nc <service> <port>").replace("    Examples:", "    @risk_destructive\n    Examples:")

    with pytest.raises(FeatureError, match="@risk_destructive on Examples: give the tag to the scenario"):
        parse_feature(text, "features/a.feature")


def test_a_row_makes_no_other_kind_of_step() -> None:
    """The page shows one kind, and that is the one that runs."""
    text = outline("nc <service> <port>").replace("I look at <service>:", "I <service>:")

    with pytest.raises(FeatureError, match="the row “try to look-1” makes another kind of step"):
        parse_feature(text.replace("| api     | 8080 |", "| try to look | 1 |"), "features/a.feature")


def test_a_background_is_the_same_for_every_row() -> None:
    """Gherkin replaces nothing there: it is told, and not run as it is written."""
    text = outline("nc <service> <port>").replace(
        "Feature: F\n", "Feature: F\n  Background:\n    Given <port> is open\n"
    )

    with pytest.raises(FeatureError, match="<port> stands in the Background"):
        parse_feature(text, "features/a.feature")


FRENCH = '''\
# language: fr
Fonctionnalité: F
  @risk_readonly
  {keyword}: S
    Quand I look at <m>:
      """bash
      echo <m>
      """
    Alors it is so
'''


@pytest.mark.parametrize(
    ("language", "feature", "keyword", "when", "then"),
    [
        ("fr", "Fonctionnalité", "Plan du scénario", "Quand", "Alors"),
        ("fr", "Fonctionnalité", "Plan du Scénario", "Quand", "Alors"),
        ("de", "Funktionalität", "Szenariogrundriss", "Wenn", "Dann"),
        ("es", "Característica", "Esquema del escenario", "Cuando", "Entonces"),
        ("ar", "خاصية", "سيناريو مخطط", "متى", "اذاً"),
        ("en", "Feature", "Scenario Template", "When", "Then"),
    ],
)
def test_an_outline_without_examples_is_refused_in_every_language(
    language: str, feature: str, keyword: str, when: str, then: str
) -> None:
    """Its literal `<m>` would run."""
    text = FRENCH.replace("language: fr", f"language: {language}").replace("Fonctionnalité", feature)
    text = text.replace("{keyword}", keyword).replace("Quand", when).replace("Alors", then)

    with pytest.raises(FeatureError, match="4: an outline without a row of Examples runs nothing"):
        parse_feature(text, "features/a.feature")


def test_a_mistyped_step_is_told_in_its_language() -> None:
    """Gherkin takes a first step that it does not know for a description."""
    text = FRENCH.replace("{keyword}", "Scénario").replace("    Quand", "    Quant I sit\n    Quand")

    with pytest.raises(FeatureError, match="5: “Quant I sit” is no step: did you mean Quand"):
        parse_feature(text, "features/a.feature")


@pytest.mark.parametrize("keyword", ["*", "And", "But"])
def test_a_first_step_needs_a_role(keyword: str) -> None:
    """The message names the word that stands there."""
    text = outline("nc <service> <port>").replace("When I look", f"{keyword} I look")

    with pytest.raises(FeatureError) as raised:
        parse_feature(text, "features/a.feature")
    assert f"4: starts with “{keyword}”: begin with Given, When or Then" in str(raised.value)


def test_a_command_that_no_system_starts_is_refused() -> None:
    """Bash gets it as one argument; a here-document of 140 KB is none."""
    with pytest.raises(FeatureError, match="5: the command has 140005 bytes, and the system takes less than 131072"):
        runs(f"echo {'x' * 140_000}", ONE)


def test_what_is_indented_in_a_command_stays_indented() -> None:
    """Below the quotes' own column it is byte for byte what the feature has."""
    assert runs("  echo <<<<service> <port>\n        exit") == ["  echo <<<api 8080\n  exit"]


@pytest.mark.parametrize(
    ("answer", "path", "value"),
    [
        ('{"a": true}', "a", "true"),
        ('{"a": null}', "a", "null"),
        ('{"a": {"b": 1.10, "c": [false, "ü"]}}', "a", '{"b":1.10,"c":[false,"ü"]}'),
        ('{"a": 1.10}', "a", "1.10"),
        ('{"a": 1e400}', "a", "1e400"),
        ('{"a": 12345678901234567890}', "a", "12345678901234567890"),
        ('[{"id": "x"}]', "[0].id", "x"),
        ("[[1, 2], [3]]", "[0][-1]", "2"),
        ('{"max-age": 60}', "max-age", "60"),
        ('{"a": "true"}', "a", "true"),
        ('{"a": []}', "a", "[]"),
    ],
)
def test_a_value_is_taken_as_the_json_has_it(answer: str, path: str, value: str) -> None:
    """Never as Python would print it."""
    variables: dict[str, str] = {}
    take_from_the_answer(_said(answer), variables, path, "X")

    assert variables == {"X": value}
    assert value == "x" or json.loads(f"[{value}]")


def test_a_value_that_no_variable_holds_is_told() -> None:
    """A zero byte ends a variable."""
    with pytest.raises(CheckFailed, match="'a' of the answer holds a zero byte"):
        take_from_the_answer(_said('{"a": "x\\u0000y"}'), {}, "a", "X")


def test_an_end_that_reads_like_a_riddle_has_a_hint() -> None:
    """A reader of a pipe that ended first; a terminal that is not there."""
    assert "A program of a pipe wrote on" in hint(Result(_said("").command, 141, "", "", 0.1))
    assert "no terminal" in hint(Result(_said("").command, 1, "", "bash: /dev/tty: No such device", 0.1))
    assert not hint(Result(_said("").command, 1, "", "no", 0.1))


def _said(answer: str) -> Result:
    return Result(Command("x", "bash", "look", Position("a", 1), 30.0), 0, answer, "", 0.1)
