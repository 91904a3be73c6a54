"""Samples roll up to their daily reports: an independent count of rows against what the gateway reported."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from written_world import WrittenWorld

from data_contracts.contract import RecordKind
from simulator import simulate

ELEMENT_OF = {
    ("NotAvailable", "None"): "off_seconds",
    ("OutOfService", "None"): "fault_seconds",
    ("NotExecuting", "Maintenance"): "maintenance_seconds",
    ("Executing", "Setup"): "setup_seconds",
    ("Executing", "Processing"): "executing_seconds",
    ("NotExecuting", "None"): "idle_seconds",
}
KNOWN = list(ELEMENT_OF.values())


@pytest.fixture(scope="module")
def samples(small_world: WrittenWorld) -> pd.DataFrame:
    """The samples in order, with their local day and the element that each row's quarter-hour belongs to."""
    frame = small_world.samples().to_pandas().sort_values(["machine_uid", "event_time"], ignore_index=True)
    frame["day"] = frame["event_time"].dt.tz_convert("Asia/Shanghai").dt.date
    pairs = zip(frame["item_state"], frame["operation_mode"], strict=True)
    frame["element"] = [ELEMENT_OF[pair] for pair in pairs]
    return frame


@pytest.fixture(scope="module")
def reported(small_world: WrittenWorld, samples: pd.DataFrame) -> pd.DataFrame:
    """The reports of the sampled machine-days."""
    reports = small_world.reports().to_pandas().set_index(["machine_uid", "day"])
    days = pd.MultiIndex.from_frame(samples[["machine_uid", "day"]].drop_duplicates())
    return reports.loc[days].sort_index()


def test_seconds_of_every_element_are_the_reported_ones(samples: pd.DataFrame, reported: pd.DataFrame) -> None:
    counted = samples.groupby(["machine_uid", "day", "element"]).size().unstack(fill_value=0)
    counted = counted.reindex(columns=KNOWN, fill_value=0) * 900.0
    pd.testing.assert_frame_equal(
        counted.sort_index(), reported[KNOWN], check_names=False, check_exact=True, check_index_type=False
    )
    assert (86_400.0 - counted.sum(axis=1)).equals(reported["unknown_seconds"].rename(None))
    assert (counted.sum() > 0).all()


def test_parts_and_energy_are_the_reported_ones(samples: pd.DataFrame, reported: pd.DataFrame) -> None:
    days = [samples["machine_uid"], samples["day"]]
    assert (samples["part_delta"].groupby(days).sum() == reported["parts"]).all()
    assert (samples["part_delta"] == samples["part_delta"].round()).all()
    for name, element in [("energy_executing_kwh", "executing_seconds"), ("energy_idle_kwh", "idle_seconds")]:
        drawn = (samples["power_kw"] * 0.25).where(samples["element"] == element, 0.0).groupby(days).sum()
        np.testing.assert_allclose(drawn, reported[name], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose((samples["power_kw"] * 0.25).groupby(days).sum(), reported["energy_kwh"], atol=1e-9)
    assert (samples["power_kw"].groupby(days).max() == reported["peak_kw"]).all()


def test_changes_of_state_and_entries_into_a_fault_are_the_reported_ones(
    samples: pd.DataFrame, reported: pd.DataFrame
) -> None:
    """Between consecutive rows of a machine, also over a gap or midnight; its first day has nothing before it."""
    before = samples["item_state"].groupby(samples["machine_uid"]).shift()
    changes = before.notna() & (before != samples["item_state"])
    days = [samples["machine_uid"], samples["day"]]
    later = samples["day"].groupby(samples["machine_uid"]).transform("min") < samples["day"]
    known = later.groupby(days).all()
    for name, found in [
        ("state_changes", changes),
        ("fault_starts", changes & (samples["item_state"] == "OutOfService")),
    ]:
        counted = found.groupby(days).sum()
        assert (counted == reported[name])[known].all()
        assert counted[known].sum() > 5


def test_an_outage_may_hide_a_part_of_a_day_with_a_failure(small_world: WrittenWorld) -> None:
    reports = small_world.reports().to_pandas()
    broken = reports[reports["fault_seconds"] > 0]
    assert (broken["unknown_seconds"] > 0).any()
    assert (broken["unknown_seconds"] == 0).any()


def test_silent_days_have_reports_but_no_samples(small_world: WrittenWorld, samples: pd.DataFrame) -> None:
    reports = small_world.reports().to_pandas()
    first = samples["day"].min()
    inside = reports[reports["machine_uid"].isin(samples["machine_uid"].unique()) & (reports["day"] >= first)]
    silent = inside[inside["unknown_seconds"] == 86_400.0]
    sampled_days = samples[["machine_uid", "day"]].drop_duplicates()
    assert len(silent) > 0
    assert len(inside) - len(silent) == len(sampled_days)


def test_samples_are_of_twelve_sound_firms_and_recorded_as_they_end(
    small_world: WrittenWorld, samples: pd.DataFrame, reported: pd.DataFrame
) -> None:
    firms = {uid.split("/")[0] for uid in samples["machine_uid"].unique()}
    defaulted = set(small_world.truth("default")["obligor_id"].to_pylist())
    assert len(firms) == 12
    assert not firms & defaulted
    days = pd.MultiIndex.from_frame(samples[["machine_uid", "day"]])
    known = reported["recorded_time"].dt.tz_convert("UTC").dt.tz_localize(None).reindex(days).to_numpy()
    held_back = known > (pd.to_datetime(samples["day"]) + pd.Timedelta(hours=16)).to_numpy()
    on_time = samples[~held_back]
    assert 0 < held_back.mean() < 0.1
    assert (on_time["recorded_time"] - on_time["event_time"] == pd.Timedelta(minutes=15)).all()
    late = samples["recorded_time"][held_back].dt.tz_localize(None).to_numpy()
    assert (late == known[held_back]).all()
    assert samples["event_time"].min() == pd.Timestamp("2026-05-02", tz="Asia/Shanghai")
    assert samples["recorded_time"].max() == pd.Timestamp("2026-07-01", tz="Asia/Shanghai")


def test_who_is_sampled_is_chosen_when_the_window_begins(tmp_path: Path) -> None:
    """Whatever becomes of a firm afterwards: some of those sampled default before the world ends."""
    world = WrittenWorld(
        tmp_path / "w",
        simulate(obligors=200, months=12, seed=2, out=tmp_path / "w", samples_for=200, sample_days=200),
    )
    default = world.truth("default").to_pandas().set_index("obligor_id")["event_time"]
    begins = pd.Timestamp("2026-07-01", tz="Asia/Shanghai") - pd.Timedelta(days=200)
    month = begins.tz_localize(None).to_period("M").start_time.tz_localize("Asia/Shanghai")
    ownership = world.current(RecordKind.MACHINE_OWNERSHIP).to_pandas()
    owners = ownership.groupby("machine_uid")["obligor_id"].agg(set)
    uids = world.samples()["machine_uid"].unique().to_pylist()
    sampled = {obligor for uid in uids if len(owners[uid]) == 1 for obligor in owners[uid]}
    assert len(sampled & set(default[default > begins].index)) >= 2
    assert not sampled & set(default[default < month].index)
