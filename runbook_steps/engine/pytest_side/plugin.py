"""The pytest composition root: options, collection, and the hand-over to the running proof.

Loaded in every pytest session of this environment; it costs nothing until a `.feature` file is collected.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import os
import pkgutil
import traceback
import uuid
from collections.abc import Generator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runbook_steps.engine.errors import ConfigurationError, RefusedError, RunbookError
from runbook_steps.engine.run.pasted import SHELLS

if TYPE_CHECKING:
    from runbook_steps.engine.pytest_side.session import ProofSession
    from runbook_steps.engine.settings import Settings

RUN = pytest.StashKey[str]()
RUNNING = pytest.StashKey["ProofSession"]()
PROBLEM = pytest.StashKey[str]()
PROBLEM_CODE = pytest.StashKey[int]()
OWN_MARKERS = (
    "risk_readonly: the procedure only reads",
    "risk_mutating: the procedure changes state that can be changed back",
    "risk_destructive: the procedure can lose data or interrupt service",
    "manual: a person does the work; the machine cannot verify it",
    "slow: takes more than 20 seconds",
    "counter_example: shows what must not be done; never on a live target",
)
"""Tags that the engine itself understands; a project adds its own in pyproject.toml: `requires_` and `alert_` tags as
`markers`, `needs_` tags by the `parts` of its targets."""
COMMAND_STEPS = f"{__package__}.command_steps"
AFTER_FAILURE = f"{__package__}.after_failure"


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of a proof."""
    group = parser.getgroup("runbooks", "runbooks: prove the procedures of .feature files")
    group.addoption("--target", default=None, metavar="NAME", help="prove on this target (default: embedded)")
    group.addoption(
        "--allow",
        default=None,
        choices=["readonly", "mutating", "destructive"],
        help="highest risk that may run (default: destructive on a disposable target, else readonly)",
    )
    group.addoption("--confirm", default=None, metavar="NAME", help="the live target that may be broken on purpose")
    group.addoption("--now", action="store_true", help="break a live target outside of its window")
    group.addoption(
        "--pasted",
        default=None,
        choices=sorted(SHELLS),
        help="paste every block into one interactive shell of a scenario, and its SQL into one psql",
    )
    group.addoption(
        "--after-failure",
        action="store_true",
        help="with --pasted: a block fails, and each one behind it that changes something must refuse",
    )
    group.addoption("--evidence-dir", default=None, metavar="DIR", help="where evidence is kept")
    group.addoption("--journal-dir", default=None, metavar="DIR", help="where journals are kept")
    group.addoption("--shard", default=None, metavar="I/N", help="only the I-th of N parts, for N machines: 2/4")
    group.addoption("--repeat", type=_rounds, default=1, metavar="N", help="the same N times; tells what is unsteady")
    group.addoption("--shuffle", action="store_true", help="in another order; the seed that gives it again is told")
    group.addoption("--seed", type=int, default=None, metavar="S", help="the order that --shuffle told")
    group.addoption("--variants", default=None, metavar="DIR", help="break what is asked for there (`runbooks prove`)")


