"""Double pledges of the synthetic world (F6, F9) against the registry of pledges.

Every lender of the world asks the registry before it lends: for an advance on an invoice with the paper that it was
given, for a lease with the machine's plate. Half of the firms that can are fraudsters; the others pledge honestly, in
the same ways.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq

from benchmarks.supply_chain_truth.ledgers import PARAMETERS, rows_of
from benchmarks.trust.worlds import simulate_into
from data_contracts.contract import RecordKind
from data_contracts.reference.dated import load_book
from scoring.supply_chain.pledges.canonical import canonical_number, whole_of
from scoring.supply_chain.pledges.claims import claims_of, likeness
from scoring.supply_chain.pledges.fingerprints import Key, Token
from scoring.supply_chain.pledges.items import InvoiceItem, Item, MachineItem, Paper
from scoring.supply_chain.pledges.judge import Slot, Verdict, capacities_of, judge, shares_of
from simulator.frauds.desk import FACTORS
from simulator.frauds.plan import Code
from simulator.world import make_laws

MONTHS = 24
OBLIGORS = 64
FRAUDULENT = 0.5
WAYS = ("exact", "edited", "split", "reissued")


@dataclass
class Registry:
    """What stands pledged, in memory: the same judgement as the service's, without a database."""

    key: Key = field(default_factory=lambda: Key(secret=bytes(range(32)), livemode=False))
    slots: dict[Token, Slot] = field(default_factory=dict)
    traces: set[Token] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.near = likeness(load_book(PARAMETERS).at(pd.Timestamp("2026-01-01").date()))

    def ask(self, item: Item) -> Verdict:
        """Judge one item, and let it stand unless it is refused."""
        claims = [claims_of(item, self.key, self.near)]
        verdict = judge(claims, self.slots, frozenset(self.traces))
        if not verdict.is_refused:
            capacities = capacities_of(claims)
            for token, share in shares_of(claims).items():
                before = self.slots.get(token, Slot(capacity=capacities[token], held=0))
                capacity = min(before.capacity, capacities[token])
                self.slots[token] = Slot(capacity=capacity, held=before.held + share.amount)
            self.traces |= {trace.token for claim in claims for trace in claim.left}
        return verdict


@dataclass(frozen=True)
class Asked:
    """One request of a lender: what for, whether it is the second pledge of a thing, and in which way."""

    item: Item
    is_second: bool
    way: str


def measure(seeds: Sequence[int], obligors: int) -> dict[str, Any]:
    """How many second pledges are refused, refused or shown to a person, by way; and what honest pledges suffer."""
    counts: Counter[tuple[str, str]] = Counter()
    for seed in seeds:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name) / "world"
            laws = make_laws(MONTHS, seed)
            frauds = replace(laws.parameters.frauds, prevalence=FRAUDULENT)
            laws = replace(laws, parameters=replace(laws.parameters, frauds=frauds))
            simulate_into(laws, (Code.PLEDGED_TWICE, Code.LEASED_TWICE), obligors, folder)
            count(folder, counts)
    second = {way: _shares(counts, way) for way in (*WAYS, "leased")}
    honest = _shares(counts, "honest")
    return {"second_pledges": second, "honest_pledges": honest}


def count(folder: Path, counts: Counter[tuple[str, str]]) -> None:
    """Ask for every facility of a world in order of time, and count what the registry said."""
    registry = Registry()
    for asked in requests(folder):
        verdict = registry.ask(asked.item)
        said = "refused" if verdict.is_refused else "shown" if verdict.needs_review else "passed"
        counts[asked.way if asked.is_second else "honest", said] += 1


