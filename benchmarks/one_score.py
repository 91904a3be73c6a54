"""One obligor's score, step by step: features, contributions, margin, probability, interval, grade, reasons.

    python -m benchmarks.one_score --write        (docs/exhibits/one-score.md, and shap's waterfall beside it)

The obligor is the middle one by PD of the golden reference portfolio, the model the one that is trained on that world.
Synthetic; effect sizes are inputs, not findings.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import shap

from api.database.engine import unit_of_work
from api.models.service import promoted_credit
from api.snapshots.service import latest_snapshot
from benchmarks import golden
from features.snapshot import FeatureSnapshot
from risk_reports.narrative import credit_reason_sentences, readings
from risk_reports.wording.catalogue import Language
from scoring.boosters import Explanation
from scoring.credit.artefact import CreditArtefact
from scoring.records import ScoreRecord, ScoreSource
from tests.golden_world import NOW

FOLDER = Path(__file__).parent.parent / "docs" / "exhibits"
PAGE, PICTURE = FOLDER / "one-score.md", FOLDER / "one-score" / "shap-waterfall.svg"
SHOWN = 12
MONTHS = (1, 3, 6, 12, 24, 36, 60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The record as it was kept, what it was made of, and both explanations of the same row."""

    record: ScoreRecord
    snapshot: FeatureSnapshot
    artefact: CreditArtefact
    decision: Explanation
    portfolio: Explanation
    by_shap: Any


