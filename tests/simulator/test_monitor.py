"""What the monitor, the grid company and inspectors say, beside what the gateways tell and what is true."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from written_world import WrittenWorld

from data_contracts.contract import RecordKind
from simulator import simulate

ZONE = "Asia/Shanghai"


@pytest.fixture(scope="module")
def silences(small_world: WrittenWorld) -> pd.DataFrame:
    """The silences as they stand at the end; one that goes on has no end."""
    return small_world.current(RecordKind.GATEWAY_SILENCE).to_pandas()


def test_every_silent_time_of_a_report_is_a_silence_of_the_monitor(
    small_world: WrittenWorld, silences: pd.DataFrame
) -> None:
    reports = small_world.reports().to_pandas()
    owners = _owners(small_world)
    reports = reports.merge(owners, on="machine_uid")
    silent = reports[reports["unknown_seconds"] > 0].drop_duplicates(["obligor_id", "day"])
    assert len(silent) > 500
    for row, heard in _beside(silent, silences):
        assert heard >= row.unknown_seconds - 1e-6, (row.obligor_id, row.day)


def test_on_a_day_that_is_told_whole_no_data_were_missing(small_world: WrittenWorld, silences: pd.DataFrame) -> None:
    """Silences in which heartbeats go on are outages, whose time no report knows."""
    reports = small_world.reports().to_pandas().merge(_owners(small_world), on="machine_uid")
    whole = reports[reports["unknown_seconds"] == 0].drop_duplicates(["obligor_id", "day"]).head(3000)
    outages = silences[silences["heartbeat"] != "lost"]
    for row, heard in _beside(whole, outages):
        assert heard == 0, (row.obligor_id, row.day)


def test_a_silence_is_known_when_it_is_over_or_its_day_is(small_world: WrittenWorld) -> None:
    rows = small_world.ledger(RecordKind.GATEWAY_SILENCE).to_pandas()
    assert (rows["recorded_time"] > rows["event_time"]).all()
    ended = rows[rows["until_time"].notna()]
    assert (ended["recorded_time"] >= ended["until_time"]).all()
    assert (ended["until_time"] > ended["event_time"]).all()
    shares = rows.drop_duplicates(["obligor_id", "event_time"])["heartbeat"].value_counts(normalize=True)
    assert set(shares.index) == {"present", "lost", "power_lost"}
    assert shares["present"] > 0.35


def test_a_firm_that_wound_down_is_heard_no_more(small_world: WrittenWorld, silences: pd.DataFrame) -> None:
    default = small_world.truth("default").to_pandas().set_index("obligor_id")["event_time"]
    end = pd.Timestamp("2026-07-01", tz=ZONE)
    gone = default[default + pd.Timedelta(days=60) < end - pd.Timedelta(days=1)]
    ongoing = silences[silences["until_time"].isna()].groupby("obligor_id")["event_time"].max()
    assert len(gone) > 0
    connected = [obligor for obligor in gone.index if (silences["obligor_id"] == obligor).any()]
    for obligor in connected:
        assert ongoing[obligor] == gone[obligor] + pd.Timedelta(days=60)


def test_notices_come_before_the_rationing_that_is_true(small_world: WrittenWorld) -> None:
    notices = small_world.ledger(RecordKind.POWER_NOTICE).to_pandas()
    true = small_world.truth("rationing").to_pandas()
    assert len(notices) > 0
    assert (notices["recorded_time"] <= notices["event_time"]).all()
    assert notices["lost_ratio"].between(0, 1, inclusive="right").all()
    first = notices["event_time"].dt.tz_convert(ZONE).dt.date
    assert set(first) <= set(true["first_day"])
    whole = notices["measure"] == "whole_days"
    days = notices["lost_ratio"] * 7
    assert np.allclose(days[whole], days[whole].round())
    assert 0.2 < whole.mean() < 1.0


def test_inspectors_come_about_twice_a_year(small_world: WrittenWorld) -> None:
    visits = small_world.ledger(RecordKind.SITE_INSPECTION).to_pandas()
    assert 1.5 <= len(visits) / 60 / 15 * 12 <= 2.5
    assert set(visits["inspector"]) == {"lender", "insurer"}


def test_who_hides_before_an_inspection_cuts_all_gateways_off(tmp_path: Path) -> None:
    out = tmp_path / "w"
    world = WrittenWorld(out, simulate(obligors=120, months=24, seed=5, out=out, samples_for=0, frauds=["F10"]))
    labels = world.truth("fraud").to_pandas()
    silences = world.current(RecordKind.GATEWAY_SILENCE).to_pandas()
    visits = world.ledger(RecordKind.SITE_INSPECTION).to_pandas()
    visits["day"] = visits["event_time"].dt.tz_convert(ZONE).dt.date
    assert len(labels) >= 2
    for label in labels.itertuples():
        begins = pd.Timestamp(label.from_day, tz=ZONE)
        ends = pd.Timestamp(label.to_day, tz=ZONE) + pd.Timedelta(days=1)
        mine = silences[silences["obligor_id"] == label.obligor_id]
        cut = mine[(mine["event_time"] == begins) & (mine["until_time"] >= ends)]
        assert list(cut["heartbeat"].isin(["lost", "power_lost"])) == [True]
        assert ends.date() in set(visits[visits["obligor_id"] == label.obligor_id]["day"])


def _owners(world: WrittenWorld) -> pd.DataFrame:
    """Machines that had one owner all the time, and it."""
    ownership = world.current(RecordKind.MACHINE_OWNERSHIP).to_pandas()
    owners = ownership.groupby("machine_uid")["obligor_id"].unique()
    return owners[owners.map(len) == 1].map(lambda names: names[0]).rename("obligor_id").reset_index()


def _beside(days: pd.DataFrame, silences: pd.DataFrame) -> Iterator[tuple[object, float]]:
    """Each firm's day with the seconds of it that the monitor heard something unusual."""
    by_firm = dict(list(silences.groupby("obligor_id")))
    for row in days.itertuples():
        mine = by_firm.get(row.obligor_id)
        begin = pd.Timestamp(row.day, tz=ZONE)
        end = begin + pd.Timedelta(days=1)
        if mine is None:
            yield row, 0.0
            continue
        spans = mine[(mine["event_time"] < end) & (mine["until_time"].isna() | (mine["until_time"] > begin))]
        pieces = zip(
            spans["event_time"].clip(lower=begin), spans["until_time"].fillna(end).clip(upper=end), strict=True
        )
        yield row, sum((to - since).total_seconds() for since, to in pieces)
