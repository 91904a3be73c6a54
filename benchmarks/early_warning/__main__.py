"""How many defaults are warned of, and how early, beside an oracle that alarms on the true PD as often for nothing.

python -m benchmarks.early_warning --json [--seeds 101 102] [--obligors 600]
python -m benchmarks.early_warning --calibrate          (weights and thresholds from the development seeds 1-3)

Every firm is watched weekly from the end of its world's first year on, as known on each morning, and is alarmed where
its production is as weak as opens a case. Thresholds stand in `monitoring.yaml`, from seeds 1-3 alone. The oracle knows
each month's exact PD and is allowed the same share of honest firms a month; an alarm that comes and goes at random
warns of many defaults by that yardstick (`dice`), so the oracle stands there once more with the same share of honest
firms alarmed at least once a year. Synthetic; effect sizes are inputs, not findings.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression

from api.monitoring import monitoring_parameters
from benchmarks.early_warning.figures import UNPAID_DAYS, YEAR_DAYS, AlarmFigures, figures, threshold_at, with_outcomes
from benchmarks.early_warning.lived import lived
from benchmarks.early_warning.weekly import FIRST, LAST, weeks
from scoring.monitoring.weakness import LIMIT
from simulator.summary import STATEMENT

SEEDS = tuple(range(101, 111))
DEVELOPMENT = (1, 2, 3)
OBLIGORS = 600
ALARMED = {"watch": 0.10, "serious": 0.05, "critical": 0.02}
"""Share of honest firms a month at each severity."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--seeds", type=int, nargs="*", default=SEEDS)
    parser.add_argument("--obligors", type=int, default=OBLIGORS)
    parser.add_argument("--calibrate", action="store_true", help="weights and thresholds from the development seeds")
    asked = parser.parse_args()
    seeds = DEVELOPMENT if asked.calibrate else asked.seeds
    watched, months = observed(seeds, asked.obligors)
    told = calibrated(watched, months) if asked.calibrate else measured(watched, months)
    told = {"seeds": list(seeds), "obligors_a_world": asked.obligors, **told, "statement": STATEMENT}
    print(json.dumps(told, indent=2) if asked.json else "\n".join(f"{name}: {value}" for name, value in told.items()))


def observed(seeds: Sequence[int], obligors: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows of weeks and, for the oracle, of months, of all worlds."""
    values = monitoring_parameters().at(LAST)
    watched, months = list[pd.DataFrame](), list[pd.DataFrame]()
    for seed in seeds:
        world, truth = lived(seed, obligors)
        known = truth.pd_12m[(truth.pd_12m["day"] >= FIRST) & (truth.pd_12m["day"] <= LAST)]
        watched.append(with_outcomes(weeks(world, truth.defaulted_on, values), truth.defaulted_on, seed=seed))
        months.append(with_outcomes(known, truth.defaulted_on, seed=seed))
        print(f"world {seed} watched", file=sys.stderr, flush=True)
    return pd.concat(watched, ignore_index=True), pd.concat(months, ignore_index=True)


def measured(watched: pd.DataFrame, months: pd.DataFrame) -> dict[str, Any]:
    """The alarm in force beside the oracle's at the same share of honest firms."""
    serious = monitoring_parameters().at(LAST)["monitoring"]["weakness"]["serious"]
    ours = figures(watched, "weakness", serious)
    oracle = _oracle(months, ours.honest_share)
    by_year = threshold_at(months, "pd_12m_true", ours.honest_year_share, of="year")
    yearly = figures(months, "pd_12m_true", by_year)
    dice = months.assign(dice=np.random.default_rng(0).random(len(months)))
    by_dice = figures(dice, "dice", threshold_at(dice, "dice", ours.honest_share))
    return {
        "median_lead_days": ours.median_lead_days,
        "oracle_median_lead_days": oracle.median_lead_days,
        "lead_ratio": round(ours.median_lead_days / oracle.median_lead_days, 3),
        "warned_share": round(ours.warned_share, 4),
        "oracle_warned_share": round(oracle.warned_share, 4),
        "warned_ratio": round(ours.warned_share / oracle.warned_share, 3),
        "warned_90_days_ahead_share": round(ours.warned_ahead_share, 4),
        "oracle_warned_90_days_ahead_share": round(oracle.warned_ahead_share, 4),
        "alarmed_honest_share_per_month": round(ours.honest_share, 4),
        "oracle_alarmed_honest_share_per_month": round(oracle.honest_share, 4),
        "alarmed_honest_share_per_year": round(ours.honest_year_share, 4),
        "oracle_alarmed_honest_share_per_year": round(oracle.honest_year_share, 4),
        "oracle_at_equal_share_per_year": {
            "median_lead_days": yearly.median_lead_days,
            "lead_ratio": round(ours.median_lead_days / yearly.median_lead_days, 3),
            "warned_share": round(yearly.warned_share, 4),
            "warned_ratio": round(ours.warned_share / yearly.warned_share, 3),
        },
        "dice_at_equal_share_per_month": {
            "median_lead_days": by_dice.median_lead_days,
            "warned_share": round(by_dice.warned_share, 4),
            "alarmed_honest_share_per_year": round(by_dice.honest_year_share, 4),
        },
        "defaults": ours.defaults,
    }


def calibrated(watched: pd.DataFrame, months: pd.DataFrame) -> dict[str, Any]:
    """Weights by a logistic regression on default within a year and not within 90 days, and the thresholds that go with
    them: what is to be learned is what comes before a default, not the unpaid instalments that it consists of."""
    terms = monitoring_parameters().at(LAST)["monitoring"]["weakness"]
    names = list(terms["signals"])
    scaled = np.stack(
        [np.nan_to_num(np.clip(watched[name] / terms["signals"][name]["spread"], -LIMIT, LIMIT)) for name in names],
        axis=1,
    )
    is_ahead = (watched["left"] <= YEAR_DAYS) & (watched["left"] > UNPAID_DAYS)
    is_whole = (watched["is_honest"] | is_ahead).to_numpy()
    fitted = LogisticRegression(C=1.0).fit(scaled[is_whole], watched["left"][is_whole] <= YEAR_DAYS)
    weights = [round(float(weight), 2) for weight in fitted.coef_[0]]
    watched = watched.assign(weakness=scaled @ np.array(weights))
    thresholds = {name: round(threshold_at(watched, "weakness", share), 2) for name, share in ALARMED.items()}
    spreads = {name: round(float(np.diff(watched[name].quantile([0.16, 0.84]))[0] / 2), 4) for name in names}
    ours = figures(watched, "weakness", thresholds["serious"])
    return {
        "weights": dict(zip(names, weights, strict=True)),
        "spreads_of_the_signals": spreads,
        "thresholds": thresholds,
        "alarm": asdict(ours),
        "oracle": asdict(_oracle(months, ours.honest_share)),
    }


def _oracle(months: pd.DataFrame, honest_share: float) -> AlarmFigures:
    return figures(months, "pd_12m_true", threshold_at(months, "pd_12m_true", honest_share))


if __name__ == "__main__":
    main()
