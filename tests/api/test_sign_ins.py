"""The list of sign-ins: who may open the manufacturer's page, with which password, until when."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from api.home import open_home
from api.portal import sessions
from api.portal.passwords import NO_PASSWORD, production_passwords
from api.portal.sign_in import ATTEMPTS, sign_in

A, B = "91999999MA0000001N", "91999999MA0000002R"
PROFILE = ("--name", "苏州精工", "--subject-kind", "legal_person", "--industry-division", "C34")
OWNER = ("--name", "owner@factory.example")
PASSWORD = "correct horse battery"


@pytest.fixture
def kept(run: Any) -> Any:
    """A home with an obligor."""
    assert run("obligor", "add", "--obligor", A, *PROFILE).exit_code == 0
    return run


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Put a text on standard input."""
    return lambda text: monkeypatch.setattr("sys.stdin", io.StringIO(text))


def rows(run: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = run("sign-in", "list", "--json").answer["sign_ins"]
    return found


def enter(home: Path, password: str) -> str | None:
    """The token of a session that the owner's password opens, if it does."""
    opened = open_home(home)
    passwords, now = production_passwords(), datetime.now(UTC)
    token = sign_in(opened, sign_in_name=OWNER[1], password=password, passwords=passwords, now=now)
    opened.engine.dispose()
    return token


def is_open(home: Path, token: str | None) -> bool:
    opened = open_home(home)
    found = sessions.find(opened, token, now=datetime.now(UTC))
    opened.engine.dispose()
    return found is not None


def test_a_password_is_made_and_shown_once(kept: Any, home: Path) -> None:
    password = kept("sign-in", "add", "--obligor", A, *OWNER).out.strip()
    assert len(password) >= 20
    assert is_open(home, enter(home, password))
    (row,) = rows(kept)
    assert {name: row[name] for name in ("name", "obligor_id", "is_locked", "is_removed", "open_sessions")} == {
        "name": "owner@factory.example",
        "obligor_id": A,
        "is_locked": False,
        "is_removed": False,
        "open_sessions": 1,
    }
    told = json.dumps(rows(kept)) + kept("sign-in", "list").out
    assert not any(secret in told for secret in (password, "argon2", NO_PASSWORD))
    assert not any(password.encode() in path.read_bytes() for path in home.rglob("*") if path.is_file())


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_a_password_from_standard_input_is_not_shown(
    kept: Any, home: Path, typed: Callable[[str], None], ending: str
) -> None:
    typed(PASSWORD + ending)
    ran = kept("sign-in", "add", "--obligor", A, *OWNER, "--password-stdin")
    assert (ran.exit_code, PASSWORD in ran.out) == (0, False)
    assert enter(home, PASSWORD)
    typed(PASSWORD + " two" + ending)
    changed = kept("sign-in", "password", *OWNER, "--password-stdin", "--json").answer
    assert changed == {"name": "owner@factory.example", "sessions_ended": 1, "password": None}
    assert enter(home, PASSWORD) is None
    assert enter(home, PASSWORD + " two")


def test_a_new_password_ends_sessions_and_lifts_a_pause(kept: Any, home: Path) -> None:
    token = enter(home, kept("sign-in", "add", "--obligor", A, *OWNER, "--json").answer["password"])
    for _ in range(ATTEMPTS):
        assert enter(home, "wrong password") is None
    assert (is_open(home, token), rows(kept)[0]["is_locked"]) == (True, True)
    changed = kept("sign-in", "password", "--name", "OWNER@factory.example", "--json").answer
    assert changed["sessions_ended"] == 1
    assert (is_open(home, token), rows(kept)[0]["is_locked"]) == (False, False)
    assert enter(home, changed["password"])


def test_a_removed_sign_in_is_out_at_once_and_its_name_stays_taken(kept: Any, home: Path) -> None:
    password = kept("sign-in", "add", "--obligor", A, *OWNER).out.strip()
    token = enter(home, password)
    assert kept("sign-in", "remove", *OWNER, "--json").answer["sessions_ended"] == 1
    assert not is_open(home, token)
    for tried in (password, NO_PASSWORD, ""):
        assert enter(home, tried) is None
    (row,) = rows(kept)
    assert (row["is_removed"], row["is_locked"], row["open_sessions"]) == (True, False, 0)
    assert kept("sign-in", "remove", *OWNER, "--json").answer["sessions_ended"] == 0
    again = kept("sign-in", "add", "--obligor", A, *OWNER)
    assert (again.exit_code, "SignInNameTaken" in again.err) == (2, True)
    assert enter(home, kept("sign-in", "password", *OWNER).out.strip())


def test_a_session_that_ran_out_is_not_counted(kept: Any, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    password = kept("sign-in", "add", "--obligor", A, *OWNER).out.strip()
    monkeypatch.setattr(sessions, "LONGEST_SESSION", timedelta(0))
    assert enter(home, password)
    assert rows(kept)[0]["open_sessions"] == 0


BAD: list[tuple[str, str, str | None, str]] = [
    # what is wrong, the call, standard input, a word that the message must say
    ("no name", f"add --obligor {A}", None, "--name"),
    ("no obligor", "add --name x", None, "--obligor"),
    ("a wrong check digit", "add --obligor 91999999MA00000012 --name x", None, "91999999MA00000012"),
    ("an unknown obligor", f"add --obligor {B} --name x", None, "Hint"),
    ("an empty name", f"add --obligor {A} --name {chr(0x3000)}", None, "1 to 80"),
    ("a name too long", f"add --obligor {A} --name {'x' * 81}", None, "1 to 80"),
    ("a name that is taken", f"add --obligor {A} --name KNOWN", None, "'known'"),
    ("a short password", f"add --obligor {A} --name x --password-stdin", "eleven char\n", "11 characters"),
    ("a long password", f"add --obligor {A} --name x --password-stdin", "x" * 257, "257 characters"),
    ("no password", f"add --obligor {A} --name x --password-stdin", "", "0 lines"),
    ("an empty password", f"add --obligor {A} --name x --password-stdin", "\n", "0 characters"),
    ("two lines", f"add --obligor {A} --name x --password-stdin", f"{PASSWORD}\n{PASSWORD}\n", "2 lines"),
    ("a control character", f"add --obligor {A} --name x --password-stdin", f"{PASSWORD}\x00", "no form can send"),
    ("nobody's password", "password --name nobody", None, "'nobody'"),
    ("a short new password", "password --name known --password-stdin", "short", "5 characters"),
    ("nobody to remove", "remove --name nobody", None, "'nobody'"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "call", "text", "word"), BAD, ids=[case[0] for case in BAD])
def test_a_bad_call(kept: Any, typed: Callable[[str], None], name: str, call: str, text: str | None, word: str) -> None:
    kept("sign-in", "add", "--obligor", A, "--name", "known")
    before = rows(kept)
    typed(text or "")
    ran = kept("sign-in", *call.split(" "))
    assert ran.exit_code == 2
    assert word in ran.err
    assert "Traceback" not in ran.err
    assert PASSWORD not in ran.err
    assert rows(kept) == before
