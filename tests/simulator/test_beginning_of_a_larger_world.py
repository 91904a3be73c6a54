"""A small world is the beginning of a larger one: nothing about a firm depends on how many firms come after it."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from written_world import WrittenWorld

from data_contracts.contract import RecordKind, load_contract
from simulator import simulate
from simulator.write import KINDS_IN_ORDER

FEW, MANY = 40, 70
LEDGERS = [kind for kind in KINDS_IN_ORDER if "obligor_id" in {column.name for column in load_contract(kind).columns}]
TRUTH_BY_OBLIGOR = ("obligor", "obligor_month", "default", "account", "failure")


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> tuple[WrittenWorld, WrittenWorld]:
    """The same seed with few firms and with many."""
    folder = tmp_path_factory.mktemp("sizes")
    few, many = (
        WrittenWorld(folder / str(n), simulate(obligors=n, months=14, seed=21, out=folder / str(n), samples_for=0))
        for n in (FEW, MANY)
    )
    return few, many


@pytest.mark.parametrize("kind", LEDGERS)
def test_ledgers_of_the_first_firms_are_the_same(kind: RecordKind, worlds: tuple[WrittenWorld, WrittenWorld]) -> None:
    few, many = (world.ledger(kind) for world in worlds)
    assert _of_few(worlds, many).to_pylist() == few.to_pylist()


@pytest.mark.parametrize("name", TRUTH_BY_OBLIGOR)
def test_truth_of_the_first_firms_is_the_same(name: str, worlds: tuple[WrittenWorld, WrittenWorld]) -> None:
    few, many = (world.truth(name) for world in worlds)
    assert _of_few(worlds, many).to_pylist() == few.to_pylist()


def test_reports_and_machine_months_of_machines_that_stay_are_the_same(
    worlds: tuple[WrittenWorld, WrittenWorld],
) -> None:
    """A machine may be sold to a firm that the smaller world does not have: it leaves that world."""
    ownership = worlds[1].ledger(RecordKind.MACHINE_OWNERSHIP)
    kept = _of_few(worlds, ownership).filter(pc.is_null(_of_few(worlds, ownership)["owned_until"]))
    gone = _of_few(worlds, ownership).filter(pc.is_valid(_of_few(worlds, ownership)["owned_until"]))
    stays = kept.filter(pc.invert(pc.is_in(kept["machine_uid"], value_set=gone["machine_uid"])))["machine_uid"]
    for tables in ([world.reports() for world in worlds], [world.truth("machine_month") for world in worlds]):
        few, many = (table.filter(pc.is_in(table["machine_uid"], value_set=stays)).combine_chunks() for table in tables)
        assert len(few) > 500
        assert few.equals(many)


def test_claims_are_among_what_is_compared(worlds: tuple[WrittenWorld, WrittenWorld]) -> None:
    assert len(worlds[0].ledger(RecordKind.INSURANCE_CLAIM)) > 10
    assert len(worlds[0].ledger(RecordKind.GATEWAY_SILENCE)) > 100
    assert len(worlds[0].ledger(RecordKind.DEFAULT_EVENT)) > 0


def _of_few(worlds: tuple[WrittenWorld, WrittenWorld], table: pa.Table) -> pa.Table:
    firms = worlds[0].ledger(RecordKind.OBLIGOR_PROFILE)["obligor_id"]
    return table.filter(pc.is_in(table["obligor_id"], value_set=firms.combine_chunks().cast(pa.string())))
