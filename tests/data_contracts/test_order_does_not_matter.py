"""Order of rows and splitting into batches change nothing; corrections follow a plain model of versions."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import front_door
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data_contracts.contract import RecordKind
from data_contracts.mapping import load_mapping

HEAD = "m,t,state,kw,parts"
STATES = {"1": ("Executing", "Setup"), "2": ("Executing", "Processing"), "0": ("NotExecuting", "None")}
Said = tuple[str, int, str | None, int | None, int | None]
"""Machine, minute, state, power, parts; None where the row does not say."""

QUICK = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def lines(rows: Sequence[Said]) -> str:
    texts = [
        f"{machine},2026-05-04 23:{minute:02d},{state or ''},{'' if kw is None else kw},{'' if parts is None else parts}"
        for machine, minute, state, kw, parts in rows
    ]
    return "\n".join([HEAD, *texts]) + "\n"


def lawful(machine: str, minute: int, says: tuple[bool, bool, bool]) -> Said:
    """A row whose values follow from machine and minute, so that no two rows can disagree."""
    seed = hash((len(machine), ord(machine[-1]), minute))
    return (
        machine,
        minute,
        str(seed % 3) if says[0] else None,
        seed % 7 if says[1] else None,
        seed % 5 if says[2] else None,
    )


consistent_rows = st.lists(
    st.builds(
        lawful,
        st.sampled_from(["m1", "m2", "m10"]),
        st.integers(0, 59),
        st.tuples(st.booleans(), st.booleans(), st.booleans()).filter(any),
    ),
    min_size=1,
    max_size=25,
)


def read_after(batches: Sequence[Sequence[Said]]) -> list[dict[str, Any]]:
    """What the reader returns when these batches went in one after another."""
    with tempfile.TemporaryDirectory() as folder:
        engine, door = front_door.new_door(Path(folder))
        for batch in batches:
            if batch:
                door.text(lines(batch))
        rows = door.rows(
            columns=["machine_uid", "event_time", "item_state", "operation_mode", "power_kw", "part_delta"]
        )
        door.connection.close()
        engine.dispose()
        return rows


@QUICK
@given(rows=consistent_rows, data=st.data())
def test_order_and_splitting_do_not_matter(rows: list[Said], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(rows))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(rows)), min_size=2, max_size=2)))
    batches = [shuffled[: cuts[0]], shuffled[cuts[0] : cuts[1]], shuffled[cuts[1] :]]
    assert read_after(batches) == read_after([rows])


class Model:
    """The versions of every named value, kept in dictionaries."""

    def __init__(self) -> None:
        self.versions: defaultdict[tuple[str, int, str], list[Any]] = defaultdict(list)

    def admit(self, batch: Sequence[Said]) -> None:
        named = [(row, self._values(row)) for row in batch]
        said = defaultdict(set)
        for _, values in named:
            for name, value in values.items():
                said[name].add(value)
        for _, values in named:
            if all(len(said[name]) == 1 for name in values):
                for name, value in values.items():
                    if value not in self.versions[name]:
                        self.versions[name].append(value)

    def _values(self, row: Said) -> dict[tuple[str, int, str], Any]:
        machine, minute, state, kw, parts = row
        item, mode = STATES[state] if state is not None else (None, None)
        values = {"item_state": item, "operation_mode": mode, "power_kw": kw, "part_delta": parts}
        return {(machine, minute, name): value for name, value in values.items() if value is not None}

    def current(self) -> dict[tuple[str, int, str], Any]:
        return {name: versions[-1] for name, versions in self.versions.items() if versions}


any_rows = st.lists(
    st.tuples(
        st.sampled_from(["m1", "m2"]),
        st.integers(0, 3),
        st.sampled_from([None, "0", "1", "2"]),
        st.sampled_from([None, 1, 2]),
        st.sampled_from([None, 1, 2]),
    ).filter(lambda row: any(value is not None for value in row[2:])),
    max_size=8,
)


@QUICK
@given(batches=st.lists(any_rows.filter(bool), min_size=1, max_size=4))
def test_corrections_follow_the_model(batches: list[list[Said]]) -> None:
    model = Model()
    mapping = front_door.sample_mapping(recorded_time="now")
    with tempfile.TemporaryDirectory() as folder:
        engine, door = front_door.new_door(Path(folder))
        known: list[tuple[datetime, dict[Any, Any]]] = []
        for number, batch in enumerate(batches):
            door.received = datetime(2026, 5, 5, tzinfo=UTC) + timedelta(hours=number)
            result = door.text(lines(batch), mapping)
            assert result.rows_admitted + result.rows_duplicate + result.rows_quarantined == len(batch)
            model.admit(batch)
            known.append((door.received, model.current()))
        for as_of, expected in known:
            assert said_by(door.rows(as_of=as_of)) == expected
        door.connection.close()
        engine.dispose()


def said_by(rows: list[dict[str, Any]]) -> dict[tuple[str, int, str], Any]:
    names = ("item_state", "operation_mode", "power_kw", "part_delta")
    return {
        (row["machine_uid"].partition("/")[2], row["event_time"].minute, name): row[name]
        for row in rows
        for name in names
        if row[name] is not None
    }


orders = st.lists(
    st.tuples(st.sampled_from(["O1", "O2"]), st.integers(1, 2), st.integers(2022, 2024)), min_size=1, max_size=5
)


@QUICK
@given(batches=st.lists(orders, min_size=1, max_size=4))
def test_ledgers_follow_the_model_of_whole_rows(batches: list[list[tuple[str, int, int]]]) -> None:
    head = "obligor_id,order_id,buyer_id,event_time,parts,amount_minor,currency,due_date"
    mapping = load_mapping("canonical_purchase_order").model_copy(update={"recorded_time": "now"})
    versions: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        engine, door = front_door.new_door(Path(folder))
        for number, batch in enumerate(batches):
            door.received = datetime(2026, 5, 5, tzinfo=UTC) + timedelta(hours=number)
            rows = [
                f"{front_door.OBLIGOR},{order},B,{year}-05-04T00:00:00Z,{parts},1,CNY,2026-06-01"
                for order, parts, year in batch
            ]
            door.text("\n".join([head, *rows]) + "\n", mapping, obligor=None)
            for order in ("O1", "O2"):
                contents = {(parts, year) for name, parts, year in batch if name == order}
                if len(contents) == 1 and not contents <= set(versions[order]):
                    versions[order].extend(contents)
        found = {
            row["order_id"]: (row["parts"], row["event_time"].year) for row in door.rows(RecordKind.PURCHASE_ORDER)
        }
        door.connection.close()
        engine.dispose()
    assert found == {order: contents[-1] for order, contents in versions.items() if contents}


def test_the_model_itself_sees_a_wrong_version() -> None:
    model = Model()
    model.admit([("m1", 0, "2", None, None)])
    model.admit([("m1", 0, "0", None, None)])
    model.admit([("m1", 0, "2", None, None)])
    assert model.current()[("m1", 0, "item_state")] == "NotExecuting"
    with pytest.raises(KeyError):
        model.current()[("m1", 0, "power_kw")]
