"""What a year of lean months carries against the last 90 days taken for a year: limits of working capital of the
reference portfolio by each rule, and which capacity binds.

`python -m benchmarks.limits --json`. synthetic; effect sizes are inputs, not findings.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections import Counter
from collections.abc import Sequence
from typing import Any

from api.database.engine import reading
from api.home import Home
from api.models import service as models
from api.snapshots import service as snapshots
from benchmarks.golden import scored
from data_contracts.identifiers import ObligorId
from data_contracts.reference.dated import ParameterBook, parse_book
from features import compute
from features.snapshot import FeatureSnapshot
from scoring.credit.artefact import CreditArtefact
from scoring.credit.score import score
from scoring.decision.decide import decide
from scoring.records import CreditDecision, CreditProduct, CreditRequest
from simulator.summary import STATEMENT
from tests.golden_world import AS_OF

AMOUNT_MINOR, TENOR_MONTHS = 50_000_000, 12


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true", help="one object instead of lines")
    arguments = parser.parse_args()
    with scored() as (home, records):
        figures = measure(home, [record.obligor_id for record in records])
    text = json.dumps(figures, indent=1) if arguments.json else "\n".join(f"{k}: {v}" for k, v in figures.items())
    sys.stdout.write(text + "\n")


def measure(home: Home, obligors: Sequence[ObligorId]) -> dict[str, Any]:
    """Figures of both rules, and how the second moves the first."""
    today = models.scoring_parameters()
    before = today.with_those_of(without_a_year(today), {"cash_flow"})
    with reading(home.engine) as connection:
        found = compute.snapshots(
            snapshots.reader(connection, home),
            obligor_ids=obligors,
            as_of=AS_OF,
            parameters=snapshots.feature_parameters(),
            with_machines=False,
        )
    artefact = models.promoted_credit(home)
    old, new = ([_decided(snapshot, artefact, book) for snapshot in found] for book in (before, today))
    both = [
        (then.limit.limit_minor, now.limit.limit_minor)
        for then, now in zip(old, new, strict=True)
        if then.limit.limit_minor is not None and now.limit.limit_minor is not None
    ]
    ratios = [now / then for then, now in both if then > 0]
    return {
        "obligors": len(found),
        "last_90_days": _told(old),
        "lean_months": _told(new),
        "both_known": len(both),
        "fell": sum(now < then for then, now in both),
        "rose": sum(now > then for then, now in both),
        "median_ratio": round(statistics.median(ratios), 3),
        "outcomes_moved": sum(then.outcome is not now.outcome for then, now in zip(old, new, strict=True)),
        "statement": STATEMENT,
    }


def without_a_year(book: ParameterBook) -> ParameterBook:
    """The book as releases had it that knew of no other year than the last 90 days."""
    plain = json.loads(book.canonical())
    for terms in plain["cash_flow"]["values"].values():
        del terms["year"]
    return parse_book(json.dumps(plain))


def _decided(snapshot: FeatureSnapshot, artefact: CreditArtefact, book: ParameterBook) -> CreditDecision:
    request = CreditRequest(
        obligor_id=snapshot.obligor_id,
        product=CreditProduct.WORKING_CAPITAL,
        amount_minor=AMOUNT_MINOR,
        currency="CNY",
        tenor_months=TENOR_MONTHS,
        as_of=snapshot.as_of,
    )
    return decide(score(snapshot, artefact, book), request, snapshot, book)


def _told(decisions: Sequence[CreditDecision]) -> dict[str, Any]:
    limits = [decision.limit for decision in decisions]
    known = [item.limit_minor for item in limits if item.limit_minor is not None]
    missing = Counter(
        capacity.missing for item in limits for capacity in item.capacities if capacity.name == "cash_flow_hours"
    )
    return {
        "known": len(known),
        "median_minor": round(statistics.median(known)),
        "nothing": sum(amount == 0 for amount in known),
        "binding": dict(Counter(item.binding for item in limits if item.limit_minor is not None).most_common()),
        "hours_missing": {str(reason): count for reason, count in missing.items() if reason is not None},
        "outcomes": dict(Counter(decision.outcome.value for decision in decisions)),
    }


if __name__ == "__main__":
    main()
