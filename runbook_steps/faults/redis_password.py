"""Redis with another password than the application knows, as after half a rotation."""

from __future__ import annotations

import secrets
from typing import Any

import redis

from runbook_steps.engine.run.situation import Observation

__all__ = ["RedisPasswordChanged"]


class RedisPasswordChanged:
    """`kept` is connected and stays in; `password` is what the application knows; `url` has it as well."""

    def __init__(self, kept: redis.Redis, url: str, password: str) -> None:
        self._kept: Any = kept
        self._url = url
        self._password = password
        self._arranged = False

    @property
    def name(self) -> str:
        """What is broken."""
        return "Redis has another password"

    def arrange(self) -> None:
        """Changes it on the server, and ends the connections of the others."""
        self._kept.ping()
        self._kept.config_set("requirepass", secrets.token_hex(16))
        self._arranged = True
        self._kept.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")

    def observe(self) -> Observation:
        """Tries to get in as the application does."""
        client = redis.Redis.from_url(self._url, protocol=2)
        try:
            client.ping()
        except redis.exceptions.AuthenticationError as error:
            return Observation(True, f"the application's password is refused: {error}")
        finally:
            client.close()
        return Observation(False, "the application's password is right")

    def clear(self) -> None:
        """Puts the password back."""
        if self._arranged and self.observe().present:
            self._kept.config_set("requirepass", self._password)
