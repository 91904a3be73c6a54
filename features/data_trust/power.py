"""Power, time and parts of machines against their own past and future: each fraud on them leaves a pattern of its own.

Several ratios must move together, so that what has an innocent cause of its own (another product, a heavier cut, a new
spindle) is none yet.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import numpy as np

from features.data_trust.codes import TrustCode
from features.data_trust.measured import NO_DAY, Bools, Check, Floats, Measured, WhenAsked, ever
from features.data_trust.spells import BLOCK_DAYS, Pattern, Series, Spell, least, series, strongest
from features.data_trust.told import Told, or_nothing
from features.history import Level

LEAST_EXECUTING_HOURS, LEAST_IDLE_HOURS, LEAST_KWH = 4.0, 1.0, 1.0
"""In a week, for its ratios to be taken."""
LEAST_SD = 0.01
"""Log points: no ratio of a real machine is steadier from week to week; electricity meters are of class 1."""
_HOUR = 3600.0


PATTERNS: Mapping[str, Pattern] = {
    # Air-cutting: executing power and parts attempted per executing hour fall together.
    TrustCode.NO_LOAD_EXECUTION: lambda z: least(-z["parts_per_hour"], -z["executing_kw"]),
    # A dummy load: idle and executing power rise together, parts attempted per kWh fall.
    TrustCode.LOAD_WITHOUT_OUTPUT: lambda z: least(z["idle_kw"], z["executing_kw"], -z["parts_per_kwh"]),
    # A spoofed counter: parts attempted rise both per executing hour and per kWh.
    TrustCode.COUNTER_AHEAD_OF_ENERGY: lambda z: least(z["parts_per_hour"], z["parts_per_kwh"]),
}


def power_and_parts(told: Told) -> dict[Check, Measured]:
    """Each pattern's strongest spell, of every machine and of every obligor's machines together, in standard errors.

    The patterns are readings of the same ratios, and the time after one of them may look like another: of a unit only
    the strongest counts, the others are explained by it.
    """
    named = ratios(told)
    found = {}
    for level, spells in zip(
        (Level.MACHINE, Level.OBLIGOR),
        strongest(named, PATTERNS, owner=told.owner, owners=len(told.obligor_ids)),
        strict=True,
    ):
        most = np.fmax.reduce([spell.z for spell in spells.values()])
        for name, spell in spells.items():
            explained = np.where(spell.z < most, np.minimum(spell.z, 0.0), spell.z)
            found[Check(TrustCode(name), level)] = _measured(told, level, replace(spell, z=explained), named)
    return found


def ratios(told: Told) -> dict[str, Series]:
    """The ratios of each row by week. Parts attempted are good ones and, where it is told, scrap: worn parts make more
    scrap, and no machine attempts more for it."""
    measures = told.measures
    executing, idle = measures["executing_seconds"] / _HOUR, measures["idle_seconds"] / _HOUR
    executing_kwh, idle_kwh = measures["energy_executing_kwh"], measures["energy_idle_kwh"]
    attempted = measures["parts"] + or_nothing(measures["scrap_parts"])
    return {
        "parts_per_hour": series(attempted, executing, least_base=LEAST_EXECUTING_HOURS, least_sd=LEAST_SD),
        "parts_per_kwh": series(attempted, executing_kwh, least_base=LEAST_KWH, least_sd=LEAST_SD),
        "executing_kw": series(executing_kwh, executing, least_base=LEAST_EXECUTING_HOURS, least_sd=LEAST_SD),
        "idle_kw": series(idle_kwh, idle, least_base=LEAST_IDLE_HOURS, least_sd=LEAST_SD),
    }


def _measured(told: Told, level: Level, spell: Spell, named: Mapping[str, Series]) -> Measured:
    has_source = _has_source(told)
    return Measured(
        statistic=spell.z,
        since=np.where(np.isnan(spell.z), NO_DAY, told.days % BLOCK_DAYS + spell.first * BLOCK_DAYS),
        has_source=has_source if level is Level.MACHINE else told.by_obligor(has_source.astype(np.float64)) > 0,
        evidence=WhenAsked(partial(_evidence, told, named, spell, level)),
    )


def _evidence(told: Told, named: Mapping[str, Series], spell: Spell, level: Level) -> dict[str, Floats]:
    """How long the spell lasts and each ratio in it; of a machine also whether tools and scrap follow the work told; of
    an obligor the mean change over its machines."""
    found = {"weeks": (spell.last - spell.first).astype(np.float64)}
    if level is Level.MACHINE:
        found |= _wear(told, spell)
        for name, one in named.items():
            inside, outside = one.inside(spell.first, spell.last)
            found |= {f"{name}_then": np.exp(inside), f"{name}_otherwise": np.exp(outside)}
        return found
    for name, one in named.items():
        inside, outside = one.inside(spell.first[told.owner], spell.last[told.owner])
        change = inside - outside
        number = told.by_obligor((~np.isnan(change)).astype(np.float64))
        mean = told.by_obligor(change) / np.where(number > 0, number, np.nan)
        found[f"{name}_ratio"] = np.exp(mean)
    return found


def _wear(told: Told, spell: Spell) -> dict[str, Floats]:
    """Tools changed per 100 executing hours, and scrap per part attempted, in the spell and otherwise; NaN where no
    report tells them."""
    measures = told.measures
    within = spell.covers(told.days)
    hours = measures["executing_seconds"] / _HOUR
    attempted = measures["parts"] + measures["scrap_parts"]
    found = {}
    for when, days in (("then", within), ("otherwise", ~within)):
        found[f"tools_per_100_hours_{when}"] = 100.0 * _share(measures["tool_changes"], hours, days)
        found[f"scrap_share_{when}"] = _share(measures["scrap_parts"], attempted, days)
    return found


def _share(part: Floats, whole: Floats, days: Bools) -> Floats:
    """(row,): part of the whole over the days on which both were told."""
    said = days & ~np.isnan(part) & ~np.isnan(whole)
    below = np.where(said, whole, 0.0).sum(axis=1)
    return np.where(below > 0, np.where(said, part, 0.0).sum(axis=1) / np.where(below > 0, below, 1.0), np.nan)


def _has_source(told: Told) -> Bools:
    return ever(told.measures["parts"]) & ever(told.measures["energy_executing_kwh"])
