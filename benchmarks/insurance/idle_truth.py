"""Idle cover as we price it beside what it truly pays: a season of a simulated world, lived again along many paths.

The truth is the simulator's own: industries, health and luck drawn anew from where the world stands. We see what
machines told up to the season, fit the rates' model on it, and simulate from today's state of each industry. Synthetic;
effect sizes are inputs, not findings.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit, logit
from scipy.stats import t as student

import simulator
from benchmarks.insurance import idle_engine
from benchmarks.insurance.idle_engine import Lives
from data_contracts.reference.holidays import days_from_new_year, is_public_holiday
from features.aligned import MONDAY_OFFSET, SATURDAY, WEEKDAYS
from scoring.errors import NotEnoughEvents
from scoring.insurance.idle_cover.payout import shortfall
from scoring.insurance.idle_cover.price import TAIL, price_book
from scoring.insurance.idle_cover.simulate import RateModel, fit_rate_model, simulate_seasons
from simulator.parameter_values import load_parameters
from simulator.world import PARAMETERS_AS_OF

MONTHS, YEAR = 48, 12
PATHS = 400
OUR_PATHS = 20_000
FEWEST_FIRMS = 5
"""A cluster of fewer is not covered."""
KNOWN_TIMES = ["off", "fault", "maintenance", "setup", "executing", "idle"]
LEAST_RATE = 1e-3

OPENING = 6
"""Months in which a new world's order books fill; no industry's state."""
AROUND_NEW_YEAR = (-14, 21)
"""Days from Chinese New Year in which firms close and open again."""

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What machines told before the season: log-odds of monthly rates beside each firm's own mean (firms x months), the division of each firm, and the rates' model."""

    moved: Matrix
    industry: NDArray[np.int64]
    model: RateModel


def idle_cover(folder: Path, lived: Lives) -> dict[str, Any]:
    """One world's covers, equal sums on every division of at least `FEWEST_FIRMS` firms, as one book: shares of all
    sums insured, ours and true; and how often the truth loses more than our 99.5 %.

    Raises NotEnoughEvents where there is no such division."""
    told = _told(folder, lived.divisions, before=MONTHS - lived.months)
    index = np.bincount(told.industry, minlength=len(lived.divisions))
    held = np.flatnonzero((index >= FEWEST_FIRMS) & ~np.isnan(lived.reference))
    if not len(held):
        raise NotEnoughEvents(
            f"No division of {folder} has {FEWEST_FIRMS} firms that were seen in every month.",
            hint="Ask for more firms: --obligors.",
        )
    sums, reference, terms = np.full(len(held), 1.0 / len(held)), lived.reference[held], lived.terms
    true = shortfall(lived.rates[:, held], reference, terms)
    foreseen = _foreseen(told, lived.reference, held, months=lived.months, seed=lived.seed)
    priced = price_book(shortfall(foreseen, reference, terms), sums, cost_of_capital=0.0)
    lost = true @ sums
    return {
        "divisions": [lived.divisions[at] for at in held],
        "expected": float(priced.expected_minor.sum()),
        "true_expected": float(lost.mean()),
        "true_standard_error": float(lost.std(ddof=1) / len(lost) ** 0.5),
        "loss_99_5": priced.value_at_risk_minor,
        "true_loss_99_5": float(np.quantile(lost, TAIL)),
        "true_chance_beyond": float((lost > priced.value_at_risk_minor).mean()),
    }


def measure(
    seeds: Sequence[int], *, obligors: int, machines_per_obligor: float, paths: int = PATHS, kept: Path | None = None
) -> dict[str, Any]:
    """The same for worlds that are simulated here and forgotten, and the engine with the process's own parameters on
    the same divisions. Seasons are kept in a folder `kept`, and taken from it."""
    found, lived = [], []
    for seed in seeds:
        lived.append(idle_engine.lives(seed, months=MONTHS, paths=paths, kept=kept))
        with TemporaryDirectory() as folder:
            files = Path(folder) / "files"
            simulator.simulate(
                out=files,
                obligors=obligors,
                months=MONTHS,
                seed=seed,
                samples_for=0,
                machines_per_obligor=machines_per_obligor,
                threads=1,
            )
            found.append(idle_cover(files, lived[-1]))
        print(f"seed {seed}: {found[-1]}", file=sys.stderr, flush=True)
    return together(found, lived)