def _rounds(said: str) -> int:
    if not said.isascii() or not said.isdigit() or int(said) < 1:
        raise argparse.ArgumentTypeError(f"{said!r} is no number of rounds: 1 or more")
    return int(said)


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> int | None:
    """Runs every round in a process of its own when there are several."""
    if config.getoption("--repeat") == 1 or config.option.collectonly or hasattr(config, "workerinput"):
        return None
    from runbook_steps.engine.pytest_side.repeating import repeat  # noqa: PLC0415 - only a session of several rounds pays

    return repeat(config, config.getoption("--repeat"))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Puts them into the order of the seed; each worker of pytest-xdist into the same."""
    if config.getoption("--shuffle"):
        from runbook_steps.engine.pytest_side.repeating import seed_of, shuffled  # noqa: PLC0415

        items[:] = shuffled(items, seed_of(config))


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Names the run: its journals carry the name, the workers of pytest-xdist share it."""
    for line in OWN_MARKERS:
        config.addinivalue_line("markers", line)
    shared: dict[str, str] = getattr(config, "workerinput", {})
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    if folder := config.getoption("--variants"):
        from runbook_steps.engine.pytest_side.trying import Trying  # noqa: PLC0415 - only a worker of it pays

        config.pluginmanager.register(Trying(config, Path(folder)), "runbooks-variants")
    config.stash[RUN] = shared.get("runbooks_run", f"{stamp}-{os.getpid()}-{uuid.uuid4().hex[:6]}")


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tells each worker of pytest-xdist which run it belongs to."""
    node.workerinput["runbooks_run"] = node.config.stash[RUN]
    if node.config.getoption("--shuffle"):
        from runbook_steps.engine.pytest_side.repeating import seed_of  # noqa: PLC0415 - only a shuffled session pays

        node.workerinput["runbooks_seed"] = seed_of(node.config)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """A `.feature` file is collected as its scenarios."""
    if file_path.suffix != ".feature":
        return None
    from runbook_steps.engine.pytest_side.feature_collector import FeatureFile  # noqa: PLC0415 - only a session with features pays

    proof = _proof(parent.config)
    if proof is None:
        return None
    collector: FeatureFile = FeatureFile.from_parent(parent, path=file_path)
    collector.default_timeout_s = proof.settings.command_timeout_s
    if parent.config.getoption("--after-failure"):
        from runbook_steps.engine.pytest_side.after_failure import after_failures_of  # noqa: PLC0415 - as above

        collector.to_run = after_failures_of(proof.settings.reads)
    return collector


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """Ends the session in one line when its settings, its target or its evidence are no good."""
    try:
        return (yield)
    finally:
        if PROBLEM in session.config.stash:  # also when pytest then says that the file it was given is not there
            problem = session.config.stash[PROBLEM]
            if hasattr(session.config, "workeroutput"):
                session.config.workeroutput["runbooks_problem"] = (problem, int(_problem_code(session.config)))
            pytest.exit(problem, returncode=_problem_code(session.config))


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """A worker of pytest-xdist has no voice: what ended it is said by the session it worked for."""
    problem = getattr(node, "workeroutput", {}).get("runbooks_problem")
    if problem:
        node.config.stash[PROBLEM], node.config.stash[PROBLEM_CODE] = problem


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Says what ended the workers, and what gives a shuffled order again."""
    if config.getoption("--shuffle") and not hasattr(config, "workerinput"):
        from runbook_steps.engine.pytest_side.repeating import seed_of  # noqa: PLC0415 - only a shuffled session pays

        terminalreporter.line(f"shuffled: --shuffle --seed {seed_of(config)} gives this order again")
    if PROBLEM in config.stash and not hasattr(config, "workerinput") and config.getoption("numprocesses", None):
        terminalreporter.line(f"error: {config.stash[PROBLEM]}", red=True)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Turns the journals of the run into evidence, once, after all workers are done."""
    if hasattr(session.config, "workerinput") or session.config.option.collectonly:
        return
    if PROBLEM in session.config.stash:
        session.exitstatus = _problem_code(session.config)
        return
    proof: ProofSession | None = session.config.stash.get(RUNNING, None)
    told = session.config.getoption("--shard") or _journals(session.config)
    if proof is None and session.config.getoption("numprocesses", None) and told:
        proof = _proof(session.config)  # with pytest-xdist the features were collected by the workers only
    if proof is not None:
        proof.file_evidence(session)


def _problem_code(config: pytest.Config) -> int:
    """3 when the run was refused, as the `runbooks` commands have it; pytest's 4 for wrong use."""
    return config.stash.get(PROBLEM_CODE, pytest.ExitCode.USAGE_ERROR)


def _journals(config: pytest.Config) -> list[Path]:
    from runbook_steps.engine.pytest_side.session_settings import journals_of, settings_of  # noqa: PLC0415 - only a session with workers pays

    return journals_of(settings_of(config), config.stash[RUN])


