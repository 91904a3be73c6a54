"""Whether a series changed its mean once, and downwards: exact Bayes over all places of the change.

Segments are normal with unknown mean and variance under one conjugate prior (normal-inverse-gamma), so that the
marginal likelihood of each is closed (Murphy, Conjugate Bayesian analysis of the Gaussian distribution, 2007, eq. 203);
the change is as likely to have happened as not, and equally likely at each place.
"""

from __future__ import annotations

import numpy as np
from scipy.special import gammaln, logsumexp

from features.history import Array

PRIOR_WEIGHT = 0.1
"""Points that the prior mean (that of the whole series) weighs as much as."""

PRIOR_SHAPE = 1.0
PRIOR_SPREAD = 0.05
"""The standard deviation within a segment that the prior expects: five points of an operating rate."""

LEAST = 3
"""Points that each segment must hold."""

PRIOR_CHANGE = 0.5


def down_probability(series: Array) -> Array:
    """Posterior probability that the mean of each row changed once and is lower after than before; NaN with fewer than
    twice `LEAST` known points. Unknown points are passed over."""
    known = ~np.isnan(series)
    values = np.where(known, series, 0.0)
    count, total = known.cumsum(axis=1).astype(np.float64), values.cumsum(axis=1)
    squares = (values**2).cumsum(axis=1)
    enough = count[:, -1] >= 2 * LEAST
    centre = np.divide(total[:, -1], count[:, -1], out=np.zeros(len(series)), where=count[:, -1] > 0)
    whole = _log_evidence(count[:, -1:], total[:, -1:], squares[:, -1:], centre)[:, 0]
    left = np.stack([count, total, squares])[:, :, :-1]
    right = np.stack([count, total, squares])[:, :, -1:] - left
    evidence = _log_evidence(left[0], left[1], left[2], centre) + _log_evidence(right[0], right[1], right[2], centre)
    # A place where the point after is unknown is the same split as the one before it.
    allowed = (left[0] >= LEAST) & (right[0] >= LEAST) & known[:, :-1]
    places = np.maximum(allowed.sum(axis=1), 1)
    falls = allowed & (right[1] * left[0] < left[1] * right[0])
    changed = np.where(allowed, evidence, -np.inf)
    fell = np.where(falls, evidence, -np.inf)
    split = np.log(PRIOR_CHANGE) - np.log(places)
    log_all = logsumexp(np.column_stack([whole + np.log1p(-PRIOR_CHANGE), changed + split[:, None]]), axis=1)
    with np.errstate(divide="ignore"):
        log_fell = logsumexp(np.column_stack([np.full(len(series), -np.inf), fell + split[:, None]]), axis=1)
    return np.where(enough, np.exp(log_fell - log_all), np.nan)


def _log_evidence(count: Array, total: Array, squares: Array, centre: Array) -> Array:
    """Log marginal likelihood of segments with so many points, their sum and their sum of squares."""
    mean = np.divide(total, count, out=np.zeros_like(total), where=count > 0)
    spread = np.maximum(squares - count * mean**2, 0.0)
    weight, shape = PRIOR_WEIGHT + count, PRIOR_SHAPE + count / 2
    scale = PRIOR_SHAPE * PRIOR_SPREAD**2
    after = scale + spread / 2 + PRIOR_WEIGHT * count * (mean - centre[:, None]) ** 2 / (2 * weight)
    return np.asarray(
        gammaln(shape)
        - gammaln(PRIOR_SHAPE)
        + PRIOR_SHAPE * np.log(scale)
        - shape * np.log(after)
        + 0.5 * (np.log(PRIOR_WEIGHT) - np.log(weight))
        - 0.5 * count * np.log(2 * np.pi)
    )
