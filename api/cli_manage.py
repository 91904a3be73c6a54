"""Commands that keep a home's lists: obligors, machines, partners, keys and consents, one by one or as a CSV file.

The sixth list, of sign-ins, takes no file and has its commands in `cli_sign_ins`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from api.cli_sign_ins import sign_in_app
from api.console import HomeOption, JsonOption, aligned, opened, show
from api.errors import EXIT_BAD_INPUT
from api.operations import consents, keys, machines, obligors, partners
from api.operations.entries import Entry, entries, read_all
from api.operations.ledger import Added
from data_contracts.identifiers import PartnerId, obligor_id
from risk_reports import tables
from risk_reports.numbers import money
from risk_reports.wording.catalogue import Language

T = TypeVar("T")

FileOption = Annotated[
    Path | None, typer.Option("--file", help="A CSV file in place of the options; its columns bear their names.")
]
Obligor = Annotated[str | None, typer.Option("--obligor", help="Unified social credit code (18 characters).")]
OneObligor = Annotated[str, typer.Option("--obligor", help="Unified social credit code (18 characters).")]
From = Annotated[str | None, typer.Option("--from", help="Instant or date in the site's zone.")]
Recorded = Annotated[
    str | None, typer.Option("--recorded", help="Since when this could be known (history); default now.")
]

obligor_app = typer.Typer(help="Who is served: name, kind of subject, industry, site.", no_args_is_help=True)
machine_app = typer.Typer(help="Who owns which machine, from when until when, worth what.", no_args_is_help=True)
partner_app = typer.Typer(help="The banks, insurers, lessors and core enterprises that ask.", no_args_is_help=True)
key_app = typer.Typer(help="API keys; a key is shown once, when it is made.", no_args_is_help=True)
consent_app = typer.Typer(help="Who may see what of whom, for what, until when.", no_args_is_help=True)

APPS = {
    "obligor": obligor_app,
    "machine": machine_app,
    "partner": partner_app,
    "key": key_app,
    "consent": consent_app,
    "sign-in": sign_in_app,
}


def mount(app: typer.Typer) -> None:
    """Give `app` a group of commands for each list."""
    for name, group in APPS.items():
        app.add_typer(group, name=name)


@obligor_app.command("add")
def add_obligor(
    *,
    obligor: Obligor = None,
    name: Annotated[str | None, typer.Option("--name", help="Registered name.")] = None,
    subject_kind: Annotated[str | None, typer.Option("--subject-kind", help="legal_person or sole_trader.")] = None,
    industry_division: Annotated[
        str | None, typer.Option("--industry-division", help="GB/T 4754 division, such as C34.")
    ] = None,
    site_zone: Annotated[str | None, typer.Option("--site-zone", help="IANA zone; default Asia/Shanghai.")] = None,
    starts: From = None,
    recorded: Recorded = None,
    file: FileOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Register obligors, or say anew who they are; the old profile stays as history."""
    options = {
        "obligor": obligor,
        "name": name,
        "subject_kind": subject_kind,
        "industry_division": industry_division,
        "site_zone": site_zone,
        "from": starts,
        "recorded": recorded,
    }
    read = _read(file, options, obligors.NAMES, obligors.read_entry)
    with opened(home) as here:
        _show_added(obligors.add(here, read, now=_now()), as_json)


