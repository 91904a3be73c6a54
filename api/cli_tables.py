"""Commands about models of default: training on the home or on any table, and scoring a table."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from api.console import HomeOption, JsonOption, aligned, opened, show
from api.instants import parse_instant
from api.models import service as models
from api.models import tables as table_models
from data_contracts.errors import InputError
from data_contracts.identifiers import ModelVersion
from data_contracts.vocabulary import DataOrigin
from risk_reports import tables
from risk_reports.table_training import figures_text, scores_of

FOLDS = 5


def mount(app: typer.Typer, train_app: typer.Typer) -> None:
    """Give `app` and its `train` these commands."""
    train_app.command("credit")(train_credit)
    app.command("score-table")(score_table)


def train_credit(
    *,
    as_of: Annotated[str | None, typer.Option("--as-of", help="Instant or date in the zone; default now.")] = None,
    features: Annotated[
        Path | None, typer.Option("--features", help="A CSV or Parquet table of your own instead of this home's data.")
    ] = None,
    outcome: Annotated[str | None, typer.Option("--outcome", help="Its column of outcomes: 1 or 0.")] = None,
    time: Annotated[str | None, typer.Option("--time", help="Its column of years or ISO dates.")] = None,
    group: Annotated[str | None, typer.Option("--group", help="Its column of who belongs together (the firm).")] = None,
    monotone: Annotated[
        Path | None, typer.Option("--monotone", help="YAML or JSON, column: +1 (more is riskier), -1 or 0.")
    ] = None,
    exclude: Annotated[list[str] | None, typer.Option("--exclude", help="A column to leave out; repeatable.")] = None,
    division: Annotated[
        str | None, typer.Option("--division", help="Its column of industries (GB/T 4754): kept, not learnt from.")
    ] = None,
    machine_types: Annotated[
        str | None, typer.Option("--machine-types", help="Its column of types of machines: kept, not learnt from.")
    ] = None,
    families: Annotated[
        Path | None, typer.Option("--families", help="YAML or JSON, family: [columns]; otherwise each is its own.")
    ] = None,
    folds: Annotated[int, typer.Option("--folds", min=2, help="How often a part is held back and tested.")] = FOLDS,
    population_rate: Annotated[
        float | None,
        typer.Option("--population-rate", min=0.0001, max=0.9999, help="The true rate, if sampled by outcome."),
    ] = None,
    data_origin: Annotated[
        DataOrigin, typer.Option("--data-origin", help="real, if you vouch for the outcomes.")
    ] = DataOrigin.SYNTHETIC,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Fit the probability of default: monotone trees, calibrated and tested in time order with an embargo."""
    if features is None:
        _only_with_features(
            outcome=outcome,
            time=time,
            group=group,
            monotone=monotone,
            exclude=exclude,
            division=division,
            machine_types=machine_types,
            families=families,
        )
        with opened(home) as here:
            instant = parse_instant(as_of, zone="UTC") if as_of else datetime.now(UTC)
            card = models.train_credit(here, as_of=instant)
        show(card, as_json, tables.card_text(card))
        return
    if outcome is None:
        raise InputError("--features needs --outcome: which column says what became of each row.")
    asked = table_models.TableQuestion(
        features=features,
        outcome=outcome,
        time=time,
        group=group,
        monotone=monotone,
        exclude=tuple(exclude or ()),
        division=division,
        machine_types=machine_types,
        families=families,
        folds=folds,
        population_rate=population_rate,
        data_origin=data_origin,
    )
    with opened(home) as here:
        told = table_models.train(here, asked, now=datetime.now(UTC))
    show(told, as_json, figures_text(told))


def score_table(
    *,
    path: Annotated[Path, typer.Argument(help="A CSV or Parquet table with the model's columns.")],
    model: Annotated[str, typer.Option("--model", help="The version that training printed (64 characters).")],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Probability and reasons for each row of a table, by a model that was trained on one, and which rows it was taught
    nothing like: a person decides these."""
    with opened(home) as here:
        scored = table_models.score(here, path, ModelVersion(model))
    rows = aligned(scores_of(scored), ("row", "pd", "referred", "reasons"))
    show({"model_version": model, "rows": scored}, as_json, rows)


def _only_with_features(**told: object) -> None:
    named = [f"--{name}" for name, value in told.items() if value]
    if named:
        raise InputError(f"{named[0]} goes with --features.", hint="Name the table: --features FILE")
