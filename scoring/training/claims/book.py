"""An insurer's own policies and claims: read, held against each other, and refused by name where they contradict.

The rules, each counted in the card where it touched a row:

* Exposure is a column, or the days from start to end, both inclusive, over 365. A policy that ended before its term
  (the machine was sold) counts until the day it ended.
* A claim without payment (amount 0) is left out of counts and amounts.
* Negative claims, claims without a policy, exposure of 0 and less, policies of one machine that overlap, amounts in
  more than one currency, and a missing hour meter where exposure is hours, are errors: each would price somebody wrong.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scoring.errors import TableInvalid
from scoring.training.table.reading import read_frame

DAYS_A_YEAR = 365
Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimsQuestion:
    """Which column says what. `exposure` names a column in `exposure_unit` (a year, or an hour of operation); without
    it `starts` and `ends` are read, and `ended` where policies can end early. `machine` is checked for overlaps and
    joins what belongs together, unless `group` names another column for that."""

    policies: Path
    claims: Path
    policy: str = "policy_id"
    amount: str = "amount"
    exposure: str | None = None
    exposure_unit: str = "year"
    starts: str = "starts"
    ends: str = "ends"
    ended: str | None = None
    machine: str | None = None
    group: str | None = None
    currency: str | None = None
    exclude: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClaimsBook:
    """Policies (n): factors to learn from, exposure, claims and their cost; each claim's policy (m) and amount (m)."""

    factors: pd.DataFrame
    exposure: Vector
    counts: Vector
    costs: Vector
    claim_policy: NDArray[np.int64]
    amounts: Vector
    groups: tuple[str, ...]
    currency: str
    rules: dict[str, int]
    policies_sha256: str
    claims_sha256: str


def read_book(asked: ClaimsQuestion) -> ClaimsBook:
    """Read both files. Raises TableInvalid, naming file, row and value at fault."""
    policies, claims = read_frame(asked.policies), read_frame(asked.claims)
    _require(policies, asked.policies.name, _policy_columns(asked))
    _require(claims, asked.claims.name, (asked.policy, asked.amount))
    _unique(policies, asked)
    exposure, cut = _exposure(policies, asked)
    at, amounts, unpaid = _claims(policies, claims, asked)
    named = {*_policy_columns(asked), *asked.exclude, asked.currency, asked.ended}
    factors = policies.drop(columns=[name for name in policies.columns if name in named])
    if not len(factors.columns):
        raise TableInvalid(f"{asked.policies.name} has no rating factor beside the named columns.")
    group = asked.group or asked.machine or asked.policy
    return ClaimsBook(
        factors=factors,
        exposure=exposure,
        counts=np.bincount(at, minlength=len(policies)).astype(np.float64),
        costs=np.bincount(at, weights=amounts, minlength=len(policies)).astype(np.float64),
        claim_policy=at,
        amounts=amounts,
        groups=tuple(policies[group].astype(str)),
        currency=_currency(policies, claims, asked),
        rules={"claims_without_payment": unpaid, "policies_ended_early": cut},
        policies_sha256=hashlib.sha256(asked.policies.read_bytes()).hexdigest(),
        claims_sha256=hashlib.sha256(asked.claims.read_bytes()).hexdigest(),
    )


def _policy_columns(asked: ClaimsQuestion) -> tuple[str, ...]:
    time = (asked.exposure,) if asked.exposure else (asked.starts, asked.ends)
    return tuple(dict.fromkeys(filter(None, (asked.policy, *time, asked.machine, asked.group))))


def _require(frame: pd.DataFrame, name: str, columns: Sequence[str]) -> None:
    for column in columns:
        if column not in frame.columns:
            raise TableInvalid(
                f"{name} has no column {column!r}.", hint=f"Its columns are: {', '.join(frame.columns)}."
            )
    if not len(frame):
        raise TableInvalid(f"{name} has no rows.")


def _unique(policies: pd.DataFrame, asked: ClaimsQuestion) -> None:
    repeated = policies[asked.policy][policies[asked.policy].duplicated()]
    if len(repeated):
        raise TableInvalid(
            f"{asked.policies.name} names policy {repeated.iloc[0]!r} twice.",
            hint="One row a policy and term: give the terms of a renewed policy ids of their own.",
        )


