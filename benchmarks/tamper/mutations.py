"""What an insider could do to a home: edits, deletions, reorderings, backdatings and insertions, drawn at random.

The insider has the whole machine: the database without its constraints, the files, the log and even its private key.
A `cunning` one also makes the log agree with what was done: leaves and subtrees are computed anew.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from api.database import tables as business
from api.evidence.claims import READERS, Kind
from api.home import Home
from api.operations.audit.tree import subtrees
from data_contracts.evidence import tables as evidence
from data_contracts.evidence.log import entry_leaf
from data_contracts.evidence.tables import log_entry, log_node
from data_contracts.observations import tables as register

HOUR_US = 3_600_000_000
OPERATIONS = ("edit", "delete", "reorder", "backdate", "insert")
RECORDS = (
    register.batch,
    register.chunk,
    register.observation_file,
    register.observation_file_batch,
    register.observed_machine,
    register.quarantined_row,
    register.quarantined_source,
    register.readmission,
    register.source_profile,
    evidence.batch_attestation,
    evidence.gateway_key,
    evidence.gateway_seal,
    evidence.gateway_key_end,
    evidence.gateway_fault,
    evidence.refused_seal,
    business.consent,
    business.snapshot,
    business.score_record,
    business.credit_decision,
    business.premium_quote,
    business.policy_record,
    business.pledge,
    business.pledge_claim,
    business.pledge_trace,
    business.decision_override,
    business.override_confirmation,
    business.decision_event,
    business.decision_terms,
    business.response_event,
    business.watch_case,
    business.watch_event,
    business.recourse_offer,
    business.recourse_rescore,
    business.model_validation,
    business.model_check,
    business.model_appointment,
)
"""Tables whose rows are logged, or follow from what is."""

FILE_FOLDERS = ("observations", "snapshots", "models", "parameters")
NOT_LOGGED = {"promoted.json", "challenger.json", "validation.json"}
"""Pointers to the models that answer next say nothing of the past; the figures beside a model are no part of it, and
the pack that a validator read is logged by its hash."""


@dataclass(frozen=True)
class Done:
    """What was done: the operation, to what, and in words."""

    operation: str
    target: str
    detail: str


class Impossible(Exception):
    """This draw cannot be done here, for example a reordering of one row."""


def tamper_with_records(connection: sa.Connection, draw: random.Random) -> Done:
    """One change of a random row of the records; half of the insiders are cunning."""
    table, operation = draw.choice(RECORDS), draw.choice(OPERATIONS)
    detail = _CHANGES[operation](connection, table, draw)
    if draw.random() < 0.5:
        make_log_agree(connection)
        detail += ", and the log made to agree"
    return Done(operation, "database", f"{table.name}: {detail}")


def tamper_with_log(connection: sa.Connection, draw: random.Random) -> Done:
    """One change of the log itself; half of the insiders compute its tree anew."""
    operation = draw.choice(("edit", "delete", "reorder", "insert"))
    size = connection.scalar(sa.select(sa.func.count()).select_from(log_entry)) or 0
    place = draw.randrange(size)
    if operation == "edit":
        name = draw.choice(("leaf", "salt", "kind", "subject"))
        value = {"leaf": draw.randbytes(32), "salt": draw.choice((None, draw.randbytes(16)))}.get(
            name, draw.randbytes(8).hex()
        )
        _set(connection, log_entry, {"position": place}, name, value)
        detail = f"{name} of entry {place}"
    elif operation == "delete":
        last = draw.choice((place, size - 1))
        _delete_entries(connection, place, last, closed=draw.random() < 0.5)
        detail = f"entries {place} to {last}"
    elif operation == "reorder":
        other = (place + draw.randrange(1, size)) % size
        _swap_entries(connection, place, other)
        detail = f"entries {place} and {other}"
    else:
        _make_room(connection, place)
        row = {"position": place, "kind": "consent", "subject": draw.randbytes(16).hex()}
        connection.execute(sa.insert(log_entry), {**row, "salt": draw.randbytes(16), "leaf": draw.randbytes(32)})
        detail = f"before entry {place}"
    if draw.random() < 0.5:
        rebuild_tree(connection)
        detail += ", and the tree rebuilt"
    return Done(operation, "log", detail)


@contextmanager
def tampered_file(home: Home, draw: random.Random) -> Iterator[Done]:
    """One change of a random file, undone afterwards."""
    paths = sorted(path for name in FILE_FOLDERS for path in (home.root / name).rglob("*") if path.is_file())
    paths = [path for path in paths if path.name not in NOT_LOGGED]
    path = draw.choice(paths)
    before, operation = path.read_bytes(), draw.choice(("edit", "delete", "reorder", "insert"))
    try:
        detail = _change_file(path, before, operation, [other for other in paths if other.parent == path.parent], draw)
        yield Done(operation, "files", f"{path.relative_to(home.root).parts[0]}: {detail}")
    finally:
        path.write_bytes(before)


def _change_file(path: Path, before: bytes, operation: str, beside: list[Path], draw: random.Random) -> str:
    place = draw.randrange(len(before))
    if operation == "delete":
        if draw.random() < 0.5:
            path.unlink()
            return "the file"
        path.write_bytes(before[:place])
        return f"everything from byte {place}"
    if operation == "edit":
        path.write_bytes(before[:place] + bytes([before[place] ^ draw.randrange(1, 256)]) + before[place + 1 :])
        return f"byte {place}"
    if operation == "insert":
        path.write_bytes(before[:place] + draw.randbytes(draw.randrange(1, 9)) + before[place:])
        return f"bytes before {place}"
    other = draw.choice(beside).read_bytes()
    if other == before:
        other = before[place:] + before[:place]
    if other == before:
        raise Impossible
    path.write_bytes(other)
    return "another content in its place"


# --- Rows -----------------------------------------------------------------------------------------------------------


def _edit(connection: sa.Connection, table: sa.Table, draw: random.Random) -> str:
    (row,) = _rows(connection, table, draw, 1)
    column = draw.choice(list(table.columns))
    _set(connection, table, _key(table, row), column.name, _other(row[column.name], column, draw))
    return column.name


def _delete(connection: sa.Connection, table: sa.Table, draw: random.Random) -> str:
    (row,) = _rows(connection, table, draw, 1)
    connection.execute(sa.delete(_bare(table)).where(*_where(table, _key(table, row))))
    return "a row"


def _reorder(connection: sa.Connection, table: sa.Table, draw: random.Random) -> str:
    """The values of one column of two rows change places."""
    first, second = _rows(connection, table, draw, 2)
    free = [column.name for column in table.columns if not column.primary_key and not column.unique]
    differing = [name for name in free if first[name] != second[name]]
    if not differing:
        raise Impossible
    name = draw.choice(differing)
    _set(connection, table, _key(table, first), name, second[name])
    _set(connection, table, _key(table, second), name, first[name])
    return name


def _backdate(connection: sa.Connection, table: sa.Table, draw: random.Random) -> str:
    (row,) = _rows(connection, table, draw, 1)
    times = [
        column.name
        for column in table.columns
        if (isinstance(column.type, register.Instant) or column.name.endswith("_us")) and row[column.name] is not None
    ]
    if not times:
        raise Impossible
    name = draw.choice(times)
    _set(connection, table, _key(table, row), name, row[name] - draw.randrange(1, 1000) * HOUR_US)
    return name


def _insert(connection: sa.Connection, table: sa.Table, draw: random.Random) -> str:
    """A row like another, under a name of its own."""
    (row,) = _rows(connection, table, draw, 1)
    fresh = dict(row)
    for column in table.columns:
        if column.primary_key or column.unique:
            fresh[column.name] = _other(row[column.name], column, draw)
    connection.execute(sa.insert(_bare(table)), fresh)
    return "a row"


_CHANGES: dict[str, Callable[[sa.Connection, sa.Table, random.Random], str]] = {
    "edit": _edit,
    "delete": _delete,
    "reorder": _reorder,
    "backdate": _backdate,
    "insert": _insert,
}


@cache
def _bare(table: sa.Table) -> sa.TableClause:
    """The table without the types that would check or turn its values."""
    return sa.table(table.name, *(sa.column(column.name) for column in table.columns))


def _rows(connection: sa.Connection, table: sa.Table, draw: random.Random, count: int) -> list[dict[str, Any]]:
    rows = [dict(row._mapping) for row in connection.execute(sa.select(_bare(table)))]
    if len(rows) < count:
        raise Impossible
    return draw.sample(rows, count)


def _key(table: sa.Table, row: dict[str, Any]) -> dict[str, Any]:
    return {column.name: row[column.name] for column in table.primary_key.columns}


def _where(table: sa.Table, key: dict[str, Any]) -> list[sa.ColumnElement[bool]]:
    return [_bare(table).c[name] == value for name, value in key.items()]


def _set(connection: sa.Connection, table: sa.Table, key: dict[str, Any], name: str, value: Any) -> None:
    connection.execute(sa.update(_bare(table)).where(*_where(table, key)).values({name: value}))


def _other(value: Any, column: sa.Column[Any], draw: random.Random) -> Any:
    """Another value of the same kind; sometimes none."""
    if value is None:
        is_number = isinstance(column.type, register.Instant | sa.Integer)
        return draw.randrange(1, 10**15) if is_number else draw.randbytes(8).hex()
    if column.nullable and draw.random() < 0.1:
        return None
    if isinstance(value, str | bytes):
        return _other_text(value, draw)
    if isinstance(column.type, sa.Boolean):
        return not value
    return value * draw.choice((0.5, 1.01)) + 1e-9 if isinstance(value, float) else value + draw.choice((-1000, -1, 1))


def _other_text(value: str | bytes, draw: random.Random) -> str | bytes:
    """One character or byte is another."""
    place = draw.randrange(len(value)) if value else 0
    if isinstance(value, bytes):
        return value[:place] + bytes([value[place] ^ draw.randrange(1, 256)]) + value[place + 1 :]
    marks = [mark for mark in "0123456789abcdef" if mark != value[place : place + 1]]
    return value[:place] + draw.choice(marks) + value[place + 1 :]


# --- The log --------------------------------------------------------------------------------------------------------


def make_log_agree(connection: sa.Connection) -> None:
    """Compute every leaf anew from what records say now, drop what is gone, append what is new, rebuild the tree."""
    said = {}
    for reader in READERS.values():
        try:
            said.update({(claim.kind.value, claim.subject): claim.canonical for claim in reader(connection, None)})
        except (ValueError, KeyError, TypeError, ArithmeticError) as error:
            raise Impossible from error
    rows = connection.execute(sa.select(log_entry).order_by(log_entry.c.position)).all()
    known = {(row.kind, row.subject) for row in rows}
    kept = []
    for row in rows:
        canonical = said.get((row.kind, row.subject))
        if canonical is not None and row.salt is not None:
            kept.append((row.kind, row.subject, row.salt, entry_leaf(row.salt, row.kind, canonical)))
        elif row.kind not in set(Kind) or row.kind in {Kind.MODEL, Kind.PARAMETERS}:
            kept.append((row.kind, row.subject, row.salt, row.leaf))
    for (kind, subject), canonical in said.items():
        if (kind, subject) not in known:
            kept.append((kind, subject, bytes(16), entry_leaf(bytes(16), kind, canonical)))
    connection.execute(sa.delete(log_entry))
    names = ("position", "kind", "subject", "salt", "leaf")
    connection.execute(
        sa.insert(log_entry), [dict(zip(names, (place, *row), strict=True)) for place, row in enumerate(kept)]
    )
    rebuild_tree(connection)


def rebuild_tree(connection: sa.Connection) -> None:
    """Every subtree anew from the leaves as they stand."""
    leaves = connection.scalars(sa.select(log_entry.c.leaf).order_by(log_entry.c.position)).all()
    connection.execute(sa.delete(log_node))
    nodes = [{"level": level, "position": place, "hash": digest} for (level, place), digest in subtrees(leaves).items()]
    if nodes:
        connection.execute(sa.insert(log_node), nodes)


def _delete_entries(connection: sa.Connection, first: int, last: int, *, closed: bool) -> None:
    """Entries go; with `closed` those behind move up."""
    place = log_entry.c.position
    connection.execute(sa.delete(log_entry).where(place.between(first, last)))
    if closed:
        for old in connection.scalars(sa.select(place).where(place > last).order_by(place)).all():
            moved = {"position": old - (last - first + 1)}
            connection.execute(sa.update(log_entry).where(place == old).values(moved))


def _make_room(connection: sa.Connection, first: int) -> None:
    place = log_entry.c.position
    for old in connection.scalars(sa.select(place).where(place >= first).order_by(place.desc())).all():
        connection.execute(sa.update(log_entry).where(place == old).values(position=old + 1))


def _swap_entries(connection: sa.Connection, first: int, second: int) -> None:
    place = log_entry.c.position
    for old, new in ((first, -1), (second, first), (-1, second)):
        connection.execute(sa.update(log_entry).where(place == old).values(position=new))
