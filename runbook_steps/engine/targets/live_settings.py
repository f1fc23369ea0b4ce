"""What a live target is reached by: variables with the target's prefix, its env file, its table in pyproject.toml.

A house declares the settings that it knows in a subclass of `LiveSettings`; whatever else has the prefix is for
commands only.
"""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Container, Mapping
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, unquote, urlsplit

from dotenv import dotenv_values
from pydantic import SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from runbook_steps.engine.errors import ConfigurationError
from runbook_steps.engine.postgres.address import percent_hint
from runbook_steps.engine.text.redact import Redactor
from runbook_steps.engine.text.secret_names import known_harmless, names_secret

__all__ = ["LiveSettings", "guessed_words", "live_environment", "load_live_settings", "secret_words", "split_url"]

_OURS = frozenset({"window", "more"})
_Settings = TypeVar("_Settings", bound="LiveSettings")


class LiveSettings(BaseSettings):
    """One live target. An empty value means: this target has no such thing.

    `env_prefix`, `env_file` and `window` come from the table; `window` is when destructive drills may run,
    `Sun 02:00-05:00` in the project's time zone. `more` holds what else has the prefix, for commands only.
    """

    model_config = SettingsConfigDict(extra="ignore", hide_input_in_errors=True)

    window: str = ""
    more: dict[str, str] = {}

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment wins over the env file, that over the table of pyproject.toml."""
        del settings_cls
        return env_settings, dotenv_settings, file_secret_settings, init_settings


def load_live_settings(kind: type[_Settings], name: str, table: Mapping[str, Any], root: Path) -> _Settings:
    """The settings of the target of that name.

    `STAGING_DATABASE_URL` and so on by default: the name in capitals is the prefix. `.env.staging` beside
    pyproject.toml is read when it is there. Raises ConfigurationError naming the setting, never its value.
    """
    prefix = str(table.get("env_prefix", f"{name.upper()}_"))
    env_file = root / str(table.get("env_file", f".env.{name}"))
    values = {key: value for key, value in table.items() if key not in {"env_prefix", "env_file"}}
    unknown = sorted(set(values) - set(kind.model_fields))
    if unknown:
        raise ConfigurationError(
            f"pyproject.toml: [tool.runbooks.targets.{name}] has no setting {unknown[0]!r}; "
            f"it has env_prefix, env_file, {', '.join(kind.model_fields)}"
        )
    held = [key for key in values if "SecretStr" in str(kind.model_fields[key].annotation)]
    if held:
        raise ConfigurationError(
            f"pyproject.toml: [tool.runbooks.targets.{name}] holds {held[0]}, a secret: "
            f"put it in the environment as {prefix}{held[0].upper()}, or in {env_file.name}"
        )
    try:
        settings = kind(  # pydantic-settings takes these three, and declares them to no type checker
            _env_prefix=prefix,
            _env_file=env_file,
            _env_ignore_empty=True,  # type: ignore[call-arg]
            **values,
        )
    except UnicodeDecodeError:
        raise ConfigurationError(f"{env_file.name} is not UTF-8: save it as UTF-8, one NAME=value a line") from None
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ConfigurationError(f"{prefix}{where.upper()}: {first['msg']}") from None
    settings.more = _more(kind, prefix, env_file)
    return settings


def _more(kind: type[LiveSettings], prefix: str, env_file: Path) -> dict[str, str]:
    """Variables with the prefix that are no setting, without it: `STAGING_APP_REPOSITORY` → `APP_REPOSITORY`."""
    written = dotenv_values(env_file) if env_file.is_file() else {}
    said = {**written, **os.environ}
    own = {name.removeprefix(prefix): value or "" for name, value in said.items() if name.startswith(prefix)}
    return {name: value for name, value in own.items() if name and name.lower() not in kind.model_fields}


def secret_words(settings: LiveSettings) -> frozenset[str]:
    """Every secret value, and the passwords inside of URLs, plain and quoted; of `more`, what tells that it is one."""
    found: set[str] = set()
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        if not isinstance(text, str):
            continue
        if passwords := _passwords(text):
            found |= passwords
        elif isinstance(value, SecretStr):
            found.add(text)
    for name, value in settings.more.items():
        if passwords := _passwords(value):
            found |= passwords
        elif names_secret(name) or _looks_secret(value):
            found.add(value)
    return frozenset(found - {""})


def guessed_words(settings: LiveSettings, explained: Container[str] = ()) -> frozenset[str]:
    """Of `more`, the values that may be secrets, for all that is known: no list holds their names.

    `explained` are names that the house explains, and whose values are no secrets.
    """
    found = {
        value
        for name, value in settings.more.items()
        if name not in explained and not _passwords(value) and not known_harmless(name, value)
    }
    return frozenset(found - secret_words(settings) - {""})


def _looks_secret(value: str) -> bool:
    """A token of a known shape, or an address with one in it."""
    return Redactor()(value) != value


def live_environment(settings: LiveSettings) -> dict[str, str]:
    """The vocabulary of a command, as far as the settings say something."""
    plain = {
        name.upper(): value.get_secret_value() if isinstance(value, SecretStr) else str(value)
        for name in type(settings).model_fields
        if name not in _OURS and (value := getattr(settings, name))
    }
    found = {**settings.more, **{name: _without_last_slash(value) for name, value in plain.items()}}
    return {name: value for name, value in found.items() if value.strip()}  # blanks alone say nothing


def _without_last_slash(value: str) -> str:
    """A base URL is one with and without a slash at its end; what has a query is no base."""
    based = re.fullmatch(r"https?://[^?#\s]*", value)
    return value.rstrip("/") if based else value


def split_url(url: str, name: str) -> Any:
    """Raises ConfigurationError without the value: it holds a password."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise ConfigurationError(f"{name} is no URL: host or port cannot be read{percent_hint(url)}") from error
    if not parts.hostname:
        raise ConfigurationError(f"{name} is no URL: it names no host")
    return parts


def _passwords(text: str) -> set[str]:
    """Of each URL in it, as it is and quoted; and what a proxy is told of it (Basic), which holds its user too."""
    found: set[str] = set()
    for url in {text, *text.split()}:  # one alone may hold a blank that nobody quoted
        try:
            parts = urlsplit(url)
        except ValueError:
            continue
        if word := unquote(parts.password or "") if "://" in url else "":
            found |= {word, quote(word, safe="")}
            if parts.scheme.startswith("http"):
                found.add(base64.b64encode(f"{unquote(parts.username or '')}:{word}".encode()).decode())
    return found
