"""Strategies of faking at the frozen strengths of the simulated frauds, as changes of what a firm told, and their cost.

They are thorough: each is kept up over the half year before the look, which fills the windows that count most, and real
loads reach the bill as they would.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_contracts.contract import RecordKind
from features.machine_day.machine_days import ENERGIES
from features.what_if import Told
from scoring.recourse.telemetry import SECONDS_PER_HOUR, first_of, hours_later, longer_days, recent_rows, totals
from simulator.frauds.plan import Code
from simulator.parameter_values import load_parameters
from simulator.world import PARAMETERS_AS_OF

DAYS = 180
"""The half year before the look."""
TARIFF_MINOR = 80
"""A kilowatt-hour costs 0.80 yuan."""
OVERTIME_MINOR = 2_000
"""An hour of a machine's crew beyond the usual day costs 20 yuan more."""
EDIT_MINOR = 100_000
"""Somebody edits what gateways and ledgers send: 1,000 yuan, whatever is edited."""
WEAR_PER_1000_HOURS = 0.03
MOVED_SHARE = 0.2
"""Of a quarter's work, into the next."""

Floats = NDArray[np.float64]
Change = Callable[[Told, float], tuple[Told, float]]
"""What was told and the value of the firm's machines in minor units, to what is told instead and what that costs."""


def _strength(code: Code) -> Mapping[str, float]:
    return load_parameters(PARAMETERS_AS_OF).frauds.strengths[code]


def idling(told: Told, fleet_minor: float) -> tuple[Told, float]:
    """Machines cut air for hours after work, at little more than idle power (F1): the meter and the tools pay."""
    strength = _strength(Code.AIR_CUTTING)
    rows, recent = told.machine_days, recent_rows(told, DAYS)
    works = recent & (rows["executing_seconds"].to_numpy() > 0)
    more = np.where(works, np.minimum(strength["air_hours_per_day"] * SECONDS_PER_HOUR, rows["off_seconds"]), 0.0)
    kwh = more / SECONDS_PER_HOUR * _idle_kw(rows) * strength["power_over_idle"]
    changed = rows.assign(
        executing_seconds=rows["executing_seconds"] + more,
        off_seconds=rows["off_seconds"] - more,
        energy_executing_kwh=rows["energy_executing_kwh"] + kwh,
        energy_kwh=rows["energy_kwh"] + kwh,
        hour_meter_hours=hours_later(rows, more / SECONDS_PER_HOUR),
    )
    hours = float(more.sum() / SECONDS_PER_HOUR)
    machines = max(len(told.machine_uids), 1)
    wear = hours / 1000 * WEAR_PER_1000_HOURS * fleet_minor / machines
    return _metered(told, changed, kwh), kwh.sum() * TARIFF_MINOR + wear


