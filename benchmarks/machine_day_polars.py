"""Machine-days by Polars for any samples; the same definitions, expression by expression, as `machine_day_general.sql`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
import polars as pl

from data_contracts.profile import SourceProfile
from data_contracts.vocabulary import Silence
from features.machine_day.days import MICROS_PER_SECOND

QUARTER = 900 * MICROS_PER_SECOND
KWH = 3.6e9
"""Microseconds times kW in a kWh."""
VALUES = ("item_state", "operation_mode", "power_kw", "energy_register_kwh", "part_count", "part_delta", "profile_id")
WORKS = ("Executing", "NotExecuting")
MACHINE = "machine_uid"


def by_polars_in_general(
    sources: Sequence[pl.LazyFrame], *, profiles: Mapping[str, SourceProfile], as_of: int, has_versions: bool
) -> pd.DataFrame:
    """Machine-days of samples that lie in `sources`, machine by machine in one of them."""
    parts = []
    for source in sources:
        held = _held(_rows(source, as_of, has_versions=has_versions), profiles, as_of)
        parts.append(_days(held.collect(), profiles))
    return pl.concat(parts).to_pandas()


def _rows(source: pl.LazyFrame, as_of: int, *, has_versions: bool) -> pl.LazyFrame:
    """The rows in order of machine and time; of versions of one instant each value that is the latest known."""
    time = pl.col("event_time").dt.epoch("us").alias("t")
    known = source.with_columns(time, pl.col(MACHINE).cast(pl.Categorical)).filter(pl.col("t") <= as_of)
    if not has_versions:
        return known.select(MACHINE, "t", *VALUES).sort(MACHINE, "t")
    known = known.filter(pl.col("recorded_time").dt.epoch("us") <= as_of)
    known = known.select(MACHINE, "t", "recorded_time", *VALUES).sort(MACHINE, "t", "recorded_time")
    same_as_next = (pl.col("t") == pl.col("t").shift(-1)) & (pl.col(MACHINE) == pl.col(MACHINE).shift(-1))
    marked = known.with_columns(same_as_next.fill_null(False).alias("is_followed"))
    repeated = pl.col("is_followed") | pl.col("is_followed").shift(1).fill_null(False)
    alone = marked.filter(~repeated).select(MACHINE, "t", *VALUES)
    merged = marked.filter(repeated).group_by(MACHINE, "t", maintain_order=True)
    latest = merged.agg(pl.col(name).drop_nulls().last() for name in VALUES)
    return pl.concat([alone, latest]).sort(MACHINE, "t")


def _held(rows: pl.LazyFrame, profiles: Mapping[str, SourceProfile], as_of: int) -> pl.LazyFrame:
    """What each machine says, holds and has said, at each row."""
    until = pl.min_horizontal(pl.col("t") + pl.col("hold"), pl.lit(as_of))
    named = rows.join(_profiles(profiles).lazy(), on="profile_id", how="left", maintain_order="left")
    named = named.with_columns(until.alias("until"))
    state, count, register = pl.col("item_state"), pl.col("part_count"), pl.col("energy_register_kwh")
    known = pl.when(state != "Unknown").then(state)
    untils = {
        "state_until": "item_state",
        "mode_until": "operation_mode",
        "power_until": "power_kw",
        "register_until": "energy_register_kwh",
        "count_until": "part_count",
        "delta_until": "part_delta",
    }
    so_far = {
        "state": state,
        "mode": pl.col("operation_mode"),
        "power": pl.col("power_kw"),
        "reading": register,
        "read_at": _where(register, "t"),
        **{name: _where(pl.col(column), "until") for name, column in untils.items()},
    }
    after = {
        "next_reading": register,
        "next_read_at": _where(register, "t"),
        "next_modulus": pl.when(register.is_not_null()).then(pl.col("register_modulus").fill_null(0.0)),
    }
    return named.with_columns(
        pl.col("t").shift(-1).over(MACHINE).alias("n"),
        known.forward_fill().shift(1).over(MACHINE).alias("known_before"),
        count.forward_fill().shift(1).over(MACHINE).alias("count_before"),
        *(value.forward_fill().over(MACHINE).alias(name) for name, value in so_far.items()),
        *(value.backward_fill().shift(-1).over(MACHINE).alias(name) for name, value in after.items()),
    ).with_columns(pl.max_horizontal(*untils).alias("any_until"))


def _days(held: pl.DataFrame, profiles: Mapping[str, SourceProfile]) -> pl.DataFrame:
    quarters = _quarters(held, profiles)
    machines = held.group_by(MACHINE).agg(
        pl.col("site_zone").last(),
        pl.col("t").first().alias("first_t"),
        *(pl.col(name).is_not_null().any().alias(f"says_{name}") for name in VALUES),
    )
    days = quarters.select("site_zone", "day", "begins", "ends").unique()
    placed = (
        held.lazy()
        .drop("site_zone")
        .join(machines.lazy().select(MACHINE, "site_zone"), on=MACHINE)
        .with_columns((pl.col("t") // QUARTER).alias("quarter"))
        .join(quarters.lazy(), on=["site_zone", "quarter"])
        .with_columns((pl.col("off") & pl.col("n").is_not_null()).alias("silent_is_off"), _rate())
        .collect()
    )
    booked = _summed(_pieces(placed.lazy(), days.lazy()))
    told = booked.join(_events(placed.lazy()), on=[MACHINE, "day"], how="left")
    told = told.join(machines.lazy(), on=MACHINE).join(days.lazy(), on=["site_zone", "day"])
    return _measures(told).collect()


def _pieces(placed: pl.LazyFrame, days: pl.LazyFrame) -> pl.LazyFrame:
    """Rows to the next one, cut at midnights: from `b` to `e`."""
    n = pl.coalesce("n", "ends")
    own = placed.with_columns(pl.col("t").alias("b"), pl.min_horizontal(n, "ends").alias("e"))
    later = days.rename({"day": "later_day", "begins": "b", "ends": "later_ends"})
    crossing = placed.filter(pl.col("n") > pl.col("ends")).join(later, on="site_zone")
    crossing = crossing.filter((pl.col("b") >= pl.col("ends")) & (pl.col("b") < pl.col("n")))
    further = crossing.with_columns(
        pl.col("later_day").alias("day"), pl.min_horizontal("n", "later_ends").alias("e")
    ).drop("later_day", "later_ends")
    return pl.concat([own, further.select(own.collect_schema().names())])


def _summed(pieces: pl.LazyFrame) -> pl.LazyFrame:
    """Microseconds by element, and energy by power and by register, of each machine and day."""
    begin, end, state = pl.col("b"), pl.col("e"), pl.col("state")
    other = pl.when(pl.col("mode").is_in(["Maintenance", "Setup"]) & state.is_in(WORKS)).then(pl.col("mode"))
    long = end - begin
    silent = pl.when("silent_is_off").then(pl.min_horizontal(end - pl.col("any_until"), long).clip(0)).otherwise(0)
    moded = (pl.min_horizontal(pl.coalesce("mode_until", "b"), "state_until", "e") - begin).clip(0)
    lengths = pieces.with_columns(
        long.alias("long"),
        _up_to("state_until").alias("stated"),
        _up_to("power_until").alias("powered"),
        moded.alias("moded"),
        silent.alias("silent"),
        other.alias("other_mode"),
    )
    apart = pl.when(pl.col("other_mode").is_not_null()).then("moded").otherwise(0)
    stated, powered = pl.col("stated"), pl.col("powered")
    plain = pl.when(state.is_in(WORKS)).then(stated - apart).otherwise(0).alias("plain")
    plain_powered = pl.when(state.is_in(WORKS)).then(
        pl.min_horizontal(stated, powered) - pl.min_horizontal(apart, powered)
    ).otherwise(0)  # fmt: skip
    booked = lengths.with_columns(plain, plain_powered.alias("plain_powered"))
    executes, power, rate = state == "Executing", pl.col("power"), pl.col("rate")
    kept, kept_powered = pl.col("plain"), pl.col("plain_powered")
    return booked.group_by(MACHINE, "day").agg(
        kept.filter(executes).sum().alias("executing"),
        kept.filter(state == "NotExecuting").sum().alias("idle"),
        stated.filter(state == "OutOfService").sum().alias("fault"),
        stated.filter(state == "NotAvailable").sum().alias("off"),
        pl.col("moded").filter(pl.col("other_mode") == "Maintenance").sum().alias("maintenance"),
        pl.col("moded").filter(pl.col("other_mode") == "Setup").sum().alias("setup"),
        pl.col("silent").sum(),
        (power * kept_powered).filter(executes).sum().alias("power_executing"),
        (power * kept_powered).filter(state == "NotExecuting").sum().alias("power_idle"),
        (power * (powered - kept_powered)).sum().alias("power_other"),
        (rate * kept).filter(executes).sum().alias("register_executing"),
        (rate * kept).filter(state == "NotExecuting").sum().alias("register_idle"),
        (rate * (pl.col("long") - kept)).sum().alias("register_other"),
    )


def _events(placed: pl.LazyFrame) -> pl.LazyFrame:
    """What rows tell of the day on which they lie."""
    state, count, before = pl.col("item_state"), pl.col("part_count"), pl.col("count_before")
    changes = (state != "Unknown") & (state != pl.col("known_before"))
    fall = count - before + pl.coalesce("count_modulus", "count_before")
    return placed.group_by(MACHINE, "day").agg(
        pl.col("power_kw").max().alias("peak_kw"),
        pl.col("part_delta").sum().alias("deltas"),
        pl.when(count >= before).then(count - before).otherwise(fall).sum().alias("counted"),
        (changes & (state == "OutOfService")).sum().alias("fault_starts"),
        changes.sum().alias("state_changes"),
        pl.col("t").min().alias("first_sample"),
        pl.col("t").max().alias("last_sample"),
    )


def _measures(told: pl.LazyFrame) -> pl.LazyFrame:
    powered = pl.sum_horizontal("fault", "maintenance", "setup", "executing", "idle")
    observed = powered + pl.col("off") + pl.col("silent")
    owned = pl.col("ends") - pl.max_horizontal("begins", "first_t")
    elements = ("fault", "maintenance", "setup", "executing", "idle")
    energies = {
        f"energy_{kind}_kwh": pl.when("says_energy_register_kwh").then(f"register_{kind}")
        .when("says_power_kw").then(pl.col(f"power_{kind}") / KWH)
        for kind in ("executing", "idle", "other")
    }  # fmt: skip
    events = ("fault_starts", "state_changes")
    return told.with_columns(**energies).select(
        pl.col(MACHINE).cast(pl.String),
        "day",
        ((owned - observed) / 1e6).alias("unknown_seconds"),
        ((pl.col("off") + pl.col("silent")) / 1e6).alias("off_seconds"),
        *((pl.col(name) / 1e6).alias(f"{name}_seconds") for name in elements),
        (powered / 1e6).alias("powered_seconds"),
        (observed / 1e6).alias("observed_seconds"),
        ((observed - pl.col("silent")) / 1e6).alias("sampled_seconds"),
        (observed / owned).alias("coverage"),
        *energies,
        sum((pl.col(name) for name in energies), pl.lit(0.0)).alias("energy_kwh"),
        "peak_kw",
        pl.when("says_part_count").then(pl.col("counted").fill_null(0))
        .when("says_part_delta").then(pl.col("deltas").fill_null(0)).alias("parts"),
        *(pl.when("says_item_state").then(pl.col(name).fill_null(0)).alias(name) for name in events),
        "first_sample",
        "last_sample",
    )  # fmt: skip


def _rate() -> pl.Expr:
    """kWh a microsecond of the register between the readings around a row."""
    earlier, later = pl.col("reading"), pl.col("next_reading")
    modulus = pl.when(pl.col("next_modulus") > 0).then("next_modulus").otherwise("reading")
    fall = later - earlier + modulus
    gain = pl.when(later >= earlier).then(later - earlier).otherwise(fall)
    return (gain / (pl.col("next_read_at") - pl.col("read_at"))).alias("rate")


def _up_to(name: str) -> pl.Expr:
    """How long of a piece lies before an instant."""
    return (pl.min_horizontal(pl.coalesce(name, "b"), "e") - pl.col("b")).clip(0)


def _where(said: pl.Expr, name: str) -> pl.Expr:
    return pl.when(said.is_not_null()).then(pl.col(name))


def _profiles(profiles: Mapping[str, SourceProfile]) -> pl.DataFrame:
    told = list(profiles.values())
    return pl.DataFrame(
        {
            "profile_id": list(profiles),
            "hold": [round((profile.hold_seconds or 0) * MICROS_PER_SECOND) for profile in told],
            "off": [profile.silence is Silence.OFF for profile in told],
            "count_modulus": pl.Series([profile.part_count_modulus for profile in told], dtype=pl.Float64),
            "register_modulus": pl.Series([p.energy_register_modulus_kwh for p in told], dtype=pl.Float64),
            "site_zone": [profile.site_zone for profile in told],
        }
    )


def _quarters(held: pl.DataFrame, profiles: Mapping[str, SourceProfile]) -> pl.DataFrame:
    """The local day of each quarter-hour around the samples, in every zone."""
    first, last = held["t"].min(), held["t"].max()
    assert isinstance(first, int) and isinstance(last, int), "there are samples"  # noqa: PT018 (of two numbers)
    quarter = pl.Series("quarter", range(first // QUARTER - 192, last // QUARTER + 192), dtype=pl.Int64)
    instants = (quarter * QUARTER).cast(pl.Datetime("us", "UTC"))
    parts = []
    for zone in sorted({profile.site_zone for profile in profiles.values()}):
        date = instants.dt.convert_time_zone(zone).dt.date()
        midnights = pl.DataFrame({"date": date, "next": date.dt.offset_by("1d")}).select(
            pl.lit(zone).alias("site_zone"),
            quarter,
            pl.col("date").to_physical().cast(pl.Int64).alias("day"),
            *(
                pl.col(name)
                .cast(pl.Datetime("us"))
                .dt.replace_time_zone(zone, ambiguous="earliest")
                .dt.epoch("us")
                .alias(edge)
                for name, edge in (("date", "begins"), ("next", "ends"))
            ),
        )
        parts.append(midnights)
    return pl.concat(parts)