def requests(folder: Path) -> Iterator[Asked]:
    """What lenders ask for, in order of time: invoice advances and leases."""
    invoices = {(row["obligor_id"], row["invoice_id"]): row for row in rows_of(folder, RecordKind.INVOICE)}
    by_number = {(firm, canonical_number(number)): row for (firm, number), row in invoices.items()}
    deliveries = {(row["obligor_id"], row["delivery_id"]): row for row in rows_of(folder, RecordKind.DELIVERY)}
    plates = {row["machine_uid"]: row for row in rows_of(folder, RecordKind.MACHINE_OWNERSHIP)}
    labels = pq.read_table(folder / "truth" / "fraud.parquet").to_pylist()
    thieves = {row["obligor_id"] for row in labels if row["fraud"] == Code.PLEDGED_TWICE.value}
    doubled = {row["machine_uid"] for row in labels if row["fraud"] == Code.LEASED_TWICE.value}
    leased: set[str] = set()
    for row in sorted(rows_of(folder, RecordKind.FACILITY), key=lambda row: (row["event_time"], row["facility_id"])):
        firm, name = row["obligor_id"], row["collateral_id"]
        if row["facility_kind"] == "finance_lease" and name in plates:
            plate = plates[name]
            item = MachineItem(maker=plate["maker"], serial_number=plate["serial"], machine_uid=None)
            yield Asked(item=item, is_second=name in doubled and name in leased, way="leased")
            leased.add(name)
        elif row["facility_kind"] == "invoice_advance":
            paper, way = _paper(firm, name, invoices, by_number)
            is_second = firm in thieves and row["lender_id"] == FACTORS[1]
            yield Asked(item=_invoice(firm, name, paper, way, deliveries), is_second=is_second, way=way)


def _paper(firm: str, number: str, invoices: Any, by_number: Any) -> tuple[dict[str, Any], str]:
    """The ledger's invoice that a paper's number stands for, and the way in which it is pledged."""
    if (row := invoices.get((firm, number))) is not None:
        is_again = any(
            other["status"] == "red_letter" and other["delivery_id"] is None and _is_same(other, row)
            for other in _of_buyer(firm, row, invoices)
        )
        return row, "reissued" if is_again else "exact"
    canonical = canonical_number(number)
    if (row := by_number.get((firm, canonical))) is not None:
        return row, "edited"
    whole = whole_of(canonical)
    assert whole is not None, f"{number} is no way of pledging that the world knows"
    return by_number[firm, whole], "split"


def _of_buyer(firm: str, row: dict[str, Any], invoices: Any) -> list[dict[str, Any]]:
    return [other for (owner, _), other in invoices.items() if owner == firm and other["buyer_id"] == row["buyer_id"]]


def _is_same(off: dict[str, Any], again: dict[str, Any]) -> bool:
    """Whether an invoice was issued again on the day on which a red-letter invoice took one of its amount off."""
    apart = abs((off["event_time"] - again["event_time"]).total_seconds())
    is_other = off["corrected_invoice_id"] != again["invoice_id"]
    return is_other and off["amount_minor"] == again["amount_minor"] and apart < 86_400


def _invoice(firm: str, number: str, paper: dict[str, Any], way: str, deliveries: Any) -> InvoiceItem:
    """The paper as the lender sees it: half of the amount on each half, and the delivery that it bills."""
    amount = paper["amount_minor"] // 2 if way == "split" else paper["amount_minor"]
    shipped = deliveries.get((firm, paper["delivery_id"]))
    # A delivery is told without tax; the paper bills it with.
    worth = None if shipped is None else Paper(number=paper["delivery_id"], amount_minor=paper["amount_minor"])
    return InvoiceItem(
        seller_id=firm,
        buyer_id=paper["buyer_id"],
        number=number,
        amount_minor=amount,
        currency=paper["currency"],
        issued_on=paper["event_time"].date(),
        delivery=worth,
    )


def _shares(counts: Counter[tuple[str, str]], way: str) -> dict[str, Any]:
    told = {said: counts[way, said] for said in ("refused", "shown", "passed")}
    every = sum(told.values())
    return {
        "pledges": every,
        **told,
        "refused_share": told["refused"] / every if every else None,
        "found_share": (told["refused"] + told["shown"]) / every if every else None,
    }
