"""What the API reads from its environment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from runbook_steps.engine.errors import ConfigurationError

__all__ = ["ApiSettings"]

SHORTEST_SECRET = 32  # characters, as production requires
_DURATION = re.compile(r"(\d{1,6})([smhd])")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True)
class ApiSettings:
    """The settings of one slot. Times in seconds; what holds a secret is never printed."""

    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    secret: str = field(repr=False)
    tap_url: str
    twilio_url: str
    expo_url: str
    log_dir: Path
    access_ttl_s: int = 900
    version: str = "1.1.0"
    commit: str = "unknown"
    slot: str = "api"
    pool_size: int = 5
    pool_timeout_s: float = 2.0
    third_party_timeout_s: float = 5.0

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> ApiSettings:
        """Raises ConfigurationError naming every variable that is missing or no good, never a value."""
        missing = [name for name in ("DATABASE_URL", "REDIS_URL", "JWT_SECRET") if not environ.get(name)]
        if missing:
            raise ConfigurationError(f"set {', '.join(missing)}: the API does not start without")
        if len(environ["JWT_SECRET"]) < SHORTEST_SECRET:
            raise ConfigurationError(
                f"JWT_SECRET has {len(environ['JWT_SECRET'])} characters, needs at least {SHORTEST_SECRET}"
            )
        return cls(
            database_url=environ["DATABASE_URL"],
            redis_url=environ["REDIS_URL"],
            secret=environ["JWT_SECRET"],
            tap_url=environ.get("TAP_API_URL", ""),
            twilio_url=environ.get("TWILIO_API_URL", ""),
            expo_url=environ.get("EXPO_API_URL", ""),
            log_dir=Path(environ.get("LOG_DIR", "logs")),
            access_ttl_s=duration_s(environ.get("JWT_EXPIRES_IN", "15m"), "JWT_EXPIRES_IN"),
            version=environ.get("APP_VERSION", "1.1.0"),
            commit=environ.get("APP_COMMIT", "unknown"),
            slot=environ.get("SLOT_NAME", "api"),
            pool_size=int(environ.get("DB_POOL_SIZE", "5")),
            pool_timeout_s=float(environ.get("DB_POOL_TIMEOUT_S", "2")),
            third_party_timeout_s=float(environ.get("THIRD_PARTY_TIMEOUT_S", "5")),
        )


def duration_s(text: str, name: str) -> int:
    """`15m` → 900. Raises ConfigurationError for anything that is not a number with s, m, h or d."""
    shape = _DURATION.fullmatch(text.strip())
    if shape is None or int(shape[1]) == 0:
        raise ConfigurationError(f"{name} must be like 15m, 1h or 900s")
    return int(shape[1]) * _UNITS[shape[2]]
