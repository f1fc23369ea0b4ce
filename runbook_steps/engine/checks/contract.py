"""Every interface that a command relies on stands in the contract of the platform. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from runbook_steps.engine.checks.drift import tools_of
from runbook_steps.engine.errors import FeatureError, PageError, SourceError
from runbook_steps.engine.model import Command, Runbook
from runbook_steps.engine.project.project import Project
from runbook_steps.engine.run.plan import unset_variables
from runbook_steps.engine.sources.contract_file import CONTRACT_FILE, Contract, load_contract
from runbook_steps.engine.sources.page_head import suggestion
from runbook_steps.engine.sources.parameters import parameters

__all__ = ["against_the_contract"]

_ROUTE = re.compile(r"(?<![\w/])/api/[\w/-]*\w|(?<=[\"\w}])/api/[\w/-]*\w")
_KEYS = re.compile(r"(?<![\w:])([a-z_]+:\*)")
# what every machine has: no interface of a platform
_PLAIN = frozenset(
    """
    awk bash cat chmod cmp cp cut date env find grep head install kill ln ls mkdir mktemp mv readlink rm sed seq
    sha256sum sleep sort tail tee test timeout touch tr uniq wc xargs
    """.split()  # noqa: SIM905 - a list of forty lines says no more
)
_OWN = frozenset({"RUNBOOKS_TARGET", "TMPDIR", "HOME", "PATH", "SSL_CERT_FILE"})


def against_the_contract(project: Project) -> tuple[SourceError, ...]:
    """Every problem of a project with its own contract, and one of the contract itself that cannot be read."""
    try:
        contract = load_contract(project.root)
    except PageError as error:
        return (error,)
    return tuple(each for runbook in project.runbooks for each in contract_problems(runbook, contract))


def contract_problems(runbook: Runbook, contract: Contract) -> Iterator[FeatureError]:
    """What a command uses and the contract does not know; nothing where a project has no contract."""
    if not contract.interfaces:
        return
    given = {each.name for each in parameters(runbook)}
    for procedure in runbook.procedures:
        for command in procedure.commands:
            for word in _words(command, given):
                if word not in contract.words and not _known(word, contract):
                    hint = suggestion(word, sorted(contract.words))
                    message = f"uses {word}, an interface that {CONTRACT_FILE} does not know{hint}"
                    yield FeatureError(command.position, message)


def _words(command: Command, given: set[str]) -> Iterator[str]:
    if command.media_type == "bash":
        yield from sorted(set(_ROUTE.findall(command.text)))
        yield from sorted(set(_KEYS.findall(command.text)))
        yield from (f"${name}" for name in sorted(set(unset_variables(command, ())) - given - _OWN))
    assigned = set(re.findall(r"\b(\w+)=", command.text))
    yield from sorted(tools_of(command) - _PLAIN - assigned)


def _known(word: str, contract: Contract) -> bool:
    """A variable of the steps is a parameter of the procedure; a program may be known with its sub-command."""
    return any(each.split()[0] == word for each in contract.words)
