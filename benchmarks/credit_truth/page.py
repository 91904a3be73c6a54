"""The figures as the block of docs/credit-truth.md."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[2] / "docs" / "credit-truth.md"
BEGIN, END = "<!-- truth: python -m benchmarks.credit_truth --write -->", "<!-- end of truth -->"
RUNGS = {
    "intercept": "intercept: the default rate of the calibration months",
    "power_points": "power-only points of 电E贷",
    "scorecard": "scorecard: weights of evidence, logistic regression",
    "additive_trees": "explainable boosting machine, no interactions",
    "free_trees": "xgboost without constraints, every feature",
    "model": "Millgrade: monotone trees on bounded features and scrap, calibrated",
    "oracle": "oracle: the exact PD",
}


def written(text: str, found: Mapping[str, Any]) -> str:
    """The page with its block printed anew."""
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}\n\n{block(found)}\n\n{END}{rest.split(END)[1]}"


def block(found: Mapping[str, Any]) -> str:
    """Figures and ladder as Markdown tables."""
    seeds, held = found["seeds"], found["intervals"]
    slopes = ", ".join(f"{slope:.3f}" for slope in found["slopes"])
    rows = (
        ("slope of the exact PD on logit `pd_12m`, mean", f"{found['mean_slope']:.3f}", "0.95-1.05"),
        ("the slopes", slopes, "all told"),
        ("AUC", f"{found['auc']:.4f}", ""),
        ("of the same learner on the data of all worlds", f"{found['auc_ten_times_data']:.4f}", "at most 0.03 more"),
        ("of the exact PD", f"{found['oracle_auc']:.4f}", "the gap is told"),
        ("the three without the noise of outcomes", " / ".join(f"{found[name]:.4f}" for name in ("expected_auc", "expected_auc_ten_times_data", "expected_oracle_auc")), ""),
        (f"90 % intervals that hold the mean exact PD of a cell ({held['cells']:.0f} cells, {held['rows_per_cell']:.0f} firms each)", f"{held['inside']:.1%}", "87-93 %"),
        ("cells below / above their interval", f"{held['below']:.1%} / {held['above']:.1%}", ""),
        ("the same if each cell kept its error and the level of the year were drawn, 0.31 log-odds about the model's", f"{held['over_years']:.1%}", ""),
        ("the same by world", " / ".join(f"{inside:.0%}" for inside in held["by_world"]), ""),
        ("level of the exact PD over the model's by world, log-odds", " / ".join(f"{level:+.2f}" for level in held["level_by_world"]), ""),
        ("from the PD to the lower and the upper end; misfit of cells at the right level: log-odds", f"{held['to_lower']:.2f} / {held['to_upper']:.2f}; {held['misfit']:.2f}", ""),
        ("relative standard error of a cell's mean", f"{held['noise']:.1%}", ""),
        *((f"PD within 60 months, by quarter of risk: {name}", " / ".join(f"{value:.1%}" for value in values), "")
          for name, values in found["lifetime"].items()),
    )  # fmt: skip
    ladder = [
        f"| {RUNGS[name]} | {rung['auc']:.4f} | {rung['expected_auc']:.4f} | {rung['log_loss']:.4f} | {rung['rmse_logit']:.3f} |"
        for name, rung in found["ladder"].items()
    ]
    return "\n".join(
        [
            f"World {found['version']}, seeds {seeds[0]}-{seeds[-1]}, {found['obligors']:,} firms ({found['firm_years']:,} firm-years) each. {found['statement'].capitalize()}.",
            "",
            "| figure | here | aim |",
            "|---|---|---|",
            *(f"| {name} | {value} | {aim} |" for name, value, aim in rows),
            "",
            "| rung | AUC | AUC without the noise of outcomes | log-loss | RMSE of logit PD |",
            "|---|---|---|---|---|",
            *ladder,
        ]
    )
