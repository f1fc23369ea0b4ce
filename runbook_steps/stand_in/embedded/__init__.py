"""The embedded target: real servers under one private folder, no root, no Docker."""

from runbook_steps.stand_in.embedded.target import EmbeddedTarget

__all__ = ["EmbeddedTarget"]
