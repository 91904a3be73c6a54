"""The list of machines: who owns which, from when until when, and what it is worth, as rows of kind
machine_ownership. An end is a later version of the row with `owned_until`; nothing is deleted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from itertools import pairwise
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from api.database.engine import unit_of_work
from api.home import Home
from api.instants import parse_amount, parse_instant
from api.obligors import repository as obligors
from api.operations.entries import Entry
from api.operations.errors import OwnershipOverlaps
from api.operations.ledger import Added, Row, admit_rows
from api.snapshots.service import reader, site_zone
from data_contracts.contract import RecordKind
from data_contracts.errors import InputError, InvalidIdentifier, NotFound
from data_contracts.identifiers import MachineUid, ObligorId, machine_uid, obligor_id
from data_contracts.reference.machine_types import machine_type

NAMES = (
    "machine", "obligor", "from", "until", "asset_value", "currency", "install_date", "machine_type", "maker", "model",
    "serial", "recorded",
)  # fmt: skip
TEXTS = ("maker", "model", "serial")
DEFAULT_CURRENCY = "CNY"


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineEntry:
    """What is said of a machine under one owner. Times are as typed; they are read in the zone of the owner's site."""

    machine_uid: MachineUid
    obligor_id: ObligorId
    owned_from: str | None
    owned_until: str | None
    recorded: str | None
    values: Mapping[str, str]
    """Contract column -> text, for the columns that were named."""


class Ownership(NamedTuple):
    """What one version of an ownership is about."""

    machine_uid: str
    obligor_id: str
    owned_from: datetime


Known = dict[str, dict[Ownership, dict[str, Any]]]
"""By machine: its ownerships, and the values of each."""


def read_entry(entry: Entry) -> MachineEntry:
    """An entry of the list of machines. Raises InputError, InvalidMachineType among them."""
    owner = obligor_id(entry.need("obligor"))
    values = {name: text for name in TEXTS if (text := entry.text(name)) is not None}
    if amount := entry.text("asset_value"):
        currency = (entry.text("currency") or DEFAULT_CURRENCY).upper()
        values |= {"asset_value_minor": str(parse_amount(amount, currency=currency)), "currency": currency}
    if installed := entry.text("install_date"):
        values["install_date"] = _date(installed).isoformat()
    if told := entry.text("machine_type"):
        values["machine_type"] = machine_type(told)
    return MachineEntry(
        machine_uid=uid_of(entry.need("machine"), owner),
        obligor_id=owner,
        owned_from=entry.text("from"),
        owned_until=entry.text("until"),
        recorded=entry.text("recorded"),
        values=values,
    )


def uid_of(text: str, owner: ObligorId) -> MachineUid:
    """The machine of that uid, or the one that sources of `owner` call by that id. Raises InvalidIdentifier."""
    first, slash, _ = text.partition("/")
    if slash:
        try:
            obligor_id(first)
        except InvalidIdentifier:
            return machine_uid(owner, text)
        return MachineUid(text)
    return machine_uid(owner, text)


def add(home: Home, entries: Sequence[MachineEntry], *, now: datetime) -> Added:
    """Write who owns the machines, in one transaction. A value that is not named stays as it was.

    Raises NotFound for an obligor that is not registered, InputError where no start of ownership follows, and
    OwnershipOverlaps where a machine would have two owners at once. Contract faults go to quarantine.
    """
    with unit_of_work(home.engine) as connection:
        for owner in sorted({entry.obligor_id for entry in entries}):
            obligors.require(connection, owner)
        known = _known(connection, home, {entry.machine_uid for entry in entries}, now=now)
        zones = _zones(connection, home, {entry.obligor_id for entry in entries}, now=now)
        rows = []
        for entry in entries:
            row = _version(entry, known, zone=zones[entry.obligor_id])
            if row is not None:
                rows.append(row)
        _check_one_owner(known)
        if not rows:
            return Added(added=0, known=len(entries), admission=None)
        zone = zones[entries[0].obligor_id]
        result = admit_rows(connection, home, RecordKind.MACHINE_OWNERSHIP, rows, site_zone=zone, now=now)
    same = len(entries) - len(rows)
    return Added(added=result.rows_admitted, known=same + result.rows_duplicate, admission=result)


def listed(home: Home, *, obligor: ObligorId | None, now: datetime) -> list[dict[str, Any]]:
    """Every machine known now with its owners in turn; `owned_from` is None where only telemetry spoke of it."""
    with unit_of_work(home.engine) as connection:
        if obligor is not None:
            obligors.require(connection, obligor)
        source = reader(connection, home)
        machines = source.machines(as_of=now, obligor_ids=None if obligor is None else [obligor]).to_pylist()
        said = _known(connection, home, {row["machine_uid"] for row in machines}, now=now)
    nameless = dict.fromkeys(TEXTS)
    return [
        {**_plain(row), **{name: said.get(row["machine_uid"], {}).get(_about(row), nameless)[name] for name in TEXTS}}
        for row in machines
    ]


