"""A reference idle cover, and the true distribution of what it pays, by division: nested simulation of a season.

The cover pays when the operating rate of a division's firms over a season falls short of a share of what it was in the
same season a year before: payout = min(max((d U_ref - U) / (d U_ref), 0), cap), a share of the sum insured. A reference
portfolio of firms that live lives through the world up to the season; from there the season is lived again along many
paths, each with industries, health and luck of its own. Buyers keep their fate.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from simulator.block import Block, BlockState, Laws, build_block, opening, step
from simulator.credit.structural import Engine
from simulator.factory.machine_month import EXECUTING, MachineMonth
from simulator.firms.obligors import Health
from simulator.parameter_values import HealthParameters, IdleCoverParameters
from simulator.streams import Streams
from simulator.world_calendar import QUARTERS_PER_DAY, Month

PORTFOLIO = 2_000_000
"""The reference portfolio is a block that no world has."""
NO_DEFAULT_LOG_ODDS = -60.0
YEAR = 12
QUANTILES = (0.5, 0.9, 0.95, 0.99)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Season:
    """Where the reference portfolio stands when the season begins, and what its divisions did a year before."""

    block: Block
    state: BlockState
    months: tuple[Month, ...]
    reference_rate: Floats
    """By industry: the operating rate of the same season a year before; NaN for a division without a firm."""


def payout_table(laws: Laws, *, paths: int) -> pa.Table:
    """A row for each division: the distribution of the cover's payout in the world's last season, over `paths`.

    Columns: the reference rate, the chance to pay, mean, standard deviation and quantiles of the payout (shares of the
    sum insured), the standard error of the mean, and the number of paths. Needs a world of a season and a year.
    """
    cover = laws.parameters.idle_cover
    reference, rates = season_rates(laws, paths=paths)
    payouts = payout_share(rates, reference[None, :], cover=cover)
    has_firms = ~np.isnan(reference)
    found = payouts[:, has_firms]
    divisions = [name for name, has in zip(laws.parameters.industries, has_firms, strict=True) if has]
    return pa.table(
        {
            "industry_division": pa.array(divisions),
            "reference_operating_rate": reference[has_firms],
            "chance_to_pay": (found > 0).mean(axis=0),
            "mean_payout": found.mean(axis=0),
            "payout_sd": found.std(axis=0, ddof=1),
            "standard_error": found.std(axis=0, ddof=1) / np.sqrt(paths),
            **{f"payout_q{round(100 * share)}": np.quantile(found, share, axis=0) for share in QUANTILES},
            "paths": np.full(len(divisions), paths),
        }
    )


def season_rates(laws: Laws, *, paths: int) -> tuple[Floats, Floats]:
    """By industry: the operating rate of the season a year before, and (paths, industries) those of the world's last
    season lived again; NaN for a division without a firm."""
    season = _begin(laws)
    return season.reference_rate, np.stack([_lived_again(season, laws, path=path) for path in range(paths)])


def portfolio_firms(laws: Laws) -> Ints:
    """By industry: how many firms the reference portfolio has."""
    firms = build_block(PORTFOLIO, laws.parameters.idle_cover.portfolio_firms, _calm(laws)).firms
    return np.bincount(firms.industry, minlength=len(laws.parameters.industries))


def payout_share(rate: Floats, reference: Floats, *, cover: IdleCoverParameters) -> Floats:
    """What the cover pays, as a share of the sum insured, at an operating rate beside its reference."""
    trigger = cover.trigger_share * reference
    return np.asarray(np.clip((trigger - rate) / trigger, 0.0, cover.cap_share))


def _begin(laws: Laws) -> Season:
    """Live up to the season, and note the operating rates of the season a year before."""
    cover, months = laws.parameters.idle_cover, laws.calendar.months
    assert len(months) >= YEAR + cover.season_months, "a world shorter than a season and the year before it"
    calm = _calm(laws)
    block = build_block(PORTFOLIO, cover.portfolio_firms, calm)
    state = opening(block, calm).state
    first = len(months) - cover.season_months
    year_before = []
    for month in months[:first]:
        state, told = step(block, month, state, calm)
        if first - YEAR <= month.position < first - YEAR + cover.season_months:
            year_before.append(told.machines)
    return Season(
        block=block, state=state, months=months[first:], reference_rate=_operating_rates(block, year_before, laws)
    )


def _calm(laws: Laws) -> Laws:
    """The laws of firms that live, with a machine each."""
    machines = replace(laws.parameters.machines, mean_count=1.0)
    return replace(
        laws,
        engine=Engine.REDUCED_FORM,
        world=replace(laws.world, default_offsets=(NO_DEFAULT_LOG_ODDS,)),
        parameters=replace(laws.parameters, machines=machines),
    )


def _lived_again(season: Season, laws: Laws, *, path: int) -> Floats:
    """By industry: the operating rate of the season along one path."""
    streams = Streams(int(laws.streams.of("idle_cover.path", path).integers(2**62)))
    health, first = laws.parameters.health, season.months[0].position + 1
    states = _industries_again(laws.industry_states, health, first=first, streams=streams)
    draws = streams.of("firm.health").standard_normal(season.block.health.health.shape)
    again = _again(season.block.health.health, draws, persistence=health.persistence, first=first)
    block = replace(season.block, health=Health(health=again, industry_state=states[season.block.firms.industry]))
    own = replace(laws, streams=streams, industry_states=states)
    state, lived = season.state, []
    for month in season.months:
        state, told = step(block, month, state, own)
        lived.append(told.machines)
    return _operating_rates(block, lived, laws)


def _industries_again(states: Floats, health: HealthParameters, *, first: int, streams: Streams) -> Floats:
    """The industry states with the months from column `first` on drawn anew."""
    common = streams.of("industry.common").standard_normal((1, states.shape[1]))
    own = streams.of("industry.own").standard_normal(states.shape)
    share = health.industry_common_share
    draws = np.sqrt(share) * common + np.sqrt(1.0 - share) * own
    return _again(states, draws, persistence=health.industry_persistence, first=first)


def _again(paths: Floats, draws: Floats, *, persistence: float, first: int) -> Floats:
    again = paths.copy()
    for column in range(first, paths.shape[1]):
        again[:, column] = persistence * again[:, column - 1] + np.sqrt(1.0 - persistence**2) * draws[:, column]
    return again


def _operating_rates(block: Block, months: list[MachineMonth], laws: Laws) -> Floats:
    """By industry: executing over owned time, what the gateways saw or not."""
    industry, count = block.firms.industry[block.machines.firm], len(laws.parameters.industries)
    executing, owned = np.zeros(count), np.zeros(count)
    for month in months:
        executing += np.bincount(industry, weights=month.done[EXECUTING].sum(axis=1), minlength=count)
        owned += np.bincount(industry, weights=QUARTERS_PER_DAY * month.is_reported.sum(axis=1), minlength=count)
    rates: Floats = np.divide(executing, owned, out=np.full(count, np.nan), where=owned > 0)
    return rates
