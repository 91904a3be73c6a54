"""Whoever withholds rows gains nothing: from the store to the limit, with a trained model (docs/withholding.md)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest

from api.database.engine import unit_of_work
from api.home import Home
from api.models import service as models
from api.snapshots import service as snapshots
from data_contracts.identifiers import ObligorId
from data_contracts.observations.reader import ObservationReader
from features import compute
from scoring.credit.artefact import CreditArtefact
from scoring.credit.score import score
from scoring.decision.decide import decide
from scoring.records import CreditProduct, CreditRequest, ScoreRecord
from tests.golden_world import AS_OF
from tests.withholding import Said, Withheld, WithholdingReader, said_by

OBLIGORS = 4
TRIALS = 7


@dataclass(frozen=True)
class Desk:
    """What concludes from a store."""

    reader: ObservationReader
    artefact: CreditArtefact

    def conclude(self, obligor: ObligorId, withheld: Withheld) -> tuple[float, list[int]]:
        """The upper end of the PD, and the limit of each product (0 where there is none)."""
        (snapshot,) = compute.snapshots(
            WithholdingReader(self.reader, withheld),
            obligor_ids=[obligor],
            as_of=AS_OF,
            parameters=snapshots.feature_parameters(),
            with_machines=False,
        )
        parameters = models.scoring_parameters()
        record = score(snapshot, self.artefact, parameters)
        limits = [
            decide(record, _request(obligor, product), snapshot, parameters).limit.limit_minor or 0
            for product in CreditProduct
        ]
        return record.pd_12m_upper, limits


def _request(obligor: ObligorId, product: CreditProduct) -> CreditRequest:
    return CreditRequest(
        obligor_id=obligor, product=product, amount_minor=50_000_000, currency="CNY", tenor_months=12, as_of=AS_OF
    )


@pytest.fixture(scope="module")
def desk(small_world: tuple[Home, list[ScoreRecord]]) -> Iterator[Desk]:
    home, _ = small_world
    with unit_of_work(home.engine) as connection:
        yield Desk(snapshots.reader(connection, home), models.promoted_credit(home))


@pytest.fixture(scope="module")
def obligors(small_world: tuple[Home, list[ScoreRecord]]) -> list[ObligorId]:
    """From the least to the greatest upper end below the ceiling, evenly."""
    by_upper = sorted(small_world[1], key=lambda record: record.pd_12m_upper)
    below = [record.obligor_id for record in by_upper if record.pd_12m_upper < by_upper[-1].pd_12m_upper]
    return [below[int(at)] for at in np.linspace(0, len(below) - 1, OBLIGORS)]


def test_withholding_never_helps(desk: Desk, obligors: list[ObligorId]) -> None:
    moved = 0
    for number, obligor in enumerate(obligors):
        said: Said = said_by(desk.reader, obligor, as_of=AS_OF)
        upper, limits = desk.conclude(obligor, {})
        at_random = {trial: said.withhold(np.random.default_rng([number, trial])) for trial in range(TRIALS)}
        for trial, withheld in (at_random | said.surely()).items():
            after, after_limits = desk.conclude(obligor, withheld)
            counts = {kind.value: len(rows) for kind, rows in withheld.items()}
            assert after >= upper - 1e-12, (obligor, trial, counts)
            assert all(new <= old for new, old in zip(after_limits, limits, strict=True)), (obligor, trial, counts)
            moved += after > upper
    assert moved > OBLIGORS * TRIALS / 3, "most of what was withheld should have cost something"