@obligor_app.command("list")
def list_obligors(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Print every obligor with its profile."""
    columns = ("obligor_id", "name", "subject_kind", "industry_division", "site_zone", "platform_consent")
    with opened(home) as here:
        _show_list("obligors", obligors.listed(here, now=_now()), columns, as_json)


@obligor_app.command("remove")
def remove_obligor(obligor: OneObligor, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """End an obligor's use of the platform: withdraw its consents, revoke its keys. Nothing is deleted."""
    with opened(home) as here:
        _show_plain(obligors.remove(here, obligor_id(obligor), now=_now()), as_json)


@machine_app.command("add")
def add_machine(
    *,
    machine: Annotated[str | None, typer.Option("--machine", help="Its uid, or the source's own id.")] = None,
    obligor: Obligor = None,
    starts: From = None,
    until: Annotated[str | None, typer.Option("--until", help="First instant or date no longer owned.")] = None,
    asset_value: Annotated[str | None, typer.Option("--asset-value", help="Major units, such as 800000.00.")] = None,
    currency: Annotated[str | None, typer.Option("--currency", help="ISO 4217; default CNY.")] = None,
    install_date: Annotated[str | None, typer.Option("--install-date", help="When it was first put to use.")] = None,
    machine_type: Annotated[
        str | None, typer.Option("--machine-type", help="GB/T 14885-2022, such as A02050000.")
    ] = None,
    maker: Annotated[str | None, typer.Option("--maker")] = None,
    model: Annotated[str | None, typer.Option("--model")] = None,
    serial: Annotated[str | None, typer.Option("--serial")] = None,
    recorded: Recorded = None,
    file: FileOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say who owns machines and what they are worth; what is not named stays as it was."""
    options = {
        "machine": machine,
        "obligor": obligor,
        "from": starts,
        "until": until,
        "asset_value": asset_value,
        "currency": currency,
        "install_date": install_date,
        "machine_type": machine_type,
        "maker": maker,
        "model": model,
        "serial": serial,
        "recorded": recorded,
    }
    read = _read(file, options, machines.NAMES, machines.read_entry)
    with opened(home) as here:
        _show_added(machines.add(here, read, now=_now()), as_json)


@machine_app.command("list")
def list_machines(obligor: Obligor = None, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Print every machine with its owners in turn."""
    owner = None if obligor is None else obligor_id(obligor)
    columns = ("machine_uid", "obligor_id", "owned_from", "owned_until", "asset_value", "install_date", "machine_type")
    with opened(home) as here:
        found = machines.listed(here, obligor=owner, now=_now())
    shown = [{**row, "asset_value": _amount(row["asset_value_minor"], row["currency"])} for row in found]
    show({"machines": found}, as_json, aligned(shown, columns))


@machine_app.command("remove")
def remove_machine(
    machine: Annotated[str, typer.Option("--machine", help="Its uid, or the source's own id.")],
    obligor: OneObligor,
    until: Annotated[str | None, typer.Option("--until", help="First instant no longer owned; default now.")] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """End an ownership, for example when a machine is sold. Its history stays with the former owner."""
    with opened(home) as here:
        answer = machines.remove(here, machine, obligor=obligor_id(obligor), until=until, now=_now())
    _show_plain(answer, as_json)


@partner_app.command("add")
def add_partner(
    *,
    partner: Annotated[str | None, typer.Option("--partner", help="Its id: a-z, 0-9 and -.")] = None,
    name: Annotated[str | None, typer.Option("--name")] = None,
    kind: Annotated[str | None, typer.Option("--kind", help="bank, insurer, lessor or core_enterprise.")] = None,
    file: FileOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Register partners."""
    read = _read(file, {"partner": partner, "name": name, "kind": kind}, partners.NAMES, partners.read_entry)
    with opened(home) as here:
        _show_added(partners.add(here, read, now=_now()), as_json)


@partner_app.command("list")
def list_partners(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Print every partner with its consents and keys in force."""
    columns = ("partner_id", "name", "kind", "consents_in_force", "keys_in_force")
    with opened(home) as here:
        _show_list("partners", partners.listed(here, now=_now()), columns, as_json)


@partner_app.command("lender")
def name_lender(
    partner: Annotated[str, typer.Option("--partner", help="Its id.")],
    lender: Annotated[str, typer.Option("--lender", help="As facility ledgers name it (lender_id).")],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say under which name ledgers tell of what is owed to a partner; its decisions then limit each core enterprise."""
    with opened(home) as here:
        _show_plain(partners.name_lender(here, PartnerId(partner), lender, now=_now()), as_json)


@partner_app.command("remove")
def remove_partner(
    partner: Annotated[str, typer.Option("--partner", help="Its id.")],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """End a partner's access: revoke its keys, withdraw the consents to it. Its decisions stay."""
    with opened(home) as here:
        _show_plain(partners.remove(here, PartnerId(partner), now=_now()), as_json)


@key_app.command("add")
def add_key(
    *,
    role: Annotated[
        str | None, typer.Option("--role", help="bank, insurer (of a partner), obligor, gateway, or operator.")
    ] = None,
    partner: Annotated[str | None, typer.Option("--partner", help="For whom a bank's or insurer's key acts.")] = None,
    obligor: Obligor = None,
    live: Annotated[
        bool, typer.Option("--live", help="A live key never gets an answer from a synthetic model.")
    ] = False,
    file: FileOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make API keys and print them, once: only a hash is kept."""
    options = {"role": role, "partner": partner, "obligor": obligor, "live": keys.YES if live else None}
    with opened(home) as here:
        made = keys.add(here, _read(file, options, keys.NAMES, keys.read_entry), now=_now())
    show({"keys": made}, as_json, "\n".join(item["key"] for item in made))


@key_app.command("list")
def list_keys(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Print every key without its secret."""
    columns = ("key_id", "role", "partner_id", "obligor_id", "livemode", "created_time", "revoked_time")
    with opened(home) as here:
        _show_list("keys", keys.listed(here), columns, as_json)


@key_app.command("remove")
def remove_key(
    key_id: Annotated[str, typer.Argument(help="The middle part of the key.")],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Revoke a key at once."""
    with opened(home) as here:
        _show_plain(keys.remove(here, key_id, now=_now()), as_json)


@consent_app.command("add")
def add_consent(
    *,
    obligor: Obligor = None,
    recipient: Annotated[str | None, typer.Option("--recipient", help="A partner's id, or platform.")] = None,
    purpose: Annotated[str | None, typer.Option("--purpose", help="credit, insurance or platform.")] = None,
    expires: Annotated[str | None, typer.Option("--expires", help="Instant or date; default without end.")] = None,
    evidence: Annotated[str | None, typer.Option("--evidence", help="SHA-256 of the document that shows it.")] = None,
    file: FileOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Record consents as declared by the operator: good for test keys, never for a live one."""
    options = {
        "obligor": obligor,
        "recipient": recipient,
        "purpose": purpose,
        "expires": expires,
        "evidence": evidence,
    }
    with opened(home) as here:
        made = consents.add(here, _read(file, options, consents.NAMES, consents.read_entry), now=_now())
    show({"added": len(made), "consents": made}, as_json, "\n".join(item["consent_id"] for item in made))


@consent_app.command("list")
def list_consents(
    obligor: Obligor = None,
    recipient: Annotated[str | None, typer.Option("--recipient", help="A partner's id, or platform.")] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print consents, also those that ended."""
    owner = None if obligor is None else obligor_id(obligor)
    columns = (
        "consent_id",
        "obligor_id",
        "recipient",
        "purpose",
        "granted_time",
        "expires_time",
        "is_in_force",
        "mark",
    )
    with opened(home) as here:
        found = consents.listed(here, obligor=owner, recipient=recipient, now=_now())
    _show_list("consents", found, columns, as_json)


@consent_app.command("remove")
def remove_consent(
    consent_id: Annotated[str, typer.Argument(help="A consent's id.")],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Withdraw a consent: it counts for nothing from the next request on."""
    with opened(home) as here:
        _show_plain(consents.remove(here, consent_id, now=_now()), as_json)


def _now() -> datetime:
    return datetime.now(UTC)


def _read(
    file: Path | None, options: Mapping[str, str | None], names: Sequence[str], read: Callable[[Entry], T]
) -> list[T]:
    return read_all(entries(file, options, names=names), read)


def _show_added(added: Added, as_json: bool) -> None:
    """Counts; rows in quarantine end the command as they do in `ingest`."""
    result = added.admission
    quarantined = 0 if result is None else result.rows_quarantined
    answer = {
        "added": added.added,
        "known": added.known,
        "quarantined": quarantined,
        "batch_id": None if result is None else result.batch_id,
    }
    show(answer, as_json, f"{added.added:,} added, {added.known:,} already known, {quarantined:,} quarantined.")
    if result is not None and quarantined:
        sys.stderr.write(tables.quarantine_text([result]))
        raise typer.Exit(EXIT_BAD_INPUT)


def _amount(minor: int | None, currency: str) -> str | None:
    return None if minor is None else money(minor, currency, Language.EN)


def _show_list(name: str, rows: list[dict[str, Any]], columns: Sequence[str], as_json: bool) -> None:
    show({name: rows}, as_json, aligned(rows, columns))


def _show_plain(answer: Mapping[str, Any], as_json: bool) -> None:
    show(answer, as_json, tables.plain_text(answer))
