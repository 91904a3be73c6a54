"""Training models on what this home knows, and finding the promoted one."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime
from functools import cache, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import sqlalchemy as sa

from api.database.engine import reading, unit_of_work
from api.errors import ModelNotForLive, NoModel
from api.evidence.service import record_model
from api.home import Home
from api.models.figures import keep_figures, segments_of
from api.processes import processes_of
from api.snapshots.service import TELEMETRY_KINDS, feature_parameters, reader
from data_contracts.identifiers import ModelVersion
from data_contracts.observations.reader import ObservationReader
from data_contracts.observations.tables import batch
from data_contracts.reference.dated import ParameterBook, load_book
from data_contracts.vocabulary import DataOrigin
from features.as_of import credit_training_set, insurance_training_set
from features.labels import REPORTING_LAG_MONTHS
from scoring import registry
from scoring.cards import DataCut
from scoring.credit.artefact import CreditArtefact
from scoring.governance import ModelMandate, mandate_at
from scoring.insurance.artefact import InsuranceArtefact
from scoring.training import credit, insurance
from scoring.training.plots import MISSING, can_draw, credit_plots
from scoring.training.split import time_split

MONTHS_OF_HISTORY = 3
MONTHS_OF_OUTCOME = 12
MONTHS_BETWEEN_COVERS = 6
"""Every half-year a machine is looked at anew for claim frequency."""

SEED = 20260701


@cache
def scoring_parameters() -> ParameterBook:
    """The scoring room's dated parameters as shipped."""
    return load_book(files("scoring") / "parameters")


def train_credit(home: Home, *, as_of: datetime) -> registry.Card:
    """Fit, calibrate, test and keep a default model on everything known at `as_of`; returns its card."""
    with reading(home.engine) as connection:
        source = reader(connection, home)
        months = _month_starts(connection, source, as_of=as_of)
        split = time_split(months, embargo_months=MONTHS_OF_OUTCOME)
        data = credit_training_set(
            source,
            as_ofs=split.as_ofs,
            parameters=feature_parameters(),
            known_until=as_of,
            processes=processes_of(home),
        )
        segments = segments_of(source, data, as_of=as_of)
        told = provenance(connection, as_of=as_of)
    artefact = credit.train_credit(data, split=split, parameters=scoring_parameters(), seed=SEED, **told)
    card = keep_artefact(home, artefact)
    keep_figures(home, artefact, data, scoring_parameters(), segments=segments)
    return {**card, "plots": registry.save_plots(home.models, artefact, credit_plots(artefact, data)), **_undrawn()}


def _undrawn() -> dict[str, str]:
    """Why a card has no pictures, where it has none."""
    return {} if can_draw() else {"plots_missing": MISSING}


def warm_up(home: Home) -> None:
    """Read the promoted models and let each explain one obligor of whom nothing is known, so that the first to ask does
    not wait for tables and machine code."""
    kind: registry.Kind
    for kind in ("credit", "insurance"):
        if registry.pointer_of(home.models, kind) is None:
            continue
        artefact, _ = _answering(home, kind)
        nothing = np.full((1, len(artefact.card.features)), np.nan)
        if isinstance(artefact, CreditArtefact):
            artefact.explain(nothing)
        else:
            artefact.bag.explain(nothing)


def train_insurance(home: Home, *, as_of: datetime) -> registry.Card:
    """Fit, rebalance and keep a claim frequency and severity model on everything known at `as_of`."""
    with reading(home.engine) as connection:
        source = reader(connection, home)
        months = _month_starts(connection, source, as_of=as_of)
        data = insurance_training_set(
            source,
            as_ofs=months[::-MONTHS_BETWEEN_COVERS][::-1],
            parameters=feature_parameters(),
            known_until=as_of,
            processes=processes_of(home),
        )
        told = provenance(connection, as_of=as_of)
    artefact = insurance.train_insurance(data, parameters=scoring_parameters(), seed=SEED, **told)
    return keep_artefact(home, artefact)


def keep_artefact(home: Home, artefact: registry.Artefact) -> registry.Card:
    """Keep a model and log it; returns its card. Where no validated one answers, it does, on trial."""
    kind, card = artefact.card.kind, registry.save_artefact(home.models, artefact)
    with unit_of_work(home.engine) as connection:
        record_model(connection, kind, artefact.version)
    before = registry.pointer_of(home.models, kind)
    if before is None or before.expires_time is None:
        registry.point_to(home.models, kind, registry.Pointer(version=artefact.version, expires_time=None))
    return card


def promoted_credit(home: Home) -> CreditArtefact:
    """The default model that answers. Raises NoModel."""
    artefact, _ = _answering(home, "credit")
    assert isinstance(artefact, CreditArtefact)
    return artefact


