"""The studio's own commands: ``python -m app accounts add NAME --role annotator``."""

import sys
from collections.abc import Sequence
from typing import Annotated, cast

import typer

from annotations.records import AnnotationError
from app.accounts import Accounts, Role
from app.settings import Settings

app = typer.Typer(add_completion=False, no_args_is_help=True, help="The accounts of a team's studio, in STF2M_HOME.")
accounts = typer.Typer(no_args_is_help=True, help="Who may sign in where STF2M_MODE is team.")
app.add_typer(accounts, name="accounts")


@app.callback()
def _commands() -> None:
    """The studio's own commands."""


@accounts.command()
def add(
    name: Annotated[str, typer.Argument(help="The name that is signed in with, and annotated under.")],
    role: Annotated[str, typer.Option("--role", help="annotator, reviewer or admin.")] = "annotator",
) -> None:
    """Let somebody in, or give them another role and password. The password is typed, or read from standard input."""
    Accounts(Settings().home).add(name, cast(Role, role), _password())
    typer.echo(f"{name} may sign in as {role}.")


@accounts.command("list")
def list_() -> None:
    """Everybody who may sign in, with their roles."""
    there = Accounts(Settings().home).all()
    for each in sorted(there.values(), key=lambda account: account.name.casefold()):
        typer.echo(f"{each.name}\t{each.role}")
    if not there:
        typer.echo("There is no account yet.")


@accounts.command()
def remove(name: Annotated[str, typer.Argument(help="Who may sign in no more.")]) -> None:
    """Let somebody in no more, and change nothing where they are in now; what they labelled stays."""
    Accounts(Settings().home).remove(name)
    typer.echo(f"{name} may sign in no more.")


def _password() -> str:
    if sys.stdin.isatty():
        return typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    return sys.stdin.readline().rstrip("\r\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command, by default the process's own; a mistake is one line on standard error and exit code 2."""
    try:
        return app(arguments, standalone_mode=False) or 0
    except typer.TyperException as error:
        message = error.format_message()
    except AnnotationError as error:
        message = str(error)
    except (typer.Abort, KeyboardInterrupt):
        message = "Stopped."
    typer.echo(" ".join(message.split()), err=True)
    return 2


if __name__ == "__main__":
    sys.exit(main())
