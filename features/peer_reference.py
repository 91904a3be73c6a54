"""What an industry did, month by month, as known at an instant: a reduce over firms, frozen and named by its
content.

Each block of firms gives its `FirmMonths`; blocks put together give a `PeerReference`, which every firm is then
compared with. A figure rests on at least so many firms as the parameter `peer_firms` says: an industry with fewer in
a month is told as all industries together, and with fewer of those nothing is told.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.columns import ratio
from features.history import Array, DailyHistory
from features.new_year import restart_days, shutdown_days

MONTHS = 24
"""Complete calendar months that a reference tells: two years, so that each month has its like a year before."""

LEVELS = tuple(round(0.05 * step, 2) for step in range(21))
"""Quantile levels of a distribution: 0, 0.05, ..., 1."""

ALL = "all"
PEER_FORMAT = 1

Months = NDArray[np.datetime64]


@dataclass(frozen=True, slots=True, eq=False)
class FirmMonths:
    """Firms by calendar month: executing and observed seconds (firm, month), and their last Chinese New Year's rest."""

    obligor_ids: tuple[str, ...]
    months: Months
    executing: Array
    observed: Array
    shutdown: Array
    restart: Array

    @property
    def rates(self) -> Array:
        """Operating rates (firm, month); NaN where nothing was observed."""
        return ratio(self.executing, self.observed).values


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerGroup:
    """An industry, or all of them. By month, each None where too few firms were observed in it: how many firms there
    were, the quantiles of their operating rates at `LEVELS`, and the index, all their executing over all their observed
    time. The medians are of the rest around the last Chinese New Year."""

    firms: tuple[int, ...]
    quantiles: tuple[tuple[float, ...] | None, ...]
    index: tuple[float | None, ...]
    shutdown_median: float | None
    restart_median: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerReference:
    """The groups by division of GB/T 4754 (`ALL` for all), of `months` (YYYY-MM, oldest first), as known at `as_of`."""

    as_of: datetime
    least_firms: int
    months: tuple[str, ...]
    groups: Mapping[str, PeerGroup]

    def canonical(self) -> bytes:
        """Canonical JSON bytes."""
        body = {
            "format": PEER_FORMAT,
            "as_of": self.as_of.astimezone(UTC).isoformat(),
            "least_firms": self.least_firms,
            "months": list(self.months),
            "groups": {name: _plain(group) for name, group in self.groups.items()},
        }
        return json.dumps(body, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()

    @property
    def peer_reference_id(self) -> str:
        """SHA-256 of the canonical bytes, hex."""
        return hashlib.sha256(self.canonical()).hexdigest()

    def index_of(self, division: str | None) -> Array:
        """Operating rate of the industry by month, of all industries in months in which it has too few firms; NaN where
        these have too few, too."""
        own, every = self._index(division), self._index(ALL)
        return np.where(np.isnan(own), every, own)

    def quantiles_of(self, division: str | None, month: int) -> tuple[float, ...] | None:
        """Quantiles of a month: of the industry, of all where it has too few firms, None where these have."""
        for name in (division, ALL):
            group = self.groups.get(name or "")
            if group and group.quantiles[month] is not None:
                return group.quantiles[month]
        return None

    def median_of(self, division: str | None, what: str) -> float:
        """`shutdown_median` or `restart_median` of the industry, or of all; NaN where too few firms tell it."""
        for name in (division, ALL):
            found = getattr(self.groups.get(name or ""), what, None)
            if found is not None:
                return float(found)
        return float("nan")

    def _index(self, division: str | None) -> Array:
        group = self.groups.get(division or "")
        if group is None:
            return np.full(len(self.months), np.nan)
        return np.array([np.nan if value is None else value for value in group.index], dtype=np.float64)


def parse_peer_reference(raw: bytes) -> PeerReference:
    """The reference that `PeerReference.canonical` wrote."""
    body = json.loads(raw)
    assert body["format"] == PEER_FORMAT, "a peer reference of another format"
    return PeerReference(
        as_of=datetime.fromisoformat(body["as_of"]),
        least_firms=body["least_firms"],
        months=tuple(body["months"]),
        groups={name: _group(group) for name, group in body["groups"].items()},
    )


def complete_months(as_of: datetime) -> Months:
    """The last `MONTHS` calendar months that are over everywhere at `as_of`: those before the month of two days ago."""
    two_days_ago = np.datetime64(as_of.astimezone(UTC).date(), "D") - 2
    return np.asarray(two_days_ago.astype("datetime64[M]") - np.arange(MONTHS, 0, -1))


def firm_months(history: DailyHistory, months: Months) -> FirmMonths:
    """What a block of obligors did in each of `months`, from their history."""
    month_of_day = history.days.astype("datetime64[M]")
    position = (month_of_day - months[0]).astype(np.int64)
    inside = (position >= 0) & (position < len(months))
    cell = np.arange(len(history.units))[:, None] * len(months) + position

    def sums(values: Array) -> Array:
        found = np.bincount(cell[inside], weights=values[inside], minlength=len(history.units) * len(months))
        return np.asarray(found.reshape(len(history.units), len(months)), dtype=np.float64)

    return FirmMonths(
        history.units,
        months,
        sums(history.executing_seconds.values),
        sums(history.observed_seconds.values),
        shutdown_days(history),
        restart_days(history),
    )


def peer_reference(
    blocks: Iterable[FirmMonths], divisions: Mapping[str, str], *, as_of: datetime, least_firms: int
) -> PeerReference:
    """The reference of all blocks; `divisions` says in which industry each obligor is. The order of firms and blocks
    changes nothing beyond the last bit of the sums: firms are put in the order of their ids."""
    parts = list(blocks)
    firms = [obligor for part in parts for obligor in part.obligor_ids]
    order = np.argsort(np.array(firms, dtype=np.str_), kind="stable")
    months = parts[0].months if parts else complete_months(as_of)

    def together(name: str, width: tuple[int, ...]) -> Array:
        arrays = [getattr(part, name) for part in parts]
        return np.concatenate([np.empty((0, *width)), *arrays])[order]

    executing, observed = (together(name, (len(months),)) for name in ("executing", "observed"))
    rests = {name: together(name, ()) for name in ("shutdown", "restart")}
    industry = np.array([divisions.get(firms[at], "") for at in order], dtype=np.str_)
    groups = {}
    for name in [*sorted(set(industry.tolist()) - {""}), ALL]:
        own = np.ones(len(industry), dtype=np.bool_) if name == ALL else industry == name
        groups[name] = _reduced(
            executing[own], observed[own], {key: rest[own] for key, rest in rests.items()}, least_firms
        )
    return PeerReference(
        as_of=as_of, least_firms=least_firms, months=tuple(str(month) for month in months), groups=groups
    )


def _reduced(executing: Array, observed: Array, rests: Mapping[str, Array], least: int) -> PeerGroup:
    rates = ratio(executing, observed).values
    firms = (~np.isnan(rates)).sum(axis=0)
    enough = firms >= least
    quantiles = [
        tuple(np.nanquantile(rates[:, month], LEVELS).tolist()) if enough[month] else None
        for month in range(rates.shape[1])
    ]
    index = ratio(executing.sum(axis=0), observed.sum(axis=0)).values
    medians = {
        name: float(np.nanmedian(rest)) if (~np.isnan(rest)).sum() >= least else None for name, rest in rests.items()
    }
    return PeerGroup(
        firms=tuple(int(count) if told else 0 for count, told in zip(firms, enough, strict=True)),
        quantiles=tuple(quantiles),
        index=tuple(float(value) if told else None for value, told in zip(index, enough, strict=True)),
        shutdown_median=medians["shutdown"],
        restart_median=medians["restart"],
    )


def _plain(group: PeerGroup) -> dict[str, Any]:
    return {
        "firms": list(group.firms),
        "quantiles": [None if row is None else list(row) for row in group.quantiles],
        "index": list(group.index),
        "shutdown_median": group.shutdown_median,
        "restart_median": group.restart_median,
    }


def _group(body: Mapping[str, Any]) -> PeerGroup:
    quantiles: Sequence[Sequence[float] | None] = body["quantiles"]
    return PeerGroup(
        firms=tuple(body["firms"]),
        quantiles=tuple(None if row is None else tuple(row) for row in quantiles),
        index=tuple(body["index"]),
        shutdown_median=body["shutdown_median"],
        restart_median=body["restart_median"],
    )