def remove(home: Home, machine: str, *, obligor: ObligorId, until: str | None, now: datetime) -> dict[str, Any]:
    """End an ownership: the same row with `owned_until` (default now). Raises NotFound where none is open."""
    uid = uid_of(machine, obligor)
    with unit_of_work(home.engine) as connection:
        obligors.require(connection, obligor)
        known = _known(connection, home, {uid}, now=now)
        start = _still_owned_from(known, uid, obligor)
        if start is None:
            raise NotFound(
                f"{obligor} owns no machine {uid} that could be ended.",
                hint="Say first from when it is owned: millgrade machine add --machine ID --obligor USCC --from DATE.",
            )
        zone = _zones(connection, home, {obligor}, now=now)[obligor]
        entry = MachineEntry(
            machine_uid=uid,
            obligor_id=obligor,
            owned_from=start.isoformat(),
            owned_until=until or now.isoformat(),
            recorded=None,
            values={},
        )
        row = _version(entry, known, zone=zone)
        assert row is not None, "an ownership without an end is not the same with one"
        admit_rows(connection, home, RecordKind.MACHINE_OWNERSHIP, [row], site_zone=zone, now=now)
    return {
        "machine_uid": uid,
        "obligor_id": obligor,
        "owned_from": row["event_time"],
        "owned_until": row["owned_until"],
    }


def _version(entry: MachineEntry, known: Known, *, zone: str) -> Row | None:
    """The ledger row that an entry makes on top of what is known, None where it adds nothing; `known` learns it."""
    about = Ownership(entry.machine_uid, entry.obligor_id, _start(entry, known, zone=zone))
    owners = known.setdefault(about.machine_uid, {})
    before = owners.get(about, {})
    until = parse_instant(entry.owned_until, zone=zone) if entry.owned_until else before.get("owned_until")
    if until is not None and until <= about.owned_from:
        raise InputError(
            f"{about.machine_uid} would be owned until {until.isoformat()}, not after {about.owned_from.isoformat()}.",
            hint="--until is the first instant at which it is no longer owned.",
        )
    after = {**before, **_typed(entry.values), "owned_until": until}
    owners[about] = {**dict.fromkeys(TEXTS), **after}
    if before and all(before.get(name) == value for name, value in after.items()):
        return None
    row = {name: _text(value) for name, value in after.items() if value is not None}
    row |= {
        "machine_uid": about.machine_uid,
        "obligor_id": about.obligor_id,
        "event_time": about.owned_from.isoformat(),
    }
    if entry.recorded:
        row["recorded_time"] = parse_instant(entry.recorded, zone=zone).isoformat()
    return row


def _start(entry: MachineEntry, known: Known, *, zone: str) -> datetime:
    """From when: as said, else the one open ownership that is known, else the day of installation."""
    if entry.owned_from is not None:
        return parse_instant(entry.owned_from, zone=zone)
    still = _still_owned_from(known, entry.machine_uid, entry.obligor_id)
    if still is not None:
        return still
    if installed := entry.values.get("install_date"):
        local = datetime.combine(date.fromisoformat(installed), time(), tzinfo=ZoneInfo(zone))
        return local.astimezone(UTC)
    raise InputError(
        f"From when does {entry.obligor_id} own {entry.machine_uid}?",
        hint="Give --from (or --install-date, where it was bought new): earlier machine-days count for nobody.",
    )


def _still_owned_from(known: Known, uid: str, obligor: str) -> datetime | None:
    """From when the obligor owns the machine without an end, if it does."""
    owners = known.get(uid, {})
    still = [
        about.owned_from for about, row in owners.items() if about.obligor_id == obligor and row["owned_until"] is None
    ]
    return max(still, default=None)


def _check_one_owner(known: Known) -> None:
    """Raises OwnershipOverlaps where two ownerships of one machine share an instant."""
    for owners in known.values():
        in_turn = sorted(owners.items(), key=lambda item: item[0].owned_from)
        for (about, row), (following, _) in pairwise(in_turn):
            until = row["owned_until"]
            if until is None or until > following.owned_from:
                raise _overlap(about, until, following)


def _overlap(about: Ownership, until: datetime | None, following: Ownership) -> OwnershipOverlaps:
    return OwnershipOverlaps(
        f"{about.machine_uid} would belong to {following.obligor_id} from {following.owned_from.isoformat()}, "
        f"but {about.obligor_id} owns it until {'further notice' if until is None else until.isoformat()}.",
        hint=f"End that first: millgrade machine remove --machine {about.machine_uid} --obligor {about.obligor_id} "
        "--until DATE.",
    )


def _known(connection: sa.Connection, home: Home, uids: Iterable[str], *, now: datetime) -> Known:
    rows = reader(connection, home).rows(
        RecordKind.MACHINE_OWNERSHIP, as_of=now, machine_uids=[MachineUid(uid) for uid in sorted(uids)]
    )
    aside = {"machine_uid", "obligor_id", "event_time", "recorded_time", "batch_id"}
    known: Known = {}
    for row in rows.to_pylist():
        about = Ownership(row["machine_uid"], row["obligor_id"], row["event_time"])
        known.setdefault(about.machine_uid, {})[about] = {
            name: value for name, value in row.items() if name not in aside
        }
    return known


def _zones(
    connection: sa.Connection, home: Home, owners: Iterable[ObligorId], *, now: datetime
) -> dict[ObligorId, str]:
    """The zone of each owner's site: as its profile says, else as its telemetry does."""
    profiles = reader(connection, home).obligor_profiles(as_of=now).to_pylist()
    said = {row["obligor_id"]: row["site_zone"] for row in profiles}
    return {owner: said.get(owner) or site_zone(connection, home, owner) for owner in owners}


def _typed(values: Mapping[str, str]) -> dict[str, Any]:
    kinds: dict[str, Any] = {"asset_value_minor": int, "install_date": date.fromisoformat}
    return {name: kinds.get(name, str)(text) for name, text in values.items()}


def _text(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InputError(f"{text!r} is no date.", hint="Write 2026-07-01.") from error


def _about(row: Mapping[str, Any]) -> Ownership:
    return Ownership(row["machine_uid"], row["obligor_id"], row["owned_from"])


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in row.items()}