def _proof(config: pytest.Config) -> ProofSession | None:
    """The proof that this session is: made when the first feature is met; None if it cannot be."""
    if PROBLEM in config.stash:
        return None
    from runbook_steps.engine.pytest_side.session_settings import PROOF  # noqa: PLC0415

    found: ProofSession | None = config.pluginmanager.get_plugin(PROOF)
    if found is None:
        try:
            from runbook_steps.engine.pytest_side import fixtures  # noqa: PLC0415 - only a session with features pays
            from runbook_steps.engine.pytest_side.session import ProofSession  # noqa: PLC0415

            if config.getoption("--after-failure") and not config.getoption("--pasted"):
                raise ConfigurationError("--after-failure needs --pasted: bash or zsh, whose window goes on")
            found = ProofSession.from_config(config, config.stash[RUN])
            _register_parts(config, found.settings)
            _register_steps(config, found.settings)
        except RunbookError as error:
            config.stash[PROBLEM] = str(error)  # said once, after collection: here it would be a traceback
            refused = isinstance(error, RefusedError)
            config.stash[PROBLEM_CODE] = error.exit_code if refused else pytest.ExitCode.USAGE_ERROR
            return None
        config.stash[RUNNING] = found
        config.pluginmanager.register(found, PROOF)
        config.pluginmanager.register(fixtures, "runbooks-fixtures")
    return found


def _register_parts(config: pytest.Config, settings: Settings) -> None:
    """A `@needs_` tag for each part: a scenario may need what this target lacks, never what no target has."""
    for part in settings.parts:
        config.addinivalue_line("markers", f"needs_{part}: needs the part {part} of the target")


def _register_steps(config: pytest.Config, settings: Settings) -> None:
    """Makes every module of the steps package a plugin: its steps are seen by every feature."""
    from runbook_steps.engine.extensions import load_module  # noqa: PLC0415 - only a session with features pays
    from runbook_steps.engine.pytest_side.step_lookup import StepIndex  # noqa: PLC0415

    names = [COMMAND_STEPS, AFTER_FAILURE] if config.getoption("--after-failure") else [COMMAND_STEPS]
    if settings.steps:
        folder = load_module(settings.steps, "steps", settings).__path__
        names += [f"{settings.steps}.{module.name}" for module in pkgutil.iter_modules(folder)]
    pytest.register_assert_rewrite(*names)
    owners: dict[str, str] = {}
    for name in names:
        try:
            module = importlib.import_module(name)
        except Exception as error:
            trace = traceback.extract_tb(error.__traceback__)[-1]
            raise ConfigurationError(f"{trace.filename}:{trace.lineno}: {type(error).__name__}: {error}") from error
        _refuse_async_steps(module)
        _refuse_second_fixtures(module, owners)
        config.pluginmanager.register(module, name)
    config.add_cleanup(StepIndex().install())


def _refuse_second_fixtures(module: Any, owners: dict[str, str]) -> None:
    """Every step module is a plugin: of two fixtures with one name, one would silently take the other's place."""
    for name, value in vars(module).items():
        fixture = type(value).__name__ == "FixtureFunctionDefinition"  # pytest gives the class no public name
        own = fixture and value.__module__ == module.__name__ and not name.startswith("__pytest_bdd")
        first = owners.setdefault(name, module.__name__) if own else module.__name__
        if first != module.__name__:
            raise ConfigurationError(
                f"{module.__file__}: the fixture `{name}` is defined in {first} as well: rename one"
            )


def _refuse_async_steps(module: Any) -> None:
    for name, value in vars(module).items():
        if inspect.iscoroutinefunction(value) or inspect.isasyncgenfunction(value):
            where = f"{inspect.getsourcefile(value)}:{inspect.getsourcelines(value)[1]}"
            raise ConfigurationError(f"{where}: `async def {name}`: an async step would pass without running")
