"""Circular trade of the synthetic world (F7) found in its invoices, with truth at hand.

A tenth of the firms that can bill their neighbours in a ring; a tenth of the others do contract work for a neighbour,
and one regular buyer in eight is another firm.
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.supply_chain_truth.ledgers import PARAMETERS, rows_of
from benchmarks.trust.worlds import simulate_into
from data_contracts.contract import RecordKind
from data_contracts.reference.dated import load_book
from scoring.supply_chain.circular import Bill, between, bills_of, rings
from simulator.frauds.plan import Code
from simulator.world import make_laws

MONTHS = 24
PREVALENCE = 0.1


def measure(seeds: Sequence[int], obligors: int) -> dict[str, Any]:
    """Of the firms of rings how many are found, and of the others how many are taken for one."""
    guilty, found_guilty, honest, found_honest = 0, 0, 0, 0
    for seed in seeds:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name) / "world"
            laws = make_laws(MONTHS, seed)
            frauds = replace(laws.parameters.frauds, prevalence=PREVALENCE)
            simulate_into(
                replace(laws, parameters=replace(laws.parameters, frauds=frauds)),
                (Code.CIRCULAR_TRADE,),
                obligors,
                folder,
            )
            firms = {row["obligor_id"] for row in rows_of(folder, RecordKind.OBLIGOR_PROFILE)}
            ring = set(pd.read_parquet(folder / "truth" / "fraud.parquet")["obligor_id"])
            told = {firm for item in rings(_bills(folder, firms), _values()) for firm in item.firms}
        guilty, found_guilty = guilty + len(ring), found_guilty + len(ring & told)
        honest, found_honest = honest + len(firms - ring), found_honest + len((told - ring) & firms)
    return {
        "firms_in_rings": guilty,
        "found": found_guilty,
        "recall": round(found_guilty / guilty, 4) if guilty else None,
        "honest_firms": honest,
        "honest_taken_for_a_ring": found_honest,
        "false_alarm_share": round(found_honest / honest, 5) if honest else None,
    }


def _bills(folder: Path, firms: Collection[str]) -> list[Bill]:
    """The invoices of a world's ledger among its firms, as a night reads them."""
    invoices = between(pd.DataFrame(rows_of(folder, RecordKind.INVOICE)), firms)
    return bills_of(invoices, pd.DataFrame(rows_of(folder, RecordKind.DELIVERY), columns=["obligor_id", "delivery_id"]))


def _values() -> Any:
    return load_book(PARAMETERS).at(pd.Timestamp("2026-01-01").date())