def together(worlds: Sequence[Mapping[str, Any]], lived: Sequence[Lives] = ()) -> dict[str, Any]:
    """The means over worlds, and the gap to the truth in standard errors over worlds: what each world's firms happen to
    be, we do not know, so that worlds differ by more than their paths. With the worlds' lives, also what the engine
    makes of the process's own parameters (`with_true_parameters`): what is left there is no parameter's error."""
    expected = np.array([world["expected"] - world["true_expected"] for world in worlds])
    tail = np.array([world["loss_99_5"] - world["true_loss_99_5"] for world in worlds])
    names = ("expected", "true_expected", "loss_99_5", "true_loss_99_5", "true_chance_beyond")
    same = [life.of(world["divisions"]) for world, life in zip(worlds, lived, strict=False)]
    health = load_parameters(PARAMETERS_AS_OF).health
    return {
        **{name: float(np.mean([world[name] for world in worlds])) for name in names},
        "expected_gap": _gap(expected),
        "loss_99_5_gap": _gap(tail),
        **({"with_true_parameters": idle_engine.together(same, health)} if same else {}),
        "worlds": list(worlds),
    }


def _gap(gaps: Vector) -> dict[str, Any]:
    if len(gaps) < 2:
        return {"mean": float(gaps.mean()), "interval": None, "standard_errors": None}
    error = float(gaps.std(ddof=1)) / len(gaps) ** 0.5
    half = float(student.ppf(0.975, len(gaps) - 1)) * error
    mean = float(gaps.mean())
    return {"mean": mean, "interval": [mean - half, mean + half], "standard_errors": mean / error}


def _told(folder: Path, divisions: Sequence[str], *, before: int) -> Told:
    """Monthly operating rates on working days of the firms that were observed in every month before the season. The
    calendar is left out day by day: four years are too few to tell what a month does from what all industries did."""
    days = pd.read_parquet(folder / "machine_day_report")
    days = days[_is_workday(days["day"].to_numpy().astype("datetime64[D]").astype(np.int64))]
    days["month"] = days["day"].astype("datetime64[s]").dt.to_period("M")
    days["firm"] = days["machine_uid"].str.split("/").str[0]
    days["observed"] = days[[f"{name}_seconds" for name in KNOWN_TIMES]].sum(axis=1)
    sums = days.groupby(["firm", "month"])[["executing_seconds", "observed"]].sum().unstack()
    rates = (sums["executing_seconds"] / sums["observed"].where(sums["observed"] > 0)).iloc[:, OPENING:before].dropna()
    level = logit(rates.to_numpy().clip(LEAST_RATE, 1 - LEAST_RATE))
    moved = level - level.mean(axis=1, keepdims=True)
    profiles = pd.read_csv(folder / "obligor_profile.csv").drop_duplicates("obligor_id").set_index("obligor_id")
    industry = np.array([divisions.index(profiles.at[firm, "industry_division"]) for firm in rates.index])
    return Told(moved=moved, industry=industry, model=fit_rate_model(expit(moved), industry))


def _is_workday(numbers: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Monday to Friday outside holidays and `AROUND_NEW_YEAR`, by day numbers."""
    first, last = AROUND_NEW_YEAR
    away = days_from_new_year(numbers)
    is_weekday = (numbers + MONDAY_OFFSET) % WEEKDAYS < SATURDAY
    return np.asarray(is_weekday & ~is_public_holiday(numbers) & ((away < first) | (away > last)))


def _foreseen(told: Told, reference: Vector, held: NDArray[np.int64], *, months: int, seed: int) -> Matrix:
    """Simulated rates of each division held (paths x divisions), from its state today, around what is usual for it: the
    season a year before, less the state that it was in then. A state seen in few firms counts by how sure it is."""
    model = told.model
    firms = np.bincount(told.industry)[held]
    sure = model.industry_sd**2 / (model.industry_sd**2 + model.own_sd**2 / firms)
    states = sure[:, None] * np.stack([told.moved[told.industry == at].mean(axis=0) for at in held])
    then = states[:, -YEAR : -YEAR + months].mean(axis=1)
    common: dict[str, Any] = {
        "industry": np.arange(len(held)),
        "months": months,
        "paths": OUR_PATHS,
        "seed": seed,
    }
    still = replace(model, industry_sd=0.0)
    level = expit(logit(reference[held]) - then)
    usual = simulate_seasons(still, usual_rates=reference[held], **{**common, "paths": 1}).cluster[0]
    found = simulate_seasons(model, usual_rates=level, **common, industry_state=states[:, -1] / model.industry_sd)
    return np.asarray(found.cluster * (reference[held] / usual))