def answering_credit(home: Home, *, now: datetime) -> tuple[CreditArtefact, ModelMandate]:
    """The default model that answers, and how far people answer for it. Raises NoModel."""
    artefact, pointer = _answering(home, "credit")
    assert isinstance(artefact, CreditArtefact)
    return artefact, mandate_at(pointer.expires_time, now=now)


def credit_model(home: Home, version: ModelVersion) -> CreditArtefact:
    """The default model of that version. Raises UnknownModel and ArtefactDamaged."""
    artefact = _artefact(home.models, "credit", version)
    assert isinstance(artefact, CreditArtefact)
    return artefact


def promoted_insurance(home: Home) -> InsuranceArtefact:
    """The premium model that answers. Raises NoModel."""
    artefact, _ = _answering(home, "insurance")
    assert isinstance(artefact, InsuranceArtefact)
    return artefact


def answering_insurance(home: Home, *, now: datetime) -> tuple[InsuranceArtefact, ModelMandate]:
    """The premium model that answers, and how far people answer for it. Raises NoModel."""
    artefact, pointer = _answering(home, "insurance")
    assert isinstance(artefact, InsuranceArtefact)
    return artefact, mandate_at(pointer.expires_time, now=now)


def require_live(artefact: registry.Artefact, mandate: ModelMandate, *, may_have_lapsed: bool = False) -> None:
    """Raises ModelNotForLive unless the model was made from real data, somebody has validated it, and their word is
    still good; with `may_have_lapsed` the caller says itself where it is not."""
    name = f"The promoted {artefact.card.kind} model {artefact.version[:12]}"
    if artefact.card.data_origin is not DataOrigin.REAL:
        raise ModelNotForLive(
            f"{name} was made from synthetic data.",
            hint="Ask with a test key, or have a model promoted that was trained on real data.",
        )
    if mandate is ModelMandate.TRIAL:
        raise ModelNotForLive(
            f"{name} is on trial: nobody has validated it.",
            hint="Ask with a test key, or have it validated and promoted: millgrade model validate",
        )
    if mandate is ModelMandate.LAPSED and not may_have_lapsed:
        raise ModelNotForLive(
            f"The validation of {name[0].lower()}{name[1:]} has lapsed.",
            hint="Have it validated and promoted anew: millgrade model validate",
        )


def _answering(home: Home, kind: registry.Kind) -> tuple[registry.Artefact, registry.Pointer]:
    pointer = registry.pointer_of(home.models, kind)
    if pointer is None:
        raise NoModel(f"No {kind} model has been promoted here.", hint=f"Run: millgrade train {kind}")
    return _artefact(home.models, kind, pointer.version), pointer


@lru_cache(maxsize=8)
def _artefact(folder: Path, kind: registry.Kind, version: ModelVersion) -> registry.Artefact:
    """A version names its bytes, so that one that was read and checked once can be kept."""
    return registry.load_artefact(folder, kind, version)


def provenance(connection: sa.Connection, *, as_of: datetime) -> dict[str, Any]:
    """What a card says of its data: synthetic as soon as any batch is, and how much was visible."""
    origins = connection.execute(
        sa.select(batch.c.data_origin, sa.func.count())
        .where(batch.c.recorded_from <= as_of)
        .group_by(batch.c.data_origin)
    ).all()
    counts = {DataOrigin(origin): count for origin, count in origins}
    origin = DataOrigin.SYNTHETIC if DataOrigin.SYNTHETIC in counts else DataOrigin.REAL
    return {"data_origin": origin, "data_cut": DataCut(as_of=as_of, batches=sum(counts.values()))}


def _month_starts(connection: sa.Connection, source: ObservationReader, *, as_of: datetime) -> list[datetime]:
    """Local midnights of month starts that have history before them, and a whole outcome window and the time
    in which outcomes are reported after them."""
    first = connection.scalar(sa.select(sa.func.min(batch.c.event_from)).where(batch.c.kind.in_(TELEMETRY_KINDS)))
    if first is None:
        return []
    zone = ZoneInfo(book_zone(source, as_of=as_of))
    start = first.astimezone(zone).date()
    months = (_month_after(start, count) for count in range(MONTHS_OF_HISTORY, 600))
    instants = []
    for month in months:
        if _instant(_month_after(month, MONTHS_OF_OUTCOME + REPORTING_LAG_MONTHS), zone) > as_of:
            break
        instants.append(_instant(month, zone))
    return instants


def book_zone(source: ObservationReader, *, as_of: datetime) -> str:
    zones = Counter(source.obligor_profiles(as_of=as_of).column("site_zone").to_pylist())
    return str(zones.most_common(1)[0][0]) if zones else "UTC"


def _month_after(day: date, months: int) -> date:
    index = day.year * 12 + day.month - 1 + months
    return date(index // 12, index % 12 + 1, 1)


def _instant(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