def _exposure(policies: pd.DataFrame, asked: ClaimsQuestion) -> tuple[Vector, int]:
    """Exposure of each policy, and how many were cut by an early end."""
    if asked.exposure:
        column = pd.to_numeric(policies[asked.exposure], errors="coerce")
        unknown = np.flatnonzero(column.isna())
        if len(unknown):
            raise TableInvalid(
                f"{asked.exposure} of policy {policies[asked.policy].iloc[unknown[0]]!r} is missing or no number "
                f"({len(unknown)} rows).",
                hint="Read the hour meter, or leave these policies out: nothing says what was at risk.",
            )
        exposure, cut = column.to_numpy(dtype=np.float64), 0
    else:
        starts, ends, cut = _terms(policies, asked)
        _no_overlaps(policies, starts, ends, asked)
        exposure = ((ends - starts).days.to_numpy() + 1) / DAYS_A_YEAR
    nothing = np.flatnonzero(~(exposure > 0))
    if len(nothing):
        raise TableInvalid(
            f"Policy {policies[asked.policy].iloc[nothing[0]]!r} has an exposure of {exposure[nothing[0]]:g} "
            f"({len(nothing)} rows).",
            hint="A policy that was never in force is no policy: leave it out.",
        )
    return exposure, cut


def _terms(policies: pd.DataFrame, asked: ClaimsQuestion) -> tuple[pd.DatetimeIndex, pd.DatetimeIndex, int]:
    starts, ends = (_days(policies[name]) for name in (asked.starts, asked.ends))
    if asked.ended is None:
        return starts, ends, 0
    _require(policies, asked.policies.name, (asked.ended,))
    early = pd.DatetimeIndex(pd.to_datetime(policies[asked.ended], errors="coerce"))
    is_cut = early.notna() & (early < ends)
    return starts, ends.where(~is_cut, early), int(is_cut.sum())


def _days(column: pd.Series) -> pd.DatetimeIndex:
    try:
        found = pd.DatetimeIndex(pd.to_datetime(column, format="ISO8601"))
    except (ValueError, TypeError) as error:
        raise TableInvalid(f"{column.name} cannot be read as days: {error}.", hint="Days are 2024-03-31.") from error
    if found.isna().any():
        raise TableInvalid(f"{column.name} is empty in row {int(np.flatnonzero(found.isna())[0]) + 1}.")
    return found


def _no_overlaps(
    policies: pd.DataFrame, starts: pd.DatetimeIndex, ends: pd.DatetimeIndex, asked: ClaimsQuestion
) -> None:
    if asked.machine is None:
        return
    terms = pd.DataFrame(
        {
            "machine": policies[asked.machine].astype(str),
            "starts": starts,
            "ends": ends,
            "policy": policies[asked.policy],
        }
    ).sort_values(["machine", "starts"], kind="stable")
    same = terms["machine"].eq(terms["machine"].shift())
    over = same & (terms["starts"] <= terms["ends"].shift())
    if over.any():
        at = int(np.flatnonzero(over)[0])
        later, earlier = terms.iloc[at], terms.iloc[at - 1]
        raise TableInvalid(
            f"Machine {later['machine']} is covered by {earlier['policy']!r} until {earlier['ends'].date()} and by "
            f"{later['policy']!r} from {later['starts'].date()}.",
            hint="A machine-day counts once: end the one policy before the other begins.",
        )


def _claims(
    policies: pd.DataFrame, claims: pd.DataFrame, asked: ClaimsQuestion
) -> tuple[NDArray[np.int64], Vector, int]:
    """Each paid claim's policy and amount, and how many claims were not paid."""
    amounts = pd.to_numeric(claims[asked.amount], errors="coerce")
    wrong = np.flatnonzero(~(amounts >= 0))
    if len(wrong):
        raise TableInvalid(
            f"{asked.claims.name} has an amount of {claims[asked.amount].iloc[wrong[0]]} in row {wrong[0] + 1} "
            f"({len(wrong)} rows).",
            hint="Claims are 0 or more, recoveries netted: a negative one lowers somebody's premium by an accident.",
        )
    place = pd.Series(np.arange(len(policies)), index=policies[asked.policy])
    at = claims[asked.policy].map(place)
    lost = np.flatnonzero(at.isna())
    if len(lost):
        raise TableInvalid(
            f"{asked.claims.name} has a claim of policy {claims[asked.policy].iloc[lost[0]]!r}, which is no policy "
            f"({len(lost)} rows).",
            hint="A claim counts against the exposure of its policy: bring the policy, or leave the claim out.",
        )
    paid = (amounts > 0).to_numpy()
    return at.to_numpy()[paid].astype(np.int64), amounts.to_numpy(dtype=np.float64)[paid], int((~paid).sum())


def _currency(policies: pd.DataFrame, claims: pd.DataFrame, asked: ClaimsQuestion) -> str:
    if asked.currency is None:
        return "unnamed"
    found: set[str] = set()
    for frame in (policies, claims):
        if asked.currency in frame.columns:
            found |= set(frame[asked.currency].astype(str))
    if len(found) != 1:
        raise TableInvalid(
            f"Amounts are in {', '.join(sorted(found)) or 'no currency'}.",
            hint="A mean of two currencies is of none: convert at the day of the claim, or fit one book each.",
        )
    return found.pop()
