"""Bills of a whole book at once: the same lines as one bill, in arrays, summing to the minor unit in every row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scoring.errors import InvalidRequest
from scoring.insurance.build_up import (
    ATTRITIONAL,
    CATASTROPHE,
    CREDIBILITY,
    FIXED,
    LARGE_LOSS,
    MINIMUM,
    NEUTRAL,
    TREND,
    WARRANTY,
    Loadings,
    RiskTerms,
)

Vector = NDArray[np.float64]
Amounts = NDArray[np.int64]

LARGEST_EXACT = 2.0**53


@dataclass(frozen=True, slots=True, kw_only=True)
class BookBills:
    """Bills of n policies in minor units: risk lines sum to the pure premium, and with the loadings to the gross."""

    risk: Mapping[str, Amounts]
    pure_premium_minor: Amounts
    loadings: Mapping[str, Amounts]
    gross_premium_minor: Amounts


def bills_of_book(
    modelled_minor: Vector,
    *,
    loadings: Loadings,
    terms: RiskTerms = NEUTRAL,
    credibility: Vector | None = None,
) -> BookBills:
    """The bills of what a model expects claims to cost (n, minor units, not yet rounded).

    As `bill_of_risk` row by row, in double instead of decimal arithmetic: rows can differ by one minor unit where an
    amount lies on a half. `credibility` (n) replaces the terms' one. Raises InvalidRequest for amounts that doubles do
    not hold to the unit, for loadings of 1 and more, and for modelled costs below 0.
    """
    shares = {name: float(share) for name, share in loadings.variable.items()}
    total = sum(shares.values())
    if not 0 <= total < 1:
        raise InvalidRequest(f"Variable loadings of {total} of the gross premium leave nothing for claims.")
    if not ((modelled_minor >= 0) & (modelled_minor < LARGEST_EXACT / 100)).all():
        raise InvalidRequest("A modelled cost is below 0, or above what is exact to the minor unit.")
    ratio = np.full(len(modelled_minor), float(terms.credibility)) if credibility is None else credibility
    credible = modelled_minor * ratio
    trended = credible * float(terms.trend)
    parts = {
        ATTRITIONAL: modelled_minor,
        CREDIBILITY: credible - modelled_minor,
        TREND: trended - credible,
        WARRANTY: -trended * float(terms.warranty),
        LARGE_LOSS: trended * float(terms.large_loss),
        CATASTROPHE: trended * float(terms.catastrophe),
    }
    used = {name: part for name, part in parts.items() if name == ATTRITIONAL or part.any()}
    pure = sum(used.values(), np.zeros(len(modelled_minor)))
    before_fixed = pure / (1 - total)
    pure_minor = np.rint(pure).astype(np.int64)
    asked = np.rint(before_fixed + loadings.fixed_minor).astype(np.int64)
    between = asked - pure_minor - loadings.fixed_minor
    lines = _apportioned({name: share * before_fixed for name, share in shares.items()}, between)
    rest = between if not shares else np.zeros_like(between)
    lines[FIXED] = np.full(len(asked), loadings.fixed_minor, dtype=np.int64) + rest
    short = np.maximum(loadings.minimum_minor - asked, 0)
    if short.any():
        lines[MINIMUM] = short
    return BookBills(
        risk=_apportioned(used, pure_minor),
        pure_premium_minor=pure_minor,
        loadings=lines,
        gross_premium_minor=asked + short,
    )


def _apportioned(parts: Mapping[str, Vector], total: Amounts) -> dict[str, Amounts]:
    """Parts as whole units that sum to the total in every row, by largest remainder, equal ones in order."""
    if not parts:
        return {}
    exact = np.stack(list(parts.values()))
    whole = np.floor(exact).astype(np.int64)
    rank = np.argsort(np.argsort(-(exact - whole), axis=0, kind="stable"), axis=0, kind="stable")
    left = total - whole.sum(axis=0)
    for_all, for_some = np.divmod(left, len(parts))
    made = whole + for_all + (rank < for_some)
    return dict(zip(parts, made, strict=True))
