"""YAML by the fast reader where it is safe, by the one that explains where it is not."""

from __future__ import annotations

import pytest
import yaml

from runbook_steps.engine.text.yaml_text import composed, loaded


def test_values_and_nodes_come_from_one_reading() -> None:
    """The nodes know their lines."""
    node, values = composed("a: 1\nb: [x, y]\n")
    assert isinstance(node, yaml.MappingNode)
    assert [key.start_mark.line for key, _ in node.value] == [0, 1]
    assert values == {"a": 1, "b": ["x", "y"]}
    assert composed("") == (None, None)


@pytest.mark.parametrize("text", ["[" * 100_000, "{a: " * 100_000, "- " * 100_000, "? " * 100_000])
def test_what_is_nested_too_deep_is_said(text: str) -> None:
    """It would end the process otherwise, in the fast reader."""
    with pytest.raises(yaml.MarkedYAMLError, match="nested too deep"):
        loaded(text)


def test_many_brackets_that_are_not_nested_are_read() -> None:
    """By the slower reader."""
    assert loaded("\n".join("- [1]" for _ in range(600))) == [[1]] * 600


def test_a_mistake_is_explained() -> None:
    """With its place, as Python's own reader has it."""
    with pytest.raises(yaml.MarkedYAMLError, match="line 2"):
        loaded("a: 1\n b: [\n")
