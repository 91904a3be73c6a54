"""Files as gateways of five makers send them go through the door of real data and roll up to the daily reports."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from door import admitted_with_reader
from gateway_worlds import END, ENERGIES, SECONDS, GatewayWorld, gateway_world, reports_of

from data_contracts.contract import RecordKind
from data_contracts.identifiers import obligor_id
from features.as_of import load_machine_days
from simulator import SampleRequest, simulate
from simulator.block import build_block
from simulator.told.makers.bounds import bounds_of
from simulator.told.makers.catalogue import MAKERS
from simulator.told.makers.readings import largest_offset_seconds
from simulator.told.makers.request import InvalidSampleRequest, parse_request
from simulator.world import make_laws


@pytest.fixture(scope="module")
def exact(tmp_path_factory: pytest.TempPathFactory) -> GatewayWorld:
    """Gateways that never fail."""
    return gateway_world(tmp_path_factory.mktemp("exact"), observation=False)


@pytest.fixture(scope="module")
def observed(tmp_path_factory: pytest.TempPathFactory) -> GatewayWorld:
    """Gateways with outages, drifting clocks, forgetful counters and mislabelled modes."""
    return gateway_world(tmp_path_factory.mktemp("observed"), observation=True)


def test_every_row_of_every_maker_is_admitted(exact: GatewayWorld, observed: GatewayWorld) -> None:
    for world in (exact, observed):
        assert {path.split("-")[1] for path in world.results if path.endswith(".csv") and "sample/" in path} == {
            maker.name for maker in MAKERS
        }
        for path, result in world.results.items():
            assert (result.rows_quarantined, result.rows_duplicate) == (0, 0), (path, result.messages())


def test_without_observation_files_roll_up_to_exactly_the_reports(exact: GatewayWorld) -> None:
    assert exact.findings == []
    assert len(exact.days) > 1500
    assert set(exact.makers) == {maker.name for maker in MAKERS}
    for name in [*SECONDS, "unknown_seconds", "parts", "fault_starts"]:
        assert (exact.days[name] == exact.reports[name]).all(), name
    for name in ENERGIES:
        watt_hours = (exact.days[name] * 1000).round(6)
        assert (watt_hours == (exact.reports[name] * 1000).round(6)).all(), name
    assert exact.reports["fault_starts"].sum() > 0
    later = exact.days.groupby(level=0).cumcount() > 0  # the first day's samples do not know the night before
    assert (exact.days["state_changes"][later] == exact.reports["state_changes"][later]).all()


def _bounds(world: GatewayWorld) -> pd.DataFrame:
    """The bound of the elements of each machine-day, and the seconds that may come to the neighbouring day."""
    observation = world.laws.parameters.observation
    by_maker = {maker.name: bounds_of(maker, observation) for maker in MAKERS}
    silent = (world.reports["unknown_seconds"] > 0).to_numpy()
    after = _follows_silence(world)
    rows = [
        (by_maker[name].element_seconds(is_silent=bool(is_silent)), by_maker[name].late_seconds)
        for name, is_silent in zip(world.makers, silent | after, strict=True)
    ]
    return pd.DataFrame(rows, columns=["element", "late"], index=world.days.index)


def _follows_silence(world: GatewayWorld) -> np.ndarray:
    """The day before was partly or wholly silent, or there was none."""
    silent = world.reports["unknown_seconds"] > 0
    before = silent.groupby(level=0).shift(fill_value=True)
    return before.to_numpy(dtype=bool)


def test_elements_keep_within_the_stated_bounds(observed: GatewayWorld) -> None:
    bounds = _bounds(observed)["element"]
    forgotten = (observed.days["setup_seconds"] == 0) & (observed.reports["setup_seconds"] > 0)
    forgotten |= (observed.days["maintenance_seconds"] == 0) & (observed.reports["maintenance_seconds"] > 0)
    told_wrong = (observed.reports["setup_seconds"] + observed.reports["maintenance_seconds"]) * forgotten
    for name in [*SECONDS, "unknown_seconds"]:
        away = (observed.days[name] - observed.reports[name]).abs()
        assert (away <= bounds + told_wrong + 1e-6).all(), (name, (away - bounds - told_wrong).max())
    total = observed.days[[*SECONDS, "unknown_seconds"]].sum(axis=1)
    assert np.allclose(total, 86_400.0, atol=1e-6)


def test_the_layer_is_felt(observed: GatewayWorld) -> None:
    away = (observed.days[SECONDS] - observed.reports[SECONDS]).abs()
    assert (away.max() > 0).all()
    forgotten = (observed.days["setup_seconds"] == 0) & (observed.reports["setup_seconds"] > 600)
    assert 0.01 < forgotten.mean() < 0.06
    assert (observed.reports["unknown_seconds"] > 0).mean() > 0.02
    assert {finding.code for finding in observed.findings} == {"report_differs"}
    quiet = (observed.reports["unknown_seconds"] == 0).to_numpy() & ~_follows_silence(observed)
    assert away[quiet]["off_seconds"].max() > 1.0
    assert away[(observed.makers == "dianchi").to_numpy()]["off_seconds"].max() == 0.0


def test_parts_come_to_the_right_day_but_for_midnight_and_silence(observed: GatewayWorld) -> None:
    silent = (observed.reports["unknown_seconds"] > 0).to_numpy() | _follows_silence(observed)
    rate = observed.reports["parts"] / observed.reports["executing_seconds"].clip(lower=1)
    most = (1.5 * rate.groupby(level=0).transform("max") * _bounds(observed)["late"]).apply(np.ceil) + 1
    away = observed.days["parts"] - observed.reports["parts"]
    drifts = _bounds(observed)["late"] > 0
    assert (away[~silent & ~drifts] == 0).all()
    assert (away[~silent & drifts].abs() <= 2 * most[~silent & drifts]).all()
    caught_up = away[silent & (observed.makers != "nordwerk")]
    assert (caught_up > most.max()).any()


def test_energy_keeps_within_the_stated_bounds(observed: GatewayWorld) -> None:
    """A held reading of power and a clock that is wrong cost seconds of power; a register loses nothing."""
    bounds = _bounds(observed)
    kwh = observed.days["peak_kw"].groupby(level=0).transform("max") * (bounds["element"] + bounds["late"]) / 3600
    metered = (observed.makers == "dianchi").to_numpy()
    away = (observed.days["energy_kwh"] - observed.reports["energy_kwh"].fillna(0)).abs()
    assert (away[~metered] <= kwh[~metered] + 1e-6).all()
    quiet = metered & (observed.reports["unknown_seconds"] == 0).to_numpy() & ~_follows_silence(observed)
    assert (away[quiet] < 1e-6).all()
    assert (observed.days["energy_kwh"] - observed.reports["energy_kwh"])[metered].max() > 0.5


def test_counters_roll_over_and_reset(observed: GatewayWorld) -> None:
    counters = {"orbita": ("part_count", ","), "heli": ("pcs", ",")}
    falls = dict.fromkeys(counters, 0)
    for path in sorted((observed.folder / "sample").glob("*.csv")):
        maker = path.name.split("-")[1]
        if maker in counters:
            column, delimiter = counters[maker]
            frame = pd.read_csv(path, sep=delimiter, keep_default_na=True)
            machine = "asset" if maker == "orbita" else "dev"
            count = frame[column].dropna()
            falls[maker] += int((count.groupby(frame[machine]).diff() < 0).sum())
            if maker == "orbita":
                assert count.max() < 10_000
                assert frame["execution"].isna().mean() > 0.3
    assert all(count > 0 for count in falls.values()), falls


def test_late_rows_wait_for_the_uplink(observed: GatewayWorld) -> None:
    waits = []
    for path in sorted((observed.folder / "sample").glob("*-heli-*.csv")):
        frame = pd.read_csv(path)
        event = pd.to_datetime(frame["ts"], unit="ms", utc=True)
        waits.append((pd.to_datetime(frame["rx"]) - event).dt.total_seconds())
    seconds = pd.concat(waits)
    offset = largest_offset_seconds(observed.laws.parameters.observation)
    assert seconds.min() >= 2 - offset
    assert seconds.median() < 2 + offset
    assert 0 < (seconds > 86_400).mean() < 0.2


def test_no_machine_is_named_by_others(exact: GatewayWorld) -> None:
    for path in sorted((exact.folder / "sample").glob("*-nordwerk-*.csv")):
        frame = pd.read_csv(path, sep=";", dtype=str)
        assert frame["Maschine"].str.fullmatch(r"M\d+|\w{18}/M\d+").all()


def test_requests_are_read_and_refused(tmp_path: Path) -> None:
    request = parse_request("91999999MA0001000T:2026-05-01:2026-05-31")
    assert request == SampleRequest(
        obligor=obligor_id("91999999MA0001000T"), from_date=date(2026, 5, 1), to_date=date(2026, 5, 31)
    )
    for text in (
        "91999999MA0001000T",
        "91999999MA0001000T:2026-05-01:soon",
        "91999999MA0001000T:2026-05-02:2026-05-01",
    ):
        with pytest.raises(InvalidSampleRequest):
            parse_request(text)
    for text, word in (
        ("91999999MA0000001N:2026-05-01:2026-05-02", "no firm"),
        ("91999999MA0001000T:2020-05-01:2020-05-02", "beyond"),
    ):
        with pytest.raises(InvalidSampleRequest, match=word):
            simulate(obligors=2, months=2, samples=[parse_request(text)], out=tmp_path / "w")
    with pytest.raises(InvalidSampleRequest, match="twice"):
        simulate(obligors=2, months=2, samples=[request, request], observation=False, out=tmp_path / "v")


def test_a_sold_machine_is_told_by_both_owners_under_one_name(tmp_path: Path) -> None:
    """Its gateway goes with it, and the buyer's files bear its whole name."""
    laws = make_laws(12, 4, observation=False)
    block = build_block(0, 110, laws)
    machines = block.machines
    row = int(np.flatnonzero((machines.predecessor >= 0) & (machines.first_day > 20) & (machines.last_day > 340))[0])
    sold = laws.calendar.date_of(machines.first_day[row]).item()
    firms = [block.firms.obligor_ids[machines.firm[place]] for place in (machines.predecessor[row], row)]
    week = timedelta(days=7)
    requests = [SampleRequest(obligor=firm, from_date=sold - week, to_date=sold + week) for firm in firms]
    folder = tmp_path / "world"
    simulate(obligors=110, months=12, seed=4, samples_for=0, samples=requests, observation=False, out=folder)
    kinds = (RecordKind.MACHINE_OWNERSHIP, RecordKind.SAMPLE)
    results, reader = admitted_with_reader(folder, tmp_path, received_time=END, kinds=kinds)
    assert sum(result.rows_quarantined + result.rows_duplicate for result in results.values()) == 0
    rolled, _ = load_machine_days(reader, as_of=END, obligor_ids=firms)
    days = rolled.table.to_pandas().set_index(["machine_uid", "day"]).loc[machines.uids[row]]
    assert days["obligor_id"].to_list() == [firms[0]] * 7 + [firms[1]] * 8
    reports = reports_of(folder).set_index(["machine_uid", "day"]).loc[machines.uids[row]].loc[days.index]
    for name in [*SECONDS, "parts"]:
        assert (days[name] == reports[name]).all(), name
    np.testing.assert_allclose(days["energy_kwh"], reports["energy_kwh"], atol=1e-9)
    assert days["parts"].sum() > 0