def scheduling(told: Told, fleet_minor: float) -> tuple[Told, float]:
    """Work of one quarter waits for the next, in which it is looked at: true in every row, and dear in overtime."""
    del fleet_minor
    half, quarter = recent_rows(told, DAYS), recent_rows(told, DAYS // 2)
    rows = told.machine_days
    before = float(rows["executing_seconds"][half & ~quarter].sum())
    now = float(rows["executing_seconds"][quarter].sum())
    if not now:
        return told, 0.0
    moved = MOVED_SHARE * before
    later = longer_days(told, moved / now, DAYS // 2).told
    done = float((later.machine_days["executing_seconds"] - rows["executing_seconds"]).sum())
    share = done / before if before else 0.0
    kept = later.machine_days.copy()
    waits = half & ~quarter
    for name in ("setup_seconds", "executing_seconds", "idle_seconds", *ENERGIES):
        kept.loc[waits, name] = rows.loc[waits, name] * (1.0 - share)
    kept.loc[waits, "off_seconds"] += sum(
        rows.loc[waits, name] * share for name in ("setup_seconds", "executing_seconds", "idle_seconds")
    )
    kept.loc[waits, "parts"] = (rows.loc[waits, "parts"] * (1.0 - share)).round()
    hours = (kept["executing_seconds"] - rows["executing_seconds"]).to_numpy() / SECONDS_PER_HOUR
    kept["hour_meter_hours"] = hours_later(rows, hours)
    kwh = (kept["energy_kwh"] - rows["energy_kwh"]).fillna(0.0).to_numpy()
    return _metered(told, kept, kwh), done / SECONDS_PER_HOUR * OVERTIME_MINOR


def edited_parts(told: Told, fleet_minor: float) -> tuple[Told, float]:
    """The counter is told to count more (F4)."""
    del fleet_minor
    rows, recent = told.machine_days, recent_rows(told, DAYS)
    more = (rows["parts"] * (1.0 + _strength(Code.COUNTER_SPOOF)["extra_parts_share"])).round()
    return replace(told, machine_days=rows.assign(parts=rows["parts"].where(~recent, more))), EDIT_MINOR


def edited_hours(told: Told, fleet_minor: float) -> tuple[Told, float]:
    """Executing hours are told where the machine was off, as many as air-cutters run, with nothing beside them."""
    del fleet_minor
    rows, recent = told.machine_days, recent_rows(told, DAYS)
    hours = _strength(Code.AIR_CUTTING)["air_hours_per_day"]
    works = recent & (rows["executing_seconds"].to_numpy() > 0)
    more = np.where(works, np.minimum(hours * SECONDS_PER_HOUR, rows["off_seconds"]), 0.0)
    changed = rows.assign(executing_seconds=rows["executing_seconds"] + more, off_seconds=rows["off_seconds"] - more)
    return replace(told, machine_days=totals(changed)), EDIT_MINOR


def edited_replay(told: Told, fleet_minor: float) -> tuple[Told, float]:
    """The best days of the past are told again, their power shaken a little (F2)."""
    del fleet_minor
    strength = _strength(Code.REPLAYED_TELEMETRY)
    length, source = int(strength["replayed_days"]), int(strength["source_days"])
    rng = np.random.default_rng(int.from_bytes(str(told.obligor_id).encode()[-6:], "big"))
    rows = told.machine_days
    first = first_of(told, length)
    number = rows["day"].map(lambda day: (day - first).days).to_numpy()
    best = _best_run(rows, number, source)
    named = {(uid, day): at for at, (uid, day) in enumerate(zip(rows["machine_uid"], number, strict=True))}
    place = np.arange(len(rows))
    for at in np.flatnonzero((number >= 0) & (number < length)):
        place[at] = named.get((rows["machine_uid"].iat[at], best + int(number[at]) % source), at)
    own = {name: rows[name] for name in ("machine_uid", "obligor_id", "day", "hour_meter_hours")}
    changed = rows.iloc[place].reset_index(drop=True).assign(**own)
    shaken = np.where(place != np.arange(len(rows)), 1.0 + strength["power_jitter"] * rng.standard_normal(len(rows)), 1)
    for name in ENERGIES:
        changed[name] = changed[name] * shaken
    return replace(told, machine_days=changed), EDIT_MINOR


def edited_load(told: Told, fleet_minor: float) -> tuple[Told, float]:
    """A dummy load draws power whenever machines are on (F3): the meter pays."""
    del fleet_minor
    rows, recent = told.machine_days, recent_rows(told, DAYS)
    hours = {name: rows[f"{name}_seconds"].to_numpy() / SECONDS_PER_HOUR for name in ("executing", "idle")}
    run = rows["energy_executing_kwh"].sum() / max(float(hours["executing"].sum()), 1.0)
    drawn = _strength(Code.DUMMY_LOAD)["load_share_of_run_power"] * run
    more = {name: np.where(recent, own * drawn, 0.0) for name, own in hours.items()}
    kwh = more["executing"] + more["idle"]
    changed = rows.assign(
        energy_executing_kwh=rows["energy_executing_kwh"] + more["executing"],
        energy_idle_kwh=rows["energy_idle_kwh"] + more["idle"],
        energy_kwh=rows["energy_kwh"] + kwh,
        peak_kw=rows["peak_kw"] + np.where(recent, drawn, 0.0),
    )
    return _metered(told, changed, kwh), kwh.sum() * TARIFF_MINOR


def edited_invoices(told: Told, fleet_minor: float) -> tuple[Told, float]:
    """Invoices over goods that never left (F8), paid where the true one was: friends pay."""
    del fleet_minor
    invoices, receipts = told.ledgers[RecordKind.INVOICE], told.ledgers[RecordKind.RECEIPT]
    since = pd.Timestamp(told.as_of) - pd.Timedelta(days=DAYS)
    recent = invoices[(invoices["status"] == "issued") & (invoices["event_time"] >= since)]
    share = _strength(Code.OVER_INVOICING)["extra_turnover_share"]
    false = recent.iloc[: int(share * len(recent))]
    names = dict(zip(false["invoice_id"], false["invoice_id"] + "-x", strict=True))
    new = false.assign(invoice_id=false["invoice_id"].map(names), delivery_id=false["delivery_id"] + "-x")
    paid = receipts[receipts["invoice_id"].isin(names)]
    paid = paid.assign(invoice_id=paid["invoice_id"].map(names), receipt_id=paid["receipt_id"] + "-x")
    told = told.with_ledger(RecordKind.INVOICE, pd.concat([invoices, new], ignore_index=True))
    return told.with_ledger(RecordKind.RECEIPT, pd.concat([receipts, paid], ignore_index=True)), EDIT_MINOR


STRATEGIES: Mapping[str, Change] = MappingProxyType(
    {
        strategy.__name__: strategy
        for strategy in (
            idling, scheduling, edited_parts, edited_hours, edited_replay, edited_load, edited_invoices,
        )
    }
)  # fmt: skip
"""By name."""


def _idle_kw(rows: pd.DataFrame) -> Floats:
    """Mean idle power of each row's machine; 0 where it told none."""
    machine = rows["machine_uid"]
    kwh = rows["energy_idle_kwh"].groupby(machine).transform("sum")
    hours = rows["idle_seconds"].groupby(machine).transform("sum") / SECONDS_PER_HOUR
    return np.asarray((kwh / hours.where(hours > 0)).fillna(0.0), dtype=np.float64)


def _metered(told: Told, changed: pd.DataFrame, kwh: Floats) -> Told:
    """What machines draw more reaches the site's bill."""
    bills = told.ledgers[RecordKind.ENERGY_BILL]
    by_month = pd.Series(kwh).groupby(told.machine_days["day"].map(lambda day: day.replace(day=1))).sum()
    more = pd.to_datetime(bills["month"]).dt.date.map(lambda day: by_month.get(day.replace(day=1), 0.0))
    told = told.with_ledger(
        RecordKind.ENERGY_BILL, bills.assign(energy_kwh=bills["energy_kwh"] + more.astype(np.float64))
    )
    return replace(told, machine_days=totals(changed))


def _best_run(rows: pd.DataFrame, number: NDArray[np.int64], length: int) -> int:
    """The first day (counted from the first replayed one) of the run of past days on which most was executed."""
    past = rows["executing_seconds"].groupby(number).sum()
    past = past[(past.index < 0) & (past.index >= -4 * length)]
    whole = past.reindex(range(-4 * length, 0), fill_value=0.0).rolling(length).sum()
    return int(whole.idxmax()) - length + 1 if whole.notna().any() else -length
