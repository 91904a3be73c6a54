"""Commands that keep the list of sign-ins to the manufacturer's page.

A password is never an argument, which other users of the host could read: it comes from standard input, or it is made
here and shown once.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from api.console import HomeOption, JsonOption, aligned, opened, show
from api.operations import sign_ins
from data_contracts.errors import InputError
from data_contracts.identifiers import obligor_id
from risk_reports import tables

COLUMNS = ("name", "obligor_id", "created_time", "is_locked", "is_removed", "open_sessions")

Name = Annotated[str, typer.Option("--name", help="Sign-in name, such as an address.")]
PasswordStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input; else one is made and shown.")
]

sign_in_app = typer.Typer(
    help="Who may open the manufacturer's page; a password that is made here is shown once.", no_args_is_help=True
)


@sign_in_app.command("add")
def add_sign_in(
    *,
    obligor: Annotated[str, typer.Option("--obligor", help="Unified social credit code (18 characters).")],
    name: Name,
    password_stdin: PasswordStdin = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let somebody sign in for an obligor; several may."""
    owner = obligor_id(obligor)
    password = _read_password() if password_stdin else None
    with opened(home) as here:
        _show(sign_ins.add(here, owner, name=name, password=password, now=datetime.now(UTC)), as_json)


@sign_in_app.command("list")
def list_sign_ins(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Print every sign-in, without anything of its password."""
    with opened(home) as here:
        rows = sign_ins.listed(here, now=datetime.now(UTC))
    show({"sign_ins": rows}, as_json, aligned(rows, COLUMNS))


@sign_in_app.command("password")
def set_password(
    *, name: Name, password_stdin: PasswordStdin = False, home: HomeOption = None, as_json: JsonOption = False
) -> None:
    """Give a sign-in another password: its sessions end, a pause is lifted, a removed one may sign in again."""
    password = _read_password() if password_stdin else None
    with opened(home) as here:
        _show(sign_ins.set_password(here, name=name, password=password), as_json)


@sign_in_app.command("remove")
def remove_sign_in(name: Name, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Let nobody in by that name any more, and end its sessions. Nothing is deleted; the name stays taken."""
    with opened(home) as here:
        _show(sign_ins.remove(here, name=name, now=datetime.now(UTC)), as_json)


def _read_password() -> str:
    """The one line of standard input. Raises InputError, which does not show it."""
    try:
        lines = sys.stdin.read().splitlines()
    except UnicodeDecodeError as error:
        raise InputError("Standard input is no UTF-8 text.", hint="Send the password as one line of UTF-8.") from error
    if len(lines) != 1:
        raise InputError(f"Standard input has {len(lines)} lines.", hint="Send the password as one line.")
    if not lines[0].isprintable():
        raise InputError(
            "The password on standard input holds a character that no form can send.", hint="Use printable characters."
        )
    return lines[0]


def _show(answer: Mapping[str, Any], as_json: bool) -> None:
    """The answer; of one with a password that was made here, the password alone, as with a key."""
    made = answer.get("password")
    told = {name: value for name, value in answer.items() if value is not None}
    show(answer, as_json, made or tables.plain_text(told))
