"""Whether as many defaulted as the PDs said: tests over all rows, by cohort and by group."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest, chi2, norm
from sklearn.metrics import brier_score_loss

from scoring.cards import Estimate
from scoring.credit.promised import promised_and_seen
from scoring.training.metrics import calibration_in_the_large, calibration_slope
from scoring.training.validation.held_out import HeldOut

ERROR_BINS = 15
HOSMER_LEMESHOW_GROUPS = 10
SIMULATIONS = 1000
SIMULATED_TOGETHER = 100

Matrix = NDArray[np.float64]
Mask = NDArray[np.bool_]
Ints = NDArray[np.int64]


def calibration(test: HeldOut, *, seed: int) -> dict[str, Any] | None:
    """The tests of modelling practice on the test months, one row a firm. None where all or none defaulted."""
    if not 0 < test.defaulted.mean() < 1:
        return None
    pd, defaulted = test.pd, test.defaulted
    groups = equal_groups(pd, HOSMER_LEMESHOW_GROUPS)
    bins = equal_groups(pd, ERROR_BINS)
    error = calibration_error(pd, defaulted[None], bins)[0]
    by_chance = _simulated_errors(pd, bins, seed=seed)
    spiegelhalter = _spiegelhalter(pd, defaulted)
    statistic = _hosmer_lemeshow(pd, defaulted, groups)
    return {
        "mean_pd": float(pd.mean()),
        "default_rate": float(defaulted.mean()),
        "in_the_large": calibration_in_the_large(test.log_odds, defaulted).model_dump(),
        "slope": calibration_slope(test.log_odds, defaulted).model_dump() if np.ptp(pd) > 0 else None,
        "expected_calibration_error": float(error),
        "expected_calibration_error_by_chance": float(by_chance.mean()),
        "expected_calibration_error_p_value": float((by_chance >= error).mean()),
        "spiegelhalter_z": spiegelhalter,
        "spiegelhalter_p_value": float(2 * norm.sf(abs(spiegelhalter))),
        "hosmer_lemeshow": statistic,
        "hosmer_lemeshow_p_value": float(chi2.sf(statistic, int(groups.max()) + 1)),
        **murphy(pd, defaulted, bins),
        "groups": [_group(pd[groups == place], defaulted[groups == place]) for place in range(int(groups.max()) + 1)],
    }


def _group(pd: Matrix, defaulted: Mask) -> dict[str, Any]:
    """What was promised to firms of like PD and what was seen, with the exact 95 % interval of Clopper and Pearson."""
    rows, defaults = len(pd), int(defaulted.sum())
    ends = binomtest(defaults, rows).proportion_ci(method="exact")
    rate = Estimate(value=defaults / rows, lower=float(ends.low), upper=float(ends.high))
    return {"rows": rows, "defaults": defaults, "mean_pd": float(pd.mean()), "default_rate": rate.model_dump()}


def murphy(pd: Matrix, defaulted: Mask, bins: Ints) -> dict[str, float]:
    """The Brier score and what it is made of by Murphy (1973): uncertainty - resolution + reliability, over bins of
    equal mass; `brier_within_bins` is what bins do not tell, so that the four sum to the score. Its skill is against
    saying the rate to everybody."""
    rate, score = float(defaulted.mean()), float(brier_score_loss(defaulted, pd))
    counts = np.bincount(bins)
    said, seen = (np.bincount(bins, weights=values) / counts for values in (pd, defaulted.astype(np.float64)))
    reliability = float((counts * (said - seen) ** 2).sum() / len(pd))
    resolution = float((counts * (seen - rate) ** 2).sum() / len(pd))
    uncertainty = rate * (1 - rate)
    return {
        "brier": score,
        "brier_reliability": reliability,
        "brier_resolution": resolution,
        "brier_uncertainty": uncertainty,
        "brier_within_bins": score - (uncertainty - resolution + reliability),
        "brier_skill": 1 - score / uncertainty,
    }


def equal_groups(pd: Matrix, count: int) -> Ints:
    """The group (n; from 0) of each PD, so that groups hold about as many rows each; equal PDs share one."""
    inner = np.unique(np.quantile(pd, np.linspace(0, 1, count + 1)[1:-1]))
    place = np.searchsorted(inner, pd, side="right")
    return np.asarray(np.unique(place, return_inverse=True)[1], dtype=np.int64)


def calibration_error(pd: Matrix, outcomes: Mask, bins: Ints) -> Matrix:
    """Expected calibration error of PDs (n) for several sets of outcomes (m, n): the mean distance of what was said and
    seen, over bins weighted by their rows."""
    members = (bins[:, None] == np.arange(int(bins.max()) + 1)).astype(np.float64)
    gap = (outcomes.astype(np.float64) - pd) @ members
    return np.asarray(np.abs(gap).sum(axis=1) / len(pd))


def cohorts(slices: Sequence[HeldOut]) -> list[dict[str, Any]]:
    """A line for each observation time of some slices."""
    rows = []
    for held in slices:
        for stamp in np.unique(held.as_of):
            chosen = held.as_of == stamp
            rows.append({"as_of": f"{stamp}Z", **promised_and_seen(held.pd[chosen], held.defaulted[chosen])})
    return rows


def _simulated_errors(pd: Matrix, bins: Ints, *, seed: int) -> Matrix:
    """The error where the PDs are exactly true."""
    rng = np.random.default_rng(seed)
    drawn = [
        calibration_error(pd, rng.random((SIMULATED_TOGETHER, len(pd))) < pd, bins)
        for _ in range(SIMULATIONS // SIMULATED_TOGETHER)
    ]
    return np.concatenate(drawn)


def _spiegelhalter(pd: Matrix, defaulted: Mask) -> float:
    """Spiegelhalter's z (1986): the Brier score against what it would be were the PDs true."""
    missed = ((defaulted - pd) * (1 - 2 * pd)).sum()
    return float(missed / math.sqrt(((1 - 2 * pd) ** 2 * pd * (1 - pd)).sum()))


def _hosmer_lemeshow(pd: Matrix, defaulted: Mask, groups: Ints) -> float:
    """Chi-squared of Hosmer and Lemeshow over groups, on rows that nothing was fitted on: as many degrees as groups."""
    counts = np.bincount(groups)
    said, seen = (np.bincount(groups, weights=values) for values in (pd, defaulted.astype(np.float64)))
    return float(((seen - said) ** 2 / (said * (1 - said / counts))).sum())
