"""`beautycort secrets rotate|rotate-role`: new secrets that nobody sees."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Annotated

import typer

from runbook_steps.operations.confirmation import require_yes
from runbook_steps.operations.secret_rotation import ROTATABLE, refuse_others, rotate_in_env_file, rotate_role, use_role
from runbook_steps.operations.settings import database_url, required

__all__ = ["register"]

Yes = Annotated[str | None, typer.Option("--yes", metavar="TARGET", help="the target's name: you mean it")]


def register(app: typer.Typer) -> None:
    """Adds `secrets` to the command."""
    group = typer.Typer(
        no_args_is_help=True,
        help="Rotate secrets. Examples: `secrets rotate JWT_SECRET`, "
        "`secrets rotate-role api_b --out b.password`, `secrets use-role api_b --password-file b.password`.",
    )
    group.command("rotate")(rotate)
    group.command("rotate-role")(rotate_database_role)
    group.command("use-role")(use_database_role)
    app.add_typer(group, name="secrets")


def rotate(
    name: Annotated[str, typer.Argument(help=f"one of {', '.join(ROTATABLE)}")],
    yes: Yes = None,
) -> None:
    """Put a new secret into $API_ENV_FILE. An instance takes it up when it is created anew, never by a restart."""
    file = Path(required(os.environ, "API_ENV_FILE")["API_ENV_FILE"])
    refuse_others(name)
    require_yes(os.environ, yes, what=f"this replaces {name}", again=f"beautycort secrets rotate {shlex.quote(name)}")
    rotate_in_env_file(file, name)
    typer.echo(
        f"{name} is new in {file}, and in use nowhere yet. A restart keeps the old one. Create the instances anew:\n"
        "docker compose up -d --no-deps --force-recreate --scale api=N api, with the number N that runs now"
    )


def rotate_database_role(
    role: Annotated[str, typer.Argument(help="the database role")],
    out: Annotated[Path, typer.Option("--out", help="a new file for the password, mode 0600")],
    yes: Yes = None,
) -> None:
    """Give a database role a new password; its sessions go on, new ones need it."""
    url = database_url(os.environ)
    require_yes(
        os.environ,
        yes,
        what=f"this changes the password of {role}",
        again=f"beautycort secrets rotate-role {shlex.quote(role)} --out {shlex.quote(str(out))}",
    )
    rotate_role(url, role, out)
    typer.echo(f"the new password of {role} is in {out}; give it to its users, then delete the file")


def use_database_role(
    role: Annotated[str, typer.Argument(help="the database role that the application is to use")],
    password_file: Annotated[Path, typer.Option("--password-file", help="the file with its password")],
    yes: Yes = None,
) -> None:
    """Put a role and its password into DATABASE_URL of $API_ENV_FILE; instances created anew use it."""
    file = Path(required(os.environ, "API_ENV_FILE")["API_ENV_FILE"])
    require_yes(
        os.environ,
        yes,
        what=f"this gives the application the database role {role}",
        again=f"beautycort secrets use-role {shlex.quote(role)} --password-file {shlex.quote(str(password_file))}",
    )
    use_role(file, role, password_file)
    typer.echo(f"{file} names {role}, and no instance uses it yet: create the instances anew")