def main() -> None:
    """Print the page, or write it and the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.name} and the picture")
    arguments = parser.parse_args()
    with one_score() as told:
        text = page(told)
        if arguments.write:
            PAGE.write_text(text, encoding="utf-8")
            _draw(told)
        sys.stdout.write(text)


@contextmanager
def one_score() -> Iterator[Told]:
    """The middle one by PD of the obligors that the model speaks of."""
    with golden.scored() as (home, records):
        told = [record for record in records if record.source is ScoreSource.MODEL]
        record = sorted(told, key=lambda item: (item.pd_12m, item.obligor_id))[len(told) // 2]
        with unit_of_work(home.engine) as connection:
            snapshot = latest_snapshot(connection, home, record.obligor_id, now=NOW)
        artefact = promoted_credit(home)
        row = snapshot.vector([feature.key for feature in artefact.card.features])[None, :]
        yield Told(
            record=record,
            snapshot=snapshot,
            artefact=artefact,
            decision=artefact.explain(row),
            portfolio=artefact.explain_portfolio(row),
            by_shap=_by_shap(artefact, row),
        )


def page(told: Told) -> str:
    """The exhibit."""
    record, card = told.record, told.artefact.card
    assert record.margin is not None
    assert record.base_log_odds is not None
    assert card.reference is not None
    total = math.fsum(item.contribution for item in record.contributions)
    lines = [
        "# One score, step by step",
        "",
        "Printed by `python -m benchmarks.one_score --write`: every figure below. The obligor is the middle one by PD of the golden reference portfolio, the model the one trained on that world: synthetic; effect sizes are inputs, not findings.",
        "",
        f"Obligor `{record.obligor_id}`, as of {record.as_of.date()}; snapshot `{record.snapshot_id[:12]}`, model `{told.artefact.version[:12]}` ({len(told.artefact.bag.members)} members of {card.rounds} trees), parameters `{record.parameters_version[:12]}`.",
        "",
        "## From features to the margin",
        "",
        f"The base is the mean margin of the reference group: {card.reference.members} firms ({card.reference.selection.replace('_', ' ')}) with PDs from {card.reference.lowest_pd:.4f} to {card.reference.highest_pd:.4f}. Each feature adds its contribution; the {SHOWN} largest:",
        "",
        "| feature | value | peers' median | contribution against peers | path-dependent | shap, path-dependent |",
        "|---|---:|---:|---:|---:|---:|",
        *_feature_lines(told),
        "",
        "| step | log-odds |",
        "|---|---:|",
        f"| base | {record.base_log_odds:.9f} |",
        f"| sum of the {len(record.contributions)} contributions | {total:.9f} |",
        f"| margin | {record.margin:.9f} |",
        f"| xgboost's own margin (mean of members, single precision) | {np.mean(told.decision.member_margins[:, 0]):.9f} |",
        f"| path-dependent: base + contributions | {told.portfolio.margin[0]:.9f} |",
        f"| shap: base + contributions | {_shap_margin(told):.9f} |",
        "",
        f"Largest difference between our path-dependent contributions and shap's: {np.abs(told.portfolio.contributions[0] - told.by_shap.values).max():.1e}.",
        "",
        "![shap's waterfall of the same row](one-score/shap-waterfall.svg)",
        "",
        "## From the margin to the probability",
        "",
        f"The calibrator ({card.calibrator.method.value}): log-odds = {card.calibrator.intercept:.6f} + {card.calibrator.slope_default:.6f} ln s - {card.calibrator.slope_survival:.6f} ln(1 - s) with s = 1 / (1 + exp(-margin)).",
        "",
        "| step | probability |",
        "|---|---:|",
        f"| s, the trees' own | {1 / (1 + math.exp(-record.margin)):.9f} |",
        *[f"| {step.name} | {step.pd_12m:.9f} |" for step in record.pd_steps],
        f"| `pd_12m` | {record.pd_12m:.9f} |",
        f"| its interval | {record.pd_12m_lower:.6f} to {record.pd_12m_upper:.6f} |",
        "",
        _interval_line(told),
        "",
        f"Grade {record.rating_grade}, {record.score_points:.1f} score points.",
        "",
        "## Over the months",
        "",
        f"The term structure, fitted over {record.term_structure.observed_months} months and extrapolated beyond (0: a constant hazard):",
        "",
        "| by the end of month | probability of default |",
        "|---:|---:|",
        *[f"| {month} | {record.term_structure.pd(month):.9f} |" for month in MONTHS],
        "",
        "## Reasons",
        "",
        *_reason_lines(record),
        "",
        "## As each reader has it",
        "",
        *_reading_lines(record),
        "",
    ]
    return "\n".join(lines)


def _feature_lines(told: Told) -> list[str]:
    features = told.artefact.card.features
    order = np.argsort(-np.abs([item.contribution for item in told.record.contributions]), kind="stable")[:SHOWN]
    return [
        f"| `{features[place].key}` | {_figure(told.record.contributions[place].value)} | {_figure(features[place].peer_median)} | {told.record.contributions[place].contribution:+.6f} | {told.portfolio.contributions[0, place]:+.6f} | {told.by_shap.values[place]:+.6f} |"
        for place in order
    ]


def _reason_lines(record: ScoreRecord) -> list[str]:
    sentences = zip(*(credit_reason_sentences(record, language) for language in Language), strict=True)
    if not record.reasons:
        return [f"* {zh}\n  {en}" for zh, en in sentences]
    return [
        f"* `{reason.code}`: {reason.contribution:+.6f} of its family ({reason.family}), change {_figure(reason.change)}.\n  {zh}\n  {en}"
        for reason, (zh, en) in zip(record.reasons, sentences, strict=True)
    ]


def _interval_line(told: Told) -> str:
    card = told.artefact.card
    standing = ", ".join(f"`{key}` {_figure(value)}" for key, value in card.standing.items())
    low, high = np.percentile(told.decision.member_margins[:, 0], card.interval_percentiles)
    return (
        f"The members' margins at what was observed lie between {low:.6f} and {high:.6f} ({card.interval_percentiles[0]:g}th and {card.interval_percentiles[1]:g}th percentile). At both ends the distance of these from the mean, calibrated, is joined with "
        f"{card.interval_widening:.6f} log-odds for what the spread of the bag does not show (the root of the sum of both squares), and the grade of data trust moves them farther; the upper one stands at the worst of what was not observed ([withholding](../withholding.md)) and no higher than R13's middle. There, for everyone: {standing}."
    )


def _reading_lines(record: ScoreRecord) -> list[str]:
    """The first reason as the officer, the insurer and the firm read it."""
    return [
        f"* {reader}: {sentences[0]}"
        for language in Language
        for reader, sentences in readings(record.reasons, language).items()
    ]


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.6g}"


def _by_shap(artefact: CreditArtefact, row: Any) -> Any:
    """shap's own explanation of the bag: the mean of its members'."""
    said = [
        shap.TreeExplainer(booster, feature_perturbation="tree_path_dependent")(row)
        for booster in artefact.bag.boosters
    ]
    return shap.Explanation(
        values=np.mean([one.values[0] for one in said], axis=0, dtype=np.float64),
        base_values=float(np.mean([np.ravel(one.base_values)[0] for one in said])),
        data=row[0],
        feature_names=[feature.key for feature in artefact.card.features],
    )


def _shap_margin(told: Told) -> float:
    return float(told.by_shap.base_values + told.by_shap.values.sum())


def _draw(told: Told) -> None:
    """shap's waterfall as SVG, the same bytes each time."""
    import matplotlib as mpl  # noqa: PLC0415 (of the extra [benchmarks])

    mpl.use("agg")
    mpl.rcParams["svg.hashsalt"] = "one-score"
    from matplotlib import pyplot  # noqa: PLC0415

    shap.plots.waterfall(told.by_shap, max_display=SHOWN, show=False)
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    pyplot.savefig(PICTURE, format="svg", bbox_inches="tight", metadata={"Date": None})


if __name__ == "__main__":
    main()
