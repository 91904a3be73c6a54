"""Training on a lender's own table, and scoring rows of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from api.home import Home
from api.models.figures import keep_figures
from api.models.service import MONTHS_OF_OUTCOME, SEED, keep_artefact, scoring_parameters
from api.models.training_sets import CENSORED, DIVISION, MACHINE_TYPES, training_set_metadata
from data_contracts.identifiers import ModelVersion
from data_contracts.reference.calendars import add_months
from data_contracts.vocabulary import DataOrigin
from features.as_of import CreditTrainingSet
from features.catalogue import CATALOGUE
from scoring import registry
from scoring.errors import UnknownModel
from scoring.table.artefact import TableArtefact
from scoring.training.credit import train_credit
from scoring.training.split import instants_of, time_split
from scoring.training.table.reading import Table, read_families, read_frame, read_signs, read_table
from scoring.training.table.train import MODEL, TableTraining, train_table

REFERRED = ("referred", "too_far_out", "missing_a_family", "of_an_unknown_category")
"""Shares of the training rows that would be referred, told with the other figures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableQuestion:
    """What `millgrade train credit --features` was told."""

    features: Path
    outcome: str
    time: str | None
    group: str | None
    monotone: Path | None
    exclude: Sequence[str]
    division: str | None
    machine_types: str | None
    families: Path | None
    folds: int
    population_rate: float | None
    data_origin: DataOrigin


def train(home: Home, asked: TableQuestion, *, now: datetime) -> dict[str, Any]:
    """Fit, test and keep a model of a table; returns its figures.

    Where every column is a feature of the catalogue, and times and groups are named, a credit model of the same table
    is trained, tested out of time and promoted beside it: it answers at once. A file that `millgrade training-set`
    wrote says itself which columns are features, which rows' outcomes are not known yet, and whether it is synthetic.
    """
    asked, unless = _as_it_says(asked)
    table = read_table(
        asked.features,
        outcome=asked.outcome,
        time=asked.time,
        group=asked.group,
        exclude=asked.exclude,
        division=asked.division,
        machine_types=asked.machine_types,
        unless=unless,
    )
    columns = list(table.frame.columns)
    signs = {} if asked.monotone is None else read_signs(asked.monotone, columns)
    how = TableTraining(
        names={"outcome": asked.outcome, "time": asked.time, "group": asked.group},
        excluded=(*asked.exclude, *filter(None, (asked.division, asked.machine_types))),
        signs=signs,
        folds=asked.folds,
        population_rate=asked.population_rate,
        data_origin=asked.data_origin,
        seed=SEED,
        families={} if asked.families is None else read_families(asked.families, columns),
    )
    artefact = train_table(table, how, parameters=scoring_parameters(), as_of=now.date())
    card = keep_artefact(home, artefact)
    serving = _serving(home, table, asked) if _is_the_catalogues(table, asked) else None
    return {**figures(artefact), "serving": serving, "card": card}


def figures(artefact: TableArtefact) -> dict[str, Any]:
    """What a training prints first: how the model did on rows that it had not seen, beside simpler ones."""
    plain = artefact.card.model_dump(mode="json")
    (model,) = (rung for rung in plain["ladder"] if rung["rung"] == MODEL)
    return {
        "model_version": artefact.version,
        "rows": plain["rows"],
        "events": plain["events"],
        "auc": model["auc"]["value"],
        "auc_interval": [model["auc"]["lower"], model["auc"]["upper"]],
        "calibration_slope": model["calibration_slope"],
        "brier": model["brier"],
        "ladder": plain["ladder"],
        "folds": plain["folds"],
        "suspected_leaks": plain["suspected_leaks"],
        "familiarity": {name: plain["familiarity"][name] for name in REFERRED},
    }


def score(home: Home, path: Path, version: ModelVersion) -> list[dict[str, Any]]:
    """What the model of that version says of each row of a table. Raises TableInvalid and UnknownModel."""
    artefact = registry.load_artefact(home.models, "table", version)
    if not isinstance(artefact, TableArtefact):
        raise UnknownModel(f"{version} is no model of a table.")
    return artefact.score(read_frame(path))


def _as_it_says(asked: TableQuestion) -> tuple[TableQuestion, str | None]:
    """The question with what a training set's own metadata say, and its column of rows to leave out."""
    told = training_set_metadata(asked.features)
    if told is None:
        return asked, None
    columns = pq.read_schema(asked.features).names
    division = asked.division or (DIVISION if DIVISION in columns else None)
    types = asked.machine_types or (MACHINE_TYPES if MACHINE_TYPES in columns else None)
    named = {asked.outcome, asked.time, asked.group, division, types, CENSORED}
    others = [name for name in columns if name not in {*told["features"], *named}]
    origin = DataOrigin.SYNTHETIC if told["data_origin"] == DataOrigin.SYNTHETIC.value else asked.data_origin
    exclude = (*asked.exclude, *others)
    return replace(asked, exclude=exclude, division=division, machine_types=types, data_origin=origin), CENSORED


def _is_the_catalogues(table: Table, asked: TableQuestion) -> bool:
    is_known = set(table.frame.columns) <= CATALOGUE.keys()
    return is_known and asked.time is not None and asked.group is not None and asked.population_rate is None


def _serving(home: Home, table: Table, asked: TableQuestion) -> registry.Card:
    """A credit model of the table, in the catalogue's order and with the catalogue's signs, promoted."""
    assert table.times is not None
    names = [key for key in CATALOGUE if key in table.frame.columns]
    stamps = table.times.astype("datetime64[us]")
    until = [add_months(stamp, MONTHS_OF_OUTCOME) for stamp in stamps.tolist()]
    data = CreditTrainingSet(
        obligor_ids=list(table.groups),
        as_of=stamps,
        observed_until=np.array(until, dtype="datetime64[us]"),
        names=names,
        values=table.frame[names].apply(pd.to_numeric).to_numpy(dtype=np.float64),
        defaulted=table.outcome,
        industry_divisions=table.divisions,
        machine_types=table.machine_types,
    )
    split = time_split(instants_of(stamps), embargo_months=MONTHS_OF_OUTCOME)
    artefact = train_credit(
        data, split=split, parameters=scoring_parameters(), seed=SEED, data_origin=asked.data_origin
    )
    card = keep_artefact(home, artefact)
    keep_figures(home, artefact, data, scoring_parameters(), segments={})
    return card
