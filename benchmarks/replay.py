"""Thousands of stored decisions recomputed from the versions that they name: how many come out the same to the byte.

`python -m benchmarks.replay --json`. A small home is made for the run; the decisions differ in obligor, product, amount, tenor,
facts and machine to be financed. synthetic; effect sizes are inputs, not findings.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa

from api.credit_decisions import service
from api.database.engine import unit_of_work
from api.database.tables import credit_decision
from api.errors import NotReproduced
from api.home import Home
from api.obligors.repository import all_ids
from api.partners.repository import LOCAL
from benchmarks import small_home
from data_contracts.identifiers import DecisionId, ObligorId
from scoring.facts import AmountFact, BureauFact, FactSource, GuarantorFact, LenderFacts, PdFact, SanctionsFact
from scoring.records import CreditProduct, FinancedAsset
from simulator.summary import STATEMENT

DECISIONS = 10_000
TOGETHER = 250
"""Decisions kept in one transaction."""

SECURED = (CreditProduct.EQUIPMENT_LOAN, CreditProduct.FINANCE_LEASE, CreditProduct.USAGE_INSTALMENT)


def main() -> None:
    """Decide, replay, and print the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true", help="one object instead of lines")
    parser.add_argument("--decisions", type=int, default=DECISIONS)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(Path(folder), decisions=arguments.decisions)
    text = json.dumps(figures, indent=1) if arguments.json else "\n".join(f"{k}: {v}" for k, v in figures.items())
    sys.stdout.write(text + "\n")


def measure(folder: Path, *, decisions: int) -> dict[str, Any]:
    """The figures of one run."""
    home = small_home.build(folder)
    with unit_of_work(home.engine) as connection:
        obligors = all_ids(connection)
    asked = questions(obligors)
    begun = time.perf_counter()
    outcomes: Counter[str] = Counter()
    for start in range(0, decisions, TOGETHER):
        with unit_of_work(home.engine) as connection:
            for question in islice(asked, min(TOGETHER, decisions - start)):
                told = service.answer(connection, home, question, partner=LOCAL, livemode=False, now=small_home.NOW)
                outcomes[told.outcome.value] += 1
    decided = time.perf_counter()
    with unit_of_work(home.engine) as connection:
        kept = [DecisionId(name) for name in connection.scalars(sa.select(credit_decision.c.decision_id))]
    same = sum(_is_same(home, name) for name in kept)
    home.engine.dispose()
    return {
        "decisions": len(kept),
        "reproduced": same,
        "outcomes": dict(sorted(outcomes.items())),
        "milliseconds_a_decision": round(1000 * (decided - begun) / decisions, 2),
        "milliseconds_a_replay": round(1000 * (time.perf_counter() - decided) / len(kept), 2),
        "statement": STATEMENT,
    }


def _is_same(home: Home, decision_id: DecisionId) -> bool:
    try:
        service.replay(home, decision_id)
    except NotReproduced:
        return False
    return True


def questions(obligors: list[ObligorId]) -> Iterator[service.CreditQuestion]:
    """Questions without end, no two alike."""
    random, number = np.random.default_rng(small_home.SEED), 0
    products = list(CreditProduct)
    while True:
        number += 1
        product = products[int(random.integers(len(products)))]
        yield service.CreditQuestion(
            obligor_id=obligors[int(random.integers(len(obligors)))],
            product=product,
            amount_minor=int(random.integers(100, 40_000)) * 10_000 + number,
            currency="CNY",
            tenor_months=int(random.integers(1, 73)),
            as_of=None,
            is_fresh=False,
            asset=_asset(random) if product in SECURED and random.random() < 0.5 else None,
            facts=_facts(random),
        )


def _asset(random: np.random.Generator) -> FinancedAsset:
    value = int(random.integers(5_000_000, 300_000_000))
    return FinancedAsset(
        value_new_minor=value,
        price_minor=int(value * random.uniform(0.4, 1.1)),
        age_years=float(np.round(random.uniform(0, 12), 2)),
        hours=float(np.round(random.uniform(0, 45_000), 1)),
        hours_a_month=None if random.random() < 0.5 else float(np.round(random.uniform(50, 700), 1)),
    )


def _facts(random: np.random.Generator) -> LenderFacts:
    told: Any = {
        "source": FactSource.CREDIT_BUREAU,
        "dated": (small_home.AS_OF - timedelta(days=int(random.integers(1, 250)))).date(),
    }
    amount = int(random.integers(1, 2_000_000_000))
    every: dict[str, Any] = {
        "debt_service": AmountFact(**told, amount_minor=amount // 10),
        "revenue": AmountFact(**told, amount_minor=amount),
        "exposure": AmountFact(**told, amount_minor=amount // 3),
        "bureau": BureauFact(
            **told, days_past_due=int(random.integers(0, 120)), is_enforced=bool(random.random() < 0.1)
        ),
        "sanctions": SanctionsFact(**told, is_listed=bool(random.random() < 0.1)),
        "guarantor": GuarantorFact(**told, amount_minor=amount // 5 + 1, pd_12m=float(random.uniform(0.001, 0.2))),
        "lender_pd": PdFact(**told, pd_12m=float(random.uniform(0.001, 0.2))),
    }
    return LenderFacts(**{name: fact for name, fact in every.items() if random.random() < 0.3})


if __name__ == "__main__":
    main()
