"""What the unit tests share: a pytest of their own, proving on the machine it runs on."""

from __future__ import annotations

import pytest

HERE_TARGET = '''
import os
import pytest
from runbook_steps.engine.model import Risk, TargetFacts
import runbook_steps.engine.pytest_side.proof_run


class HereTarget:
    """Nothing but a PATH: enough for what the engine itself does."""

    name = "here"
    control = None

    def __init__(self, allowed):
        self.facts = TargetFacts(
            "here", True, allowed or Risk.DESTRUCTIVE, tools=frozenset({"bash"}), emulated={"all": "a test"}
        )

    def start(self, parts):
        pass

    def environment(self):
        return {"PATH": os.environ["PATH"], "REDIS_URL": "redis://:S3cr3t-in-URL@localhost/0"}

    def secrets(self):
        return frozenset({"S3cr3t-in-URL"})

    def guesses(self):
        return frozenset()

    def versions(self):
        return {"here": "1"}

    def close(self):
        pass


def pytest_configure(config):
    runbook_steps.engine.pytest_side.proof_run.make_target = lambda name, settings, allow: HereTarget(allow)
'''


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """A project whose features run on this very machine, in pytest processes of their own."""
    pytester.makeconftest(HERE_TARGET)
    pytester.makepyprojecttoml(
        """
        [tool.pytest.ini_options]
        addopts = ["--strict-markers"]
        markers = ["risk_readonly", "risk_mutating", "risk_destructive", "requires_nosuchtool", "manual"]

        [tool.runbooks]
        command_timeout_s = 20
        default_target = "here"
        steps = "runbook_steps.steps"
        rests_on = ["runbook_steps.faults"]
        """
    )
    return pytester
