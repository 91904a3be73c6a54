"""How an actuary judges a tariff: actual to expected by band, double lift, ordered Lorenz, Gini, Murphy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scoring.cards import Estimate
from scoring.experience import actual_to_expected
from scoring.insurance.linear import Banding
from scoring.training.metrics import Z_95, poisson_deviances

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class BandFigures:
    """One band: its name, exposure, observed and expected claims, and their ratio with its exact Poisson interval.

    `clustered` is the same ratio with the interval of claims that come in clusters (negative binomial).
    """

    name: str
    exposure: float
    claims: int
    expected: float
    ratio: Estimate
    clustered: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class DoubleLift:
    """Bands of the ratio of two models: what was observed a unit of exposure, and what either model expected."""

    ratio: Vector
    observed: Vector
    first: Vector
    second: Vector


def by_decile(
    logs: Vector, counts: Vector, exposure: Vector, *, bands: int = 10, dispersion: float = 0.0
) -> tuple[BandFigures, ...]:
    """A/E in bands of equal exposure of the prediction `logs` (n), lowest first.

    A row of mean m is taken to vary by m + `dispersion` m^2, as a negative binomial fitted elsewhere says.
    """
    place = equal_bands(logs, exposure, bands=bands)
    names = [str(at + 1) for at in range(bands)]
    return _figures(_judged(logs, counts, exposure, dispersion=dispersion), place, names)


def by_factor(
    banding: Banding, column: Vector, logs: Vector, counts: Vector, exposure: Vector, *, dispersion: float = 0.0
) -> tuple[BandFigures, ...]:
    """A/E in the bands of a rating factor; bands without exposure are left out. `dispersion` as in `by_decile`."""
    rows = _judged(logs, counts, exposure, dispersion=dispersion)
    return _figures(rows, banding.places(column), banding.names())


def equal_bands(scores: Vector, weights: Vector, *, bands: int) -> NDArray[np.int64]:
    """The band (0 to bands - 1) of each row, of about equal weight, by rising score."""
    order = np.argsort(scores, kind="stable")
    middle = np.cumsum(weights[order]) - weights[order] / 2
    found = np.empty(len(scores), dtype=np.int64)
    found[order] = np.minimum(middle / weights.sum() * bands, bands - 1).astype(np.int64)
    return found


def double_lift(first: Vector, second: Vector, costs: Vector, exposure: Vector, *, bands: int = 10) -> DoubleLift:
    """Rows sorted by first / second, in bands of equal exposure: the better model follows what was observed."""
    place = equal_bands(first / second, exposure, bands=bands)
    mass, *sums = (
        np.bincount(place, weights=column, minlength=bands)
        for column in (exposure, costs, exposure * first, exposure * second)
    )
    observed, by_first, by_second = (total / mass for total in sums)
    return DoubleLift(ratio=by_first / by_second, observed=observed, first=by_first, second=by_second)


def ordered_lorenz(scores: Vector, costs: Vector, exposure: Vector) -> tuple[Vector, Vector]:
    """Shares of exposure and of costs, risks sorted from low score to high; both start at 0 and end at 1."""
    order = np.argsort(scores, kind="stable")
    return tuple(  # type: ignore[return-value]
        np.concatenate([[0.0], np.cumsum(column[order]) / column.sum()]) for column in (exposure, costs)
    )


def gini(scores: Vector, costs: Vector, exposure: Vector) -> float:
    """Twice the area between the ordered Lorenz curve and the diagonal: 0 where the order tells nothing."""
    shares, lorenz = ordered_lorenz(scores, costs, exposure)
    return float(1 - 2 * np.trapezoid(lorenz, shares))


def concentration_gap(means: Vector, costs: Vector, exposure: Vector) -> float:
    """Area between the concentration curve of costs and the Lorenz curve of premiums, both by rising premium.

    0 for an autocalibrated premium (Denuit, Sznajder and Trufin 2019): at every level it earns what it costs.
    """
    shares, observed = ordered_lorenz(means, costs, exposure)
    _, premium = ordered_lorenz(means, means * exposure, exposure)
    return float(np.trapezoid(observed - premium, shares))


def murphy(means: Vector, counts: Vector, exposure: Vector, thresholds: Vector) -> Vector:
    """The mean elementary score at each threshold (k): lower everywhere is better under every consistent loss.

    Ehm, Gneiting, Jordan and Krueger (2016): S(x, y) = |y - t| where t lies between forecast and outcome, else 0.
    """
    rates = counts / exposure
    low, high = np.minimum(means, rates), np.maximum(means, rates)
    scores = [float(exposure @ (np.abs(rates - at) * ((low <= at) & (at < high)))) for at in thresholds]
    return np.array(scores) / float(exposure.sum())


def paired_gain(counts: Vector, expected: Vector, rival: Vector) -> Estimate:
    """By how much the mean deviance a row falls from the rival to the model, with its paired 95 % interval."""
    gains = poisson_deviances(counts, rival) - poisson_deviances(counts, expected)
    half = Z_95 * float(gains.std(ddof=1)) / len(gains) ** 0.5
    mean = float(gains.mean())
    return Estimate(value=mean, lower=mean - half, upper=mean + half)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judged:
    """Rows (n): exposure, claims, expected claims, and the variance of the claims by the dispersion."""

    exposure: Vector
    counts: Vector
    expected: Vector
    variance: Vector


def _judged(logs: Vector, counts: Vector, exposure: Vector, *, dispersion: float) -> _Judged:
    expected = exposure * np.exp(logs)
    return _Judged(exposure=exposure, counts=counts, expected=expected, variance=expected + dispersion * expected**2)


def _figures(rows: _Judged, place: NDArray[np.int64], names: Sequence[str]) -> tuple[BandFigures, ...]:
    mass, claims, expected, variance = (
        np.bincount(place, weights=column, minlength=len(names))
        for column in (rows.exposure, rows.counts, rows.expected, rows.variance)
    )
    made = []
    for at in np.flatnonzero(mass > 0).tolist():
        count, mean = int(claims[at]), float(expected[at])
        made.append(
            BandFigures(
                name=names[at],
                exposure=float(mass[at]),
                claims=count,
                expected=mean,
                ratio=actual_to_expected(count, mean),
                clustered=actual_to_expected(count, mean, spread=float(variance[at]) / mean),
            )
        )
    return tuple(made)
