"""A world of the structural engine with everything that it tells, and a model of default fitted on it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

import simulator
from api.database.engine import reading as reading_only
from api.home import Home, open_home
from api.models.service import scoring_parameters
from api.snapshots.service import feature_parameters, reader
from benchmarks.worlds.built import CALIBRATE, END, MONTHS, TEST, TRAIN, month_end, split, taken_in
from data_contracts.contract import RecordKind
from data_contracts.identifiers import ObligorId
from data_contracts.reference.dated import ParameterBook
from data_contracts.vocabulary import DataOrigin
from features.as_of import credit_training_set
from features.catalogue import CATALOGUE
from features.compute import snapshots
from features.everybody import load_everybody
from features.snapshot import FeatureSnapshot
from features.what_if import WhatIf, what_if
from scoring.credit.artefact import CreditArtefact
from scoring.credit.master_scale import master_scale
from scoring.governance import ModelMandate
from scoring.records import CreditProduct, CreditRequest, RatingGrade, ScoreSource
from scoring.recourse.grounds import DecisionGrounds
from scoring.recourse.reach import PeerReach, peer_reach
from scoring.recourse.terms import RecourseTerms, recourse_terms, shipped_terms
from scoring.training.credit import train_credit
from simulator.block import Block, Laws, build_block
from simulator.credit.structural import Engine
from simulator.firms.obligors import BLOCK_FIRMS
from simulator.whatif.nested import snapshot_at
from simulator.whatif.replicas import Snapshot
from simulator.world import make_laws

POSITION = TEST[0] - 1
"""The month at whose end firms ask: a year before the world ends."""
AS_OF = month_end(TEST[0])
MACHINES = 2.0
ASKED_MINOR = 5_000_000
KEPT_RULES = ("X", "K01", "K02", "K03", "S01", "C01")
"""The lenders of this benchmark decide by knock-outs, trust in the data and the grade. The shipped policy refers nearly every
firm of a world this small besides, because the interval is wide where a model saw few defaults."""
APPROVE_TO = RatingGrade("R9")
MISSED_BY = 0.002
"""Of a firm's PD: by so much it misses the cut-off, so that every lever that the model credits with anything is a plan.
Levers hardly ever move a PD by the step from one grade to the next."""
HELD_DAYS = 180
TOGETHER = 64
SAMPLE = 160
"""Firms that stand for the peers of all."""
TRAINING_SEED = 1


@dataclass(frozen=True, kw_only=True)
class StructuralWorld:
    """The home that took the world in, the laws that made it, and the model of default that was fitted on it."""

    home: Home
    seed: int
    obligors: int
    model: CreditArtefact

    @cached_property
    def laws(self) -> Laws:
        """The laws of the world."""
        return make_laws(MONTHS, self.seed, "base", machines_per_obligor=MACHINES, engine=Engine.STRUCTURAL)

    @cached_property
    def terms(self) -> RecourseTerms:
        """The shipped terms of recourse, but one lever at a time, held for half a year, and by the bag of models as a whole:
        in a world this small a lever moves a PD by a few hundredths, so that hardly ever each model alone would agree."""
        shipped = recourse_terms(shipped_terms().at(AS_OF))
        return replace(shipped, held_days=(HELD_DAYS,), most_levers=1, least_agreement=0.0, pd_margin=0.0)

    @cached_property
    def living(self) -> tuple[ObligorId, ...]:
        """The firms of which nobody has reported a default when firms ask, by the hashes of their names."""
        with reading_only(self.home.engine) as connection:
            source = reader(connection, self.home)
            gone = set(source.rows(RecordKind.DEFAULT_EVENT, as_of=AS_OF)["obligor_id"].to_pylist())
            profiles = source.obligor_profiles(as_of=AS_OF)["obligor_id"].to_pylist()
        return tuple(ObligorId(name) for name in sorted(set(profiles) - gone, key=_hash))

    @cached_property
    def asking(self) -> list[FeatureSnapshot]:
        """What is known of the first `SAMPLE` of the living."""
        return self.known(self.living[:SAMPLE])

    def known(self, ids: Sequence[ObligorId]) -> list[FeatureSnapshot]:
        """What is known of firms when they ask."""
        with reading_only(self.home.engine) as connection:
            source = reader(connection, self.home)
            everybody = load_everybody(source, as_of=AS_OF)
            parts = (ids[start : start + TOGETHER] for start in range(0, len(ids), TOGETHER))
            return [
                found
                for part in parts
                for found in snapshots(
                    source,
                    obligor_ids=part,
                    as_of=AS_OF,
                    parameters=feature_parameters(),
                    with_machines=False,
                    everybody=everybody,
                )
            ]

    @cached_property
    def reach(self) -> PeerReach:
        """What the firms of `asking` show, who are everybody's peers."""
        names = list(CATALOGUE)
        rows = np.array([item.vector(names) for item in self.asking])
        return peer_reach(rows, names, least_firms=self.terms.least_firms)

    def grounds(self, snapshot: FeatureSnapshot, *, cut_off: float | None = None) -> DecisionGrounds:
        """What the firm asks for, and the lender who answers it: by the shipped policy, or one who decides by the PD alone
        and declines above a cut-off."""
        request = CreditRequest(
            obligor_id=snapshot.obligor_id,
            product=CreditProduct.RECEIVABLES,
            amount_minor=ASKED_MINOR,
            currency="CNY",
            tenor_months=12,
            as_of=snapshot.as_of,
        )
        book = scoring_parameters() if cut_off is None else by_cut_off(cut_off)
        return DecisionGrounds(request=request, artefact=self.model, parameters=book, mandate=ModelMandate.VALIDATED)

    def missed(self, snapshot: FeatureSnapshot) -> DecisionGrounds | None:
        """The lender whose cut-off the firm misses by `MISSED_BY` of its PD; None where it has no model's PD."""
        (decision,) = self.grounds(snapshot).decisions([snapshot])
        if decision.score.source is not ScoreSource.MODEL:
            return None
        return self.grounds(snapshot, cut_off=decision.score.pd_12m * (1.0 - MISSED_BY))

    def what_if(self, obligor_id: ObligorId) -> WhatIf:
        """The firm's whole past, to be changed."""
        with reading_only(self.home.engine) as connection:
            return what_if(
                reader(connection, self.home), obligor_id=obligor_id, as_of=AS_OF, parameters=feature_parameters()
            )

    @cached_property
    def blocks(self) -> dict[str, tuple[int, int]]:
        """The block and the row of each firm."""
        return {
            str(name): (number, row)
            for number in range(-(-self.obligors // BLOCK_FIRMS))
            for row, name in enumerate(self._block(number).firms.obligor_ids)
        }

    @cached_property
    def truths(self) -> tuple[Snapshot, ...]:
        """The blocks at the moment when firms ask, as the simulator knows them."""
        count = -(-self.obligors // BLOCK_FIRMS)
        return tuple(snapshot_at(self._block(number), self.laws, position=POSITION) for number in range(count))

    def _block(self, number: int) -> Block:
        return build_block(number, min(BLOCK_FIRMS, self.obligors - number * BLOCK_FIRMS), self.laws)


def _hash(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()


def by_cut_off(cut_off: float) -> ParameterBook:
    """The shipped parameters with a policy of `KEPT_RULES` that declines above a PD: that of `APPROVE_TO`, once the middles
    of all grades are moved by one factor."""
    book = scoring_parameters()
    today = book.at(AS_OF)
    scale = master_scale(today["master_scale"])
    factor = cut_off / scale.upper_bounds[APPROVE_TO]
    mids = {grade: mid if mid == 1.0 else min(mid * factor, 0.99) for grade, mid in scale.mids.items()}
    policy = [rule for rule in today["credit_policy"] if rule["rule"].startswith(KEPT_RULES)]
    changed = {
        "credit_policy": policy,
        "grade_cut_offs": {"approve_to": APPROVE_TO, "refer_to": APPROVE_TO},
        "master_scale": mids,
    }
    held = {
        name: replace(own, values=dict.fromkeys(own.values, changed[name])) if name in changed else own
        for name, own in book.parameters.items()
    }
    return book.with_those_of(ParameterBook(parameters=held, version=book.version), list(changed))


def structural(seed: int, obligors: int, folder: Path) -> StructuralWorld:
    """Make a world and take it in, unless that is there; and fit a model of default on its early months."""
    root = folder / f"structural-{seed}-{obligors}"
    if not root.is_dir():
        made = folder / f"making-{seed}-{obligors}"
        simulator.simulate(
            world="base",
            engine=Engine.STRUCTURAL,
            obligors=obligors,
            months=MONTHS,
            seed=seed,
            out=made / "files",
            samples_for=0,
            machines_per_obligor=MACHINES,
            threads=1,
        )
        taken_in(made / "files", made / "home", frozenset(RecordKind) - {RecordKind.SAMPLE}).engine.dispose()
        made.rename(root)
    home = open_home(root / "home")
    with home.engine.connect() as connection:
        data = credit_training_set(
            reader(connection, home),
            as_ofs=[month_end(month) for month in (*TRAIN, *CALIBRATE, *TEST)],
            parameters=feature_parameters(),
            known_until=END,
            reporting_lag_months=0,
        )
    model = train_credit(
        data,
        split=split(),
        parameters=scoring_parameters(),
        seed=TRAINING_SEED,
        data_origin=DataOrigin.SYNTHETIC,
    )
    return StructuralWorld(home=home, seed=seed, obligors=obligors, model=model)
