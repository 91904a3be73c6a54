"""The query behind a read: current versions as of a time, out of a given list of files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa

from data_contracts.contract import Contract
from data_contracts.identifiers import BatchId
from data_contracts.identity import order_by
from data_contracts.observations.lake import answer, files_under, name

SUPERSEDED = "superseded_time"
"""Column of `row_versions`: from when on another version stands."""

VERSIONS_PER_MICROSECOND = 2**32
"""Room for the order of admission below the microseconds of recorded_time in the number that orders versions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a read asks for: columns, as-of time, span of event time [from, until), and words that columns may have."""

    names: Sequence[str]
    as_of: datetime
    event_from: datetime | None
    event_until: datetime | None
    words: Mapping[str, Sequence[str]]


def current_rows(
    lake: duckdb.DuckDBPyConnection,
    contract: Contract,
    question: Question,
    *,
    settled: Sequence[Path],
    contested: Sequence[Path],
    sequences: Mapping[BatchId, int],
    is_of_older_contract: bool = False,
) -> pa.Table:
    """The named columns of the current rows, in the contract's order of rows.

    In `settled` files every identity has one row; among `contested` ones a version must be chosen. `sequences` gives
    the place in the order of admission of each batch that the contested files may hold. Where some file
    `is_of_older_contract`, the columns that the contract has gained since are null in its rows.
    """
    order = [column for column in contract.sort_names if column != "recorded_time"]
    tie = ["profile_id"] if contract.identity_per_value else []
    wanted = list(dict.fromkeys([*question.names, *order, *tie]))
    known = _conditions(lake, question)
    within = _within(question)
    parts = []
    if settled:
        rows = files_under(lake, contract, settled, is_older=is_of_older_contract)
        parts.append(f"SELECT {_list(wanted)} FROM {rows} WHERE {' AND '.join(known + within)}")
    if contested:
        _register_sequences(lake, sequences)
        # Where another version may lie at another time, all versions compete before the span is applied.
        before, after = (within, []) if contract.identity_has_time else ([], within)
        rows = files_under(lake, contract, contested, is_older=is_of_older_contract)
        visible = f"SELECT * FROM {rows} WHERE {' AND '.join(known + before)}"
        versions = f"SELECT * FROM ({visible}) JOIN sequences USING (batch_id)"
        chosen = _merged(contract, versions) if contract.identity_per_value else _latest(contract, versions)
        parts.append(f"SELECT {_list(wanted)} FROM ({chosen}) WHERE {' AND '.join(after or ['true'])}")
    schema = pa.schema([pa.field(column, contract.column(column).type) for column in wanted])
    rows = answer(lake, " UNION ALL ".join(parts)).rename_columns(wanted).cast(schema)
    # Put in order here: the rows of each file are, and to merge a few runs costs half of what sorting them does.
    return rows.select(list(question.names)).take(pa.array(order_by(rows, [*order, *tie])))


def row_versions(
    lake: duckdb.DuckDBPyConnection,
    contract: Contract,
    question: Question,
    *,
    settled: Sequence[Path],
    contested: Sequence[Path],
    sequences: Mapping[BatchId, int],
    is_of_older_contract: bool = False,
) -> pa.Table:
    """The named columns of every version known by the question's `as_of`, in no order, with the instants from which
    it stood (`recorded_time`) and from which another stood instead (`superseded_time`, null for the last).

    A version that another replaced at the instant of its own recording never stood and is left out. The span of event
    time is applied where all versions of a thing share one.
    """
    assert not contract.identity_per_value, "values that merge one by one have no versions of rows"
    wanted = list(dict.fromkeys([*question.names, "recorded_time"]))
    conditions = _conditions(lake, question) + (_within(question) if contract.identity_has_time else [])
    where = " AND ".join(conditions)
    parts = []
    if settled:
        rows = files_under(lake, contract, settled, is_older=is_of_older_contract)
        parts.append(f"SELECT {_list(wanted)}, NULL::TIMESTAMPTZ AS {SUPERSEDED} FROM {rows} WHERE {where}")
    if contested:
        _register_sequences(lake, sequences)
        rows = files_under(lake, contract, contested, is_older=is_of_older_contract)
        turn = f"PARTITION BY {_list(contract.identity)} ORDER BY recorded_time, sequence"
        parts.append(
            f"SELECT {_list(wanted)}, lead(recorded_time) OVER ({turn}) AS {SUPERSEDED} "
            f"FROM (SELECT * FROM {rows} WHERE {where}) JOIN sequences USING (batch_id) "
            f"QUALIFY {SUPERSEDED} IS NULL OR {SUPERSEDED} > recorded_time"
        )
    schema = pa.schema([pa.field(column, contract.column(column).type) for column in wanted])
    schema = schema.append(pa.field(SUPERSEDED, pa.timestamp("us", tz="UTC")))
    return answer(lake, " UNION ALL ".join(parts)).rename_columns(schema.names).cast(schema)


def _conditions(lake: duckdb.DuckDBPyConnection, question: Question) -> list[str]:
    conditions = [f"recorded_time <= {_instant(question.as_of)}"]
    for column, words in question.words.items():
        lake.register(f"wanted_{column}", pa.table({column: pa.array(words, pa.string())}))
        # Rows lie sorted by their unit: what is outside the range is not even decoded.
        conditions.append(f"{name(column)} BETWEEN {_text(min(words))} AND {_text(max(words))}")
        conditions.append(f"{name(column)} IN (SELECT {name(column)} FROM wanted_{column})")
    return conditions


def _within(question: Question) -> list[str]:
    bounds = ((">=", question.event_from), ("<", question.event_until))
    return [f"event_time {sign} {_instant(bound)}" for sign, bound in bounds if bound is not None]


def _register_sequences(lake: duckdb.DuckDBPyConnection, sequences: Mapping[BatchId, int]) -> None:
    columns = {
        "batch_id": pa.array(list(sequences.keys()), pa.string()),
        "sequence": pa.array(list(sequences.values()), pa.int64()),
    }
    lake.register("sequences", pa.table(columns))


def _latest(contract: Contract, versions: str) -> str:
    return (
        f"{versions} QUALIFY row_number() OVER (PARTITION BY {_list(contract.identity)} "
        "ORDER BY recorded_time DESC, sequence DESC) = 1"
    )


def _merged(contract: Contract, versions: str) -> str:
    """Each value's latest word, with the profile of the row that said it: a meter and a controller that speak of the
    same instant each keep their own hold, so an instant has a row for each profile that has a word in it."""
    values = [
        f"arg_max({name(column)}, version) FILTER ({name(column)} IS NOT NULL) AS {name(column)}"
        for column in contract.value_names
    ]
    speakers = [
        f"arg_max(profile_id, version) FILTER ({name(column)} IS NOT NULL) AS {name(f'{column} speaker')}"
        for column in contract.value_names
    ]
    about = [f"arg_max({column}, version) AS {column}" for column in ("recorded_time", "batch_id")]
    version = f"epoch_us(recorded_time)::HUGEINT * {VERSIONS_PER_MICROSECOND} + sequence AS version"
    identity = _list(contract.identity)
    said = (
        f"SELECT {identity}, {', '.join([*values, *speakers, *about])} FROM (SELECT *, {version} FROM ({versions})) "
        f"GROUP BY {identity}"
    )
    all_speakers = _list([f"{column} speaker" for column in contract.value_names])
    own = [
        f"CASE WHEN {name(f'{column} speaker')} = profile_id THEN {name(column)} END AS {name(column)}"
        for column in contract.value_names
    ]
    return (
        f"SELECT {identity}, {', '.join(own)}, profile_id, recorded_time, batch_id FROM "
        f"(SELECT *, unnest(list_distinct([{all_speakers}])) AS profile_id FROM ({said}))"
    )


def _list(columns: Sequence[str]) -> str:
    return ", ".join(name(column) for column in columns)


def _text(word: str) -> str:
    return "'" + word.replace("'", "''") + "'"


def _instant(instant: datetime) -> str:
    return f"TIMESTAMPTZ '{instant.astimezone(UTC).isoformat(sep=' ')}'"
