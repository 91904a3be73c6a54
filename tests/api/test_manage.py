"""The lists of a home, one by one and as CSV files; what is wrong is refused with its place and the way out."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from api.database.engine import unit_of_work
from api.home import open_home
from api.portal import sessions
from api.portal.passwords import production_passwords
from api.portal.sign_in import sign_in
from api.snapshots.service import reader
from data_contracts.contract import RecordKind
from data_contracts.observations.tables import batch

A, B = "91999999MA0000001N", "91999999MA0000002R"
PROFILE = ("--name", "苏州精工", "--subject-kind", "legal_person", "--industry-division", "C34")
BANK = ("--partner", "bank-a", "--name", "Bank A", "--kind", "bank")


@pytest.fixture
def kept(run: Any) -> Any:
    """A home with an obligor, a bank and a machine."""
    assert run("obligor", "add", "--obligor", A, *PROFILE).exit_code == 0
    assert run("partner", "add", *BANK).exit_code == 0
    ran = run(
        "machine", "add", "--machine", "VMC-01", "--obligor", A, "--from", "2024-01-01", "--asset-value", "800000.00"
    )
    assert ran.exit_code == 0
    return run


def rows(run: Any, what: str, *options: str) -> list[dict[str, Any]]:
    """A list as JSON."""
    found: list[dict[str, Any]] = run(what, "list", *options, "--json").answer[f"{what}s"]
    return found


def written(folder: Path, text: str) -> Path:
    path = folder / "list.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_an_obligor_is_a_ledger_row_and_may_be_asked_about(kept: Any, home: Path) -> None:
    (row,) = rows(kept, "obligor")
    said = {name: row[name] for name in ("obligor_id", "name", "subject_kind", "industry_division", "site_zone")}
    assert said == {
        "obligor_id": A,
        "name": "苏州精工",
        "subject_kind": "legal_person",
        "industry_division": "C34",
        "site_zone": "Asia/Shanghai",
    }
    assert row["platform_consent"] is True
    opened = open_home(home)
    with unit_of_work(opened.engine) as connection:
        kinds = connection.execute(sa.select(batch.c.kind, batch.c.backfilled, batch.c.rows_admitted)).all()
    opened.engine.dispose()
    assert [tuple(kind) for kind in kinds] == [("obligor_profile", False, 1), ("machine_ownership", False, 1)]


def test_saying_it_again_adds_nothing_and_a_new_name_is_a_new_version(kept: Any, home: Path) -> None:
    again = kept("obligor", "add", "--obligor", A, *PROFILE, "--json").answer
    assert (again["added"], again["known"], again["batch_id"]) == (0, 1, None)
    assert kept("obligor", "add", "--obligor", A, *PROFILE[:1], "苏州新工", *PROFILE[2:]).exit_code == 0
    assert [row["name"] for row in rows(kept, "obligor")] == ["苏州新工"]
    opened = open_home(home)
    with unit_of_work(opened.engine) as connection:
        versions = reader(connection, opened).rows(RecordKind.OBLIGOR_PROFILE, as_of=datetime.now(UTC))
    opened.engine.dispose()
    assert versions["name"].to_pylist() == ["苏州精工", "苏州新工"]


def test_a_removed_obligor_is_kept_and_used_no_more(kept: Any) -> None:
    kept("key", "add", "--role", "obligor", "--obligor", A)
    kept("consent", "add", "--obligor", A, "--recipient", "bank-a", "--purpose", "credit")
    ended = kept("obligor", "remove", "--obligor", A, "--json").answer
    assert (ended["consents_withdrawn"], ended["keys_revoked"]) == (4, 1)
    assert [row["platform_consent"] for row in rows(kept, "obligor")] == [False]
    refused = kept("features", "--obligor", A)
    assert refused.exit_code == 2
    assert "ConsentMissing" in refused.err


def test_a_removed_obligor_is_out_of_its_page_at_once_and_another_is_not(kept: Any, home: Path) -> None:
    kept("obligor", "add", "--obligor", B, *PROFILE)
    tokens = {}
    for firm, name in ((A, "owner"), (A, "clerk"), (B, "other")):
        password = kept("sign-in", "add", "--obligor", firm, "--name", name).out.strip()
        tokens[name] = entered(home, name, password)
    ended = kept("obligor", "remove", "--obligor", A, "--json").answer
    assert (ended["sign_ins_removed"], ended["sessions_ended"]) == (2, 2)
    assert {name: is_signed_in(home, token) for name, token in tokens.items()} == {
        "owner": False,
        "clerk": False,
        "other": True,
    }
    assert {row["name"]: row["is_removed"] for row in kept("sign-in", "list", "--json").answer["sign_ins"]} == {
        "owner": True,
        "clerk": True,
        "other": False,
    }
    again = kept("obligor", "remove", "--obligor", A, "--json").answer
    assert (again["sign_ins_removed"], again["sessions_ended"]) == (0, 0)


def entered(home: Path, name: str, password: str) -> str:
    """The token of a session that was just begun on the page."""
    opened, now = open_home(home), datetime.now(UTC)
    token = sign_in(opened, sign_in_name=name, password=password, passwords=production_passwords(), now=now)
    opened.engine.dispose()
    assert token is not None
    return token


def is_signed_in(home: Path, token: str) -> bool:
    opened = open_home(home)
    found = sessions.find(opened, token, now=datetime.now(UTC))
    opened.engine.dispose()
    return found is not None


def test_what_is_not_named_of_a_machine_stays_as_it_was(kept: Any) -> None:
    kept("machine", "add", "--machine", f"{A}/VMC-01", "--obligor", A, "--maker", "DMG", "--serial", "0042")
    (row,) = rows(kept, "machine", "--obligor", A)
    assert row == {
        "machine_uid": f"{A}/VMC-01",
        "obligor_id": A,
        "owned_from": "2023-12-31T16:00:00+00:00",
        "owned_until": None,
        "asset_value_minor": 80_000_000,
        "currency": "CNY",
        "install_date": None,
        "machine_type": None,
        "maker": "DMG",
        "model": None,
        "serial": "0042",
    }
    assert "CN¥800,000.00" in kept("machine", "list").out


def test_the_type_of_a_machine_is_kept_beside_what_was_said_before(kept: Any) -> None:
    named = ("machine", "add", "--machine", f"{A}/VMC-01", "--obligor", A)
    kept(*named, "--machine-type", "a02050900")
    (row,) = rows(kept, "machine", "--obligor", A)
    assert (row["machine_type"], row["asset_value_minor"]) == ("A02050900", 80_000_000)
    refused = kept(*named, "--machine-type", "lathe")
    assert (refused.exit_code, "InvalidMachineType" in refused.err, "'lathe'" in refused.err) == (2, True, True)
    assert rows(kept, "machine", "--obligor", A) == [row]


def test_an_installation_is_the_start_of_ownership(kept: Any) -> None:
    kept("machine", "add", "--machine", "EDM", "--obligor", A, "--install-date", "2025-03-01")
    assert rows(kept, "machine")[0]["owned_from"] == "2025-02-28T16:00:00+00:00"


def test_a_machine_is_sold_by_an_end_and_a_start(kept: Any) -> None:
    kept("obligor", "add", "--obligor", B, *PROFILE)
    sold = ("machine", "add", "--machine", f"{A}/VMC-01", "--obligor", B, "--from", "2026-02-01")
    early = kept(*sold)
    assert early.exit_code == 2
    assert "OwnershipOverlaps" in early.err
    assert "further notice" in early.err
    assert kept("machine", "remove", "--machine", "VMC-01", "--obligor", A, "--until", "2026-02-01").exit_code == 0
    assert kept(*sold).exit_code == 0
    owners = [(row["obligor_id"], row["owned_from"], row["owned_until"]) for row in rows(kept, "machine")]
    assert owners == [
        (A, "2023-12-31T16:00:00+00:00", "2026-01-31T16:00:00+00:00"),
        (B, "2026-01-31T16:00:00+00:00", None),
    ]
    assert kept("machine", "remove", "--machine", "VMC-01", "--obligor", A).exit_code == 2


def test_history_says_since_when_it_could_be_known(kept: Any, home: Path) -> None:
    options = ("--machine", "OLD", "--obligor", A, "--from", "2022-01-01", "--recorded", "2022-02-01")
    assert kept("machine", "add", *options).exit_code == 0
    opened = open_home(home)
    with unit_of_work(opened.engine) as connection:
        known = reader(connection, opened).machines(as_of=datetime(2022, 3, 1, tzinfo=UTC))["machine_uid"].to_pylist()
    opened.engine.dispose()
    assert known == [f"{A}/OLD"]


def test_a_list_of_machines_and_of_obligors_as_files(kept: Any, tmp_path: Path) -> None:
    obligors = f'obligor,name,subject_kind,industry_division\n{A},苏州精工,legal_person,C34\n{B},"老王, 机加",sole_trader,C33\n'
    ran = kept("obligor", "add", "--file", written(tmp_path, "\ufeff" + obligors), "--json")
    assert (ran.answer["added"], ran.answer["known"]) == (1, 1)
    machines = (
        f"machine,obligor,from,asset_value,install_date\nA-1,{A},2024-05-01,500000,\nB-1,{B},,350000.50,2023-11-11\n"
    )
    assert kept("machine", "add", "--file", written(tmp_path, machines), "--json").answer["added"] == 2
    assert [row["asset_value_minor"] for row in rows(kept, "machine")] == [50_000_000, 80_000_000, 35_000_050]
    assert kept("machine", "add", "--file", written(tmp_path, machines), "--json").answer["known"] == 2


def test_a_partner_is_known_by_one_name_and_loses_everything_at_once(kept: Any) -> None:
    assert kept("partner", "add", *BANK, "--json").answer["known"] == 1
    other = kept("partner", "add", "--partner", "bank-a", "--name", "Bank Z", "--kind", "bank")
    assert (other.exit_code, "AlreadyKnown" in other.err) == (2, True)
    kept("key", "add", "--role", "bank", "--partner", "bank-a")
    kept("consent", "add", "--obligor", A, "--recipient", "bank-a", "--purpose", "credit")
    bank = next(row for row in rows(kept, "partner") if row["partner_id"] == "bank-a")
    assert (bank["consents_in_force"], bank["keys_in_force"]) == (1, 1)
    ended = kept("partner", "remove", "--partner", "bank-a", "--json").answer
    assert (ended["keys_revoked"], ended["consents_withdrawn"]) == (1, 1)
    bank = next(row for row in rows(kept, "partner") if row["partner_id"] == "bank-a")
    assert (bank["consents_in_force"], bank["keys_in_force"]) == (0, 0)
    assert kept("partner", "remove", "--partner", "local").exit_code == 2


def test_a_key_is_shown_once_and_only_its_hash_is_kept(kept: Any, home: Path) -> None:
    key = kept("key", "add", "--role", "bank", "--partner", "bank-a", "--live").out.strip()
    prefix, mode, key_id, secret = key.split("_")
    assert (prefix, mode) == ("mg", "live")
    (row,) = rows(kept, "key")
    assert (row["key_id"], row["role"], row["partner_id"], row["livemode"]) == (key_id, "bank", "bank-a", True)
    assert secret not in json.dumps(rows(kept, "key"))
    assert not any(secret.encode() in path.read_bytes() for path in home.rglob("*") if path.is_file())
    ended = kept("key", "remove", key_id, "--json").answer
    assert ended["revoked_time"] is not None
    assert kept("key", "remove", key_id, "--json").answer == ended


def test_keys_from_a_file(kept: Any, tmp_path: Path) -> None:
    listed = f"role,partner,obligor,live\nbank,bank-a,,true\ngateway,,{A},\noperator,,,false\n"
    made = kept("key", "add", "--file", written(tmp_path, listed), "--json").answer["keys"]
    assert [(key["role"], key["livemode"]) for key in made] == [("bank", True), ("gateway", False), ("operator", False)]


def test_a_consent_is_declared_and_withdrawn(kept: Any) -> None:
    options = ("--recipient", "bank-a", "--purpose", "credit", "--expires", "2099-01-01")
    kept("consent", "add", "--obligor", A, *options)
    (row,) = rows(kept, "consent", "--recipient", "bank-a")
    assert (row["streams"], row["mark"], row["is_in_force"]) == (["*"], "operator_declared", True)
    assert row["expires_time"] == "2098-12-31T16:00:00+00:00"
    assert kept("consent", "remove", row["consent_id"], "--json").answer["is_in_force"] is False
    assert [row["is_in_force"] for row in rows(kept, "consent", "--recipient", "bank-a")] == [False]


BAD: list[tuple[str, str, str]] = [
    # what is wrong, the call, a word that the message must say
    ("no obligor named", "obligor add --name x", "--obligor"),
    ("a wrong check digit", "obligor add --obligor 91999999MA00000012", "91999999MA00000012"),
    ("a subject of no kind", f"obligor add --obligor {A} --name x --subject-kind firm --industry-division C34", "firm"),
    ("a zone nowhere", f"obligor add --obligor {A} --site-zone Mars/Base", "Mars/Base"),
    ("a zone that is a path", f"obligor add --obligor {A} --site-zone ../../etc/passwd", "etc/passwd"),
    ("no such division", f"obligor add --obligor {A} --name x --subject-kind sole_trader --industry-division 34", "'34'"),
    ("an unknown obligor's machine", f"machine add --machine M --obligor {B} --from 2024-01-01", B),
    ("no start of ownership", f"machine add --machine M --obligor {A}", "--from"),
    ("an end before the start", f"machine add --machine M --obligor {A} --from 2024-01-02 --until 2024-01-01", "until"),
    ("no date", f"machine add --machine M --obligor {A} --from soon", "soon"),
    ("no day", f"machine add --machine M --obligor {A} --install-date 2024-02-30", "2024-02-30"),
    ("no amount", f"machine add --machine M --obligor {A} --from 2024-01-01 --asset-value plenty", "plenty"),
    ("no currency", f"machine add --machine M --obligor {A} --from 2024-01-01 --asset-value 1 --currency QQQ", "QQQ"),
    ("an end of nothing", f"machine remove --machine M --obligor {A}", f"{A}/M"),
    ("machines of nobody", f"machine list --obligor {B}", B),
    ("a partner's odd id", "partner add --partner Bank_A --name x --kind bank", "Bank_A"),
    ("a reserved partner", "partner add --partner platform --name x --kind bank", "platform"),
    ("a partner of no kind", "partner add --partner b --name x --kind pawnshop", "pawnshop"),
    ("no such partner", "partner remove --partner nobody", "nobody"),
    ("no such role", "key add --role king", "king"),
    ("a bank's key for nobody", "key add --role bank", "bank"),
    ("a key for an unknown partner", "key add --role bank --partner nobody", "nobody"),
    ("a live key of the home", "key add --role bank --partner local --live", "partner add"),
    ("no such key", "key remove mg_test", "mg_test"),
    ("no such purpose", f"consent add --obligor {A} --recipient bank-a --purpose sport", "sport"),
    ("a consent to nobody", f"consent add --obligor {A} --recipient nobody --purpose credit", "nobody"),
    ("a bank for insurance", f"consent add --obligor {A} --recipient bank-a --purpose insurance", "bank-a"),
    ("a consent that has ended", f"consent add --obligor {A} --recipient bank-a --purpose credit --expires 2020-01-01", "2019"),
    ("no hash", f"consent add --obligor {A} --recipient bank-a --purpose credit --evidence abc", "abc"),
    ("no such consent", "consent remove abc", "abc"),
    ("a file that is not there", "machine add --file absent.csv", "absent.csv"),
    ("a file and options", "machine add --file absent.csv --machine M", "--machine"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "call", "word"), BAD, ids=[case[0] for case in BAD])
def test_a_bad_call(kept: Any, name: str, call: str, word: str) -> None:
    ran = kept(*call.split())
    assert ran.exit_code == 2
    assert word in ran.err
    assert "Traceback" not in ran.err


FILES: list[tuple[str, str, str]] = [
    ("a column nobody knows", "machine,owner\nM,x\n", "owner"),
    ("a column twice", "machine,machine\nM,x\n", "twice"),
    ("a cell too many", f"machine,obligor\nM,{A},x\n", "row 1"),
    ("no row", "machine,obligor\n\n", "no row"),
    ("an open quotation", f'machine,obligor\n"M,{A}\n', "CSV"),
    ("bad values in two rows", f"machine,obligor,from,asset_value\nM,{A},2024-01-01,x\nN,1,,\n", "row 2"),
]


@pytest.mark.parametrize(("name", "text", "word"), FILES, ids=[case[0] for case in FILES])
def test_a_bad_list_adds_nothing(kept: Any, tmp_path: Path, name: str, text: str, word: str) -> None:
    ran = kept("machine", "add", "--file", written(tmp_path, text))
    assert ran.exit_code == 2
    assert word in ran.err
    assert len(rows(kept, "machine")) == 1


def test_the_lists_are_kept_on_postgresql(
    run: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, empty_postgresql_url: str
) -> None:
    monkeypatch.setenv("MILLGRADE_DATABASE_URL", empty_postgresql_url)
    assert run("obligor", "add", "--obligor", A, *PROFILE, "--json").answer["added"] == 1
    assert run("partner", "add", *BANK, "--json").answer["added"] == 1
    assert run("partner", "add", *BANK, "--json").answer["known"] == 1
    machines = f"machine,obligor,from,asset_value\nM-1,{A},2024-05-01,500000\nM-2,{A},2024-05-01,1\n"
    assert run("machine", "add", "--file", written(tmp_path, machines), "--json").answer["added"] == 2
    assert run("machine", "remove", "--machine", "M-2", "--obligor", A).exit_code == 0
    assert [row["owned_until"] is None for row in rows(run, "machine")] == [True, False]
    run("key", "add", "--role", "bank", "--partner", "bank-a")
    run("consent", "add", "--obligor", A, "--recipient", "bank-a", "--purpose", "credit")
    bank = next(row for row in rows(run, "partner") if row["partner_id"] == "bank-a")
    assert (bank["consents_in_force"], bank["keys_in_force"]) == (1, 1)
    assert run("obligor", "remove", "--obligor", A, "--json").answer["consents_withdrawn"] == 4
