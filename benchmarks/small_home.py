"""A home made in seconds: a few simulated obligors, and models fitted on made-up books. Synthetic through and through.

The models are shaped as those of a real home (features, trees, calibration), so that what is measured or tested on
them costs what it costs there; their figures mean nothing.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import simulator
from api.governance import service as governance
from api.governance.repository import Named
from api.home import Home, open_home
from api.models import service as models
from api.models.figures import keep_figures
from api.models.service import scoring_parameters
from api.scores.service import score_all
from api.telemetry.service import ingest_file
from data_contracts.adapters.folder import check_file, mapping_of, read_manifest
from data_contracts.identifiers import ModelVersion, obligor_id
from data_contracts.reference.calendars import add_months
from features.as_of import CreditTrainingSet, InsuranceTrainingSet
from features.catalogue import CATALOGUE
from scoring.governance import Conclusion
from scoring.training.credit import train_credit
from scoring.training.insurance import train_insurance
from scoring.training.split import time_split

AS_OF = datetime(2026, 6, 30, 16, tzinfo=UTC)
NOW = datetime(2026, 11, 21, tzinfo=UTC)
FIRST_MONTH = datetime(2022, 6, 30, 16, tzinfo=UTC)
MONTHS = range(3, 33, 3)
FIRMS = 400
SEED = 20260701
PAYS_NOT = {"strategies": {"idling": {"cost_minor": 5, "gain_minor": 1}}, "pays": False}
"""Figures of a check that passes."""

Floats = NDArray[np.float64]


def build(folder: Path, *, obligors: int = 6, months: int = 14, database_url: str | None = None) -> Home:
    """A home under `folder` with `obligors` simulated for `months`, both models promoted, everybody scored."""
    simulator.simulate(out=folder / "files", obligors=obligors, months=months, seed=7, samples_for=1, sample_days=2)
    home = open_home(folder / "home", database_url=database_url)
    manifest = read_manifest(folder / "files")
    for file in manifest.files:
        if file.rows:  # so few firms may have no default and no claim, and an empty file is an error
            mapping = mapping_of(folder / "files", manifest, file)
            owner = obligor_id(file.obligor) if file.obligor else None
            source = check_file(folder / "files", file)
            ingest_file(home, source, mapping=mapping, obligor=owner, received_time=NOW)
    promote_models(home)
    score_all(home, as_of=AS_OF, now=NOW)
    return home


def promote_models(home: Home) -> None:
    """Fit both models on made-up books and promote them."""
    split = time_split([_month(index) for index in MONTHS])
    parameters = scoring_parameters()
    book = _credit_book()
    credit = train_credit(book, split=split, parameters=parameters, seed=SEED)
    models.keep_artefact(home, credit)
    keep_figures(home, credit, book, parameters, segments={})
    insurance = train_insurance(insurance_book(), parameters=parameters, seed=SEED)
    models.keep_artefact(home, insurance)


def vouch(home: Home, version: ModelVersion, *, now: datetime, until: datetime) -> None:
    """Have one person own a model of default, another validate it, a check pass, and a third promote it."""
    model = Named(kind="credit", version=version)
    governance.validate(
        home,
        model,
        owner="Zhang Min",
        by="Li Wei",
        conclusion=Conclusion.FIT,
        findings="Fit for what it is for.",
        pack=b"%PDF-",
        expires=until,
        now=now,
    )
    governance.check(home, model, name="cost_to_fake", figures=PAYS_NOT, by="Li Wei", now=now)
    governance.promote(home, model, by="Wang Fang", now=now)


def _credit_book() -> CreditTrainingSet:
    """Firms whose latent health moves every signed feature and the chance of default."""
    rng = np.random.default_rng(SEED)
    health = rng.normal(size=FIRMS)
    who, when = np.tile(np.arange(FIRMS), len(MONTHS)), np.repeat(np.array(MONTHS), FIRMS)
    signs = np.array([definition.credit_risk for definition in CATALOGUE.values()])
    return CreditTrainingSet(
        obligor_ids=[f"FIRM{index:04d}" for index in who],
        as_of=_stamps(when),
        observed_until=_stamps(when + 12),
        names=list(CATALOGUE),
        values=_features(rng, health[who], signs),
        defaulted=rng.random(len(who)) < 1 / (1 + np.exp(2.0 + 1.2 * health[who])),
    )


def insurance_book() -> InsuranceTrainingSet:
    """Machines whose latent wear moves every signed feature and the frequency of claims."""
    rng = np.random.default_rng(SEED + 1)
    wear = rng.normal(size=FIRMS)
    who, when = np.tile(np.arange(FIRMS), len(MONTHS)), np.repeat(np.array(MONTHS), FIRMS)
    counts = rng.poisson(0.3 * np.exp(0.5 * wear[who]))
    sums = np.full(len(who), 40_000_000)
    signs = np.array([definition.insurance_risk for definition in CATALOGUE.values()])
    return InsuranceTrainingSet(
        machine_uids=[f"FIRM{index:04d}/M0" for index in who],
        obligor_ids=[f"FIRM{index:04d}" for index in who],
        as_of=_stamps(when),
        observed_until=_stamps(when + 12),
        names=list(CATALOGUE),
        values=_features(rng, -wear[who], signs),
        exposure_years=np.ones(len(who)),
        claim_counts=counts,
        claim_amounts_minor=(counts * sums * 0.06).astype(np.int64),
        sums_insured_minor=sums,
        currencies=["CNY"] * len(who),
    )


def _features(rng: np.random.Generator, health: Floats, signs: NDArray[np.int64]) -> Floats:
    return 0.5 + 0.1 * (rng.normal(size=(len(health), len(signs))) - 0.6 * signs * health[:, None])


def _month(index: int) -> datetime:
    return add_months(FIRST_MONTH, index)


def _stamps(months: NDArray[np.int64]) -> NDArray[np.datetime64]:
    return np.array([_month(int(index)).replace(tzinfo=None) for index in months], dtype="datetime64[us]")
