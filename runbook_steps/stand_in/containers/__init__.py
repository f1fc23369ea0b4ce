"""The containers target: the same services, each in a container of a Docker engine."""

from runbook_steps.stand_in.containers.target import ContainersTarget

__all__ = ["ContainersTarget"]
