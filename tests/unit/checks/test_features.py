"""What `runbooks check` says of a feature: the command that must not run, the tag nobody knows, the secret shown."""

# ruff: noqa: SIM300 - what is expected stands first

from __future__ import annotations

import pytest

from tests.unit.checks.small_project import FEATURE, FEATURE_PATH, only, project_of, said


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("redis-cli info memory", "$ redis-cli info memory", "9: starts with the prompt “$ ”"),
        (
            "redis-cli info memory",
            "# redis-cli info memory",
            "9: holds nothing but comments: nothing runs; leave the prompt “# ” out",
        ),
        (
            "redis-cli info memory",
            "redis-cli -u $REDIS_URL info",
            "9: $REDIS_URL would stand in an argument list",
        ),
        (
            "redis-cli info memory",
            "ls\n      psql ${DATABASE_URL}",
            "10: $DATABASE_URL would stand in an argument",
        ),
        ("redis-cli info memory", "echo \u202eping", "9: holds the invisible character U+202E"),
        ("redis-cli info memory", "echo \u200bping", "9: holds the invisible character U+200B"),
        ("@risk_readonly", "@risk_readonly @slwo", "5: unknown tag @slwo; did you mean “slow”?"),
        ("@risk_readonly", "@risk_readonly @needs_moon", "5: @needs_moon names no part of a target"),
        ("@risk_readonly", "@risk_readonly @manual", "5: “It is found” is @manual, but no step starts"),
    ],
)
def test_a_feature_that_breaks_a_rule_is_told(old: str, new: str, expected: str) -> None:
    """The line is that of the command, or of the scenario."""
    problems = said(project_of(feature=FEATURE.replace(old, new, 1)))

    assert any(problem.startswith(f"{FEATURE_PATH}:{expected}") for problem in problems), problems


def test_a_command_may_begin_with_a_comment() -> None:
    """It is no prompt: something runs below it."""
    text = FEATURE.replace("redis-cli info memory", "# drain first\n      redis-cli info memory", 1)
    assert said(project_of(feature=text)) == []


@pytest.mark.parametrize(
    "command",
    [
        'echo "${#JWT_SECRET}"',
        ': "${JWT_SECRET:?is not set}"',
        'curl --config - <<<"header = \\"Authorization: Bearer $ACCESS_TOKEN\\""',
        'PGPASSWORD="$OTHER_PASSWORD" psql',
        "printf '%s' \"$JWT_SECRET\" | sha256sum",
        "cat <<EOF | psql\n      SELECT '$JWT_SECRET'\n      EOF",
        "bash -c 'echo $NOT_EXPANDED_HERE_TOKEN'",
        '[[ -n "$JWT_SECRET" ]]',
        'echo "$BACKUP_ENCRYPTION"',
        'echo "$AWS_ACCESS_KEY_ID"',
    ],
)
def test_a_secret_that_stays_out_of_arguments_is_fine(command: str) -> None:
    """Its length, the environment, standard input and bash's own tests show it to nobody."""
    assert [] == said(project_of(feature=FEATURE.replace("redis-cli info memory", command)))


@pytest.mark.parametrize(
    "command",
    [
        'curl -H "Authorization: Bearer $ACCESS_TOKEN" x',
        'openssl enc -k "$BACKUP_ENCRYPTION_KEY"',
        'echo "$JWT_SECRET"',
        'printf "$JWT_SECRET"',
        'true; tool --password="${PGPASSWORD}"',
        "tool KEY=$JWT_SECRET",
        'tool --api "${TAP_API_KEY:-none}"',
    ],
)
def test_a_secret_in_an_argument_is_told(command: str) -> None:
    """Every user of the machine can read a process's arguments, and a printed secret is recorded."""
    assert "would stand in an argument list" in only(
        project_of(feature=FEATURE.replace("redis-cli info memory", command))
    )


def test_a_command_that_answers_its_own_question_is_refused() -> None:
    """A confirmation that is pasted along confirms nothing."""
    feature = FEATURE.replace("redis-cli ping", 'tool destroy --yes "$TARGET"')
    assert "answers the command's own question: leave --yes out" in only(project_of(feature=feature))
