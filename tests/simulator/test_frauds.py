"""The twelve frauds: what each changes in what is told, what it leaves, and that the labels say so."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from door import admitted_with_reader
from written_world import WrittenWorld

from data_contracts.contract import RecordKind
from data_contracts.identifiers import ObligorId
from features.as_of import load_machine_days
from simulator import SampleRequest, simulate
from simulator.frauds.plan import Code, UnknownFraud, parse_codes
from simulator.parameter_values import WorldParameters, load_parameters
from simulator.write import KINDS_IN_ORDER

SIZES = {"obligors": 60, "months": 20, "seed": 8, "samples_for": 40, "sample_days": 20}
PREVALENCE = 0.6
END = datetime(2026, 6, 30, 16, tzinfo=UTC)
SECONDS = [f"{name}_seconds" for name in ("unknown", "off", "fault", "maintenance", "setup", "executing", "idle")]
ENERGIES = ["energy_kwh", "energy_executing_kwh", "energy_idle_kwh", "energy_other_kwh"]
LEDGERS = [kind for kind in KINDS_IN_ORDER if kind not in {RecordKind.SAMPLE, RecordKind.MACHINE_DAY_REPORT}]


def many_frauds(as_of: date) -> WorldParameters:
    """The world's parameters with frauds at most firms, so that a small world holds them all."""
    parameters = load_parameters(as_of)
    return replace(parameters, frauds=replace(parameters.frauds, prevalence=PREVALENCE))


def _world(folder: Path, *, frauds: list[str]) -> WrittenWorld:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("simulator.world.load_parameters", many_frauds)
        return WrittenWorld(folder, simulate(**SIZES, frauds=frauds, out=folder))  # type: ignore[arg-type]


@dataclass(frozen=True)
class Pair:
    """The same world with and without frauds: reports by machine and day, row by row, and the labels."""

    honest: WrittenWorld
    false: WrittenWorld
    reports: pd.DataFrame
    told: pd.DataFrame
    labels: pd.DataFrame

    def days_of(self, code: Code) -> Iterator[tuple[pd.Series, pd.DataFrame, pd.DataFrame]]:
        """Each label of a fraud with the reports of its machines on its days, as they were and as they were told."""
        for _, label in self.labels[self.labels["fraud"] == code].iterrows():
            owners = self._owned(label)
            inside = owners & self.told["day"].between(label["from_day"], label["to_day"])
            yield label, self.reports[inside], self.told[inside]

    def _owned(self, label: pd.Series) -> pd.Series:
        if not pd.isna(label["machine_uid"]):
            return self.told["machine_uid"] == label["machine_uid"]
        ledger = self.honest.ledger(RecordKind.MACHINE_OWNERSHIP).to_pandas()
        return self.told["machine_uid"].isin(ledger[ledger["obligor_id"] == label["obligor_id"]]["machine_uid"])


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """A world in which most firms commit a fraud, and the same one in which none does."""
    folder = tmp_path_factory.mktemp("frauds")
    honest, false = _world(folder / "honest", frauds=[]), _world(folder / "false", frauds=["all"])
    reports, told = (world.reports().to_pandas() for world in (honest, false))
    assert (reports[["machine_uid", "day"]] == told[["machine_uid", "day"]]).all(axis=None)
    return Pair(honest, false, reports, told, false.truth("fraud").to_pandas())


def test_every_fraud_is_committed_and_labelled(pair: Pair) -> None:
    assert set(pair.labels["fraud"]) == {code.value for code in Code}
    assert (pair.labels["from_day"] <= pair.labels["to_day"]).all()
    assert pair.labels["strength"].gt(0).all()
    by_firm = pair.labels.groupby("obligor_id")["fraud"].agg(lambda codes: set(codes) - {Code.CIRCULAR_TRADE.value})
    assert by_firm.map(len).max() == 1


def test_only_what_the_labels_name_is_told_otherwise(pair: Pair) -> None:
    """Outside its spells a fraud changes nothing, but for the hour meter that goes on from a false reading."""
    inside = pd.Series(False, index=pair.told.index)
    after = pd.Series(False, index=pair.told.index)
    for code in Code:
        for label, _, told in pair.days_of(code):
            inside.loc[told.index] = True
            mine = pair._owned(label)
            after |= mine & (pair.told["day"] > label["to_day"])
    others = [name for name in pair.reports.columns if name != "hour_meter_hours"]
    honest = ~inside & ~after
    pd.testing.assert_frame_equal(pair.reports[honest], pair.told[honest])
    quiet = after & ~inside
    changed = (pair.reports[quiet][others].fillna(-1) != pair.told[quiet][others].fillna(-1)).any()
    assert set(changed[changed].index) <= {"state_changes", "fault_starts"}


def test_days_add_up_and_arrive_as_before(pair: Pair) -> None:
    assert (pair.told[SECONDS].sum(axis=1) == 86_400.0).all()
    parts = pair.told[["energy_executing_kwh", "energy_idle_kwh", "energy_other_kwh"]].sum(axis=1, min_count=3)
    assert (parts - pair.told["energy_kwh"]).abs().max() < 1e-9
    assert (pair.told["recorded_time"] == pair.reports["recorded_time"]).all()
    silent = pair.told["unknown_seconds"] == 86_400.0
    for name in [*ENERGIES, "peak_kw", "parts", "fault_starts", "state_changes"]:
        assert pair.told[name].isna().equals(silent), name


def test_the_truth_does_not_know_of_frauds(pair: Pair) -> None:
    for path in sorted((pair.honest.folder / "truth").iterdir()):
        assert pq.read_table(path).equals(pq.read_table(pair.false.folder / "truth" / path.name)), path.name
    assert not (pair.honest.folder / "truth" / "fraud.parquet").exists()


def test_air_cutting_adds_executing_time_and_no_parts(pair: Pair) -> None:
    for _, true, told in pair.days_of(Code.AIR_CUTTING):
        more = told["executing_seconds"] - true["executing_seconds"]
        assert more.between(0, 4 * 3600).all()
        assert more.max() > 0
        assert (told["off_seconds"] == true["off_seconds"] - more).all()
        assert (told["parts"].fillna(0) == true["parts"].fillna(0)).all()
        drawn = (told["energy_kwh"] - true["energy_kwh"])[more > 0] / (more[more > 0] / 3600)
        assert (drawn < 0.6 * true["energy_executing_kwh"].sum() / (true["executing_seconds"].sum() / 3600)).all()
        assert told["hour_meter_hours"].iloc[-1] > true["hour_meter_hours"].iloc[-1] or more.sum() == 0


def test_a_replay_tells_what_was_told_four_weeks_before(pair: Pair) -> None:
    seen = shaken = 0
    for label, _, told in pair.days_of(Code.REPLAYED_TELEMETRY):
        machine = told["machine_uid"].iloc[0]
        history = pair.told[pair.told["machine_uid"] == machine].set_index("day")
        first = label["from_day"]
        for back in range(14):
            day, source = first + pd.Timedelta(days=back), first + pd.Timedelta(days=back - 28)
            if day in history.index and source in history.index:
                now, then = history.loc[day], history.loc[source]
                assert (now[SECONDS] == then[SECONDS]).all()
                assert now["parts"] == then["parts"] or np.isnan(then["parts"])
                if then["energy_kwh"] > 0:
                    shaken += now["energy_kwh"] != then["energy_kwh"]
                    assert abs(now["energy_kwh"] / then["energy_kwh"] - 1) < 0.03
                seen += 1
    assert seen > 10
    assert shaken > 0.5 * seen * 5 / 7


def test_a_dummy_load_draws_energy_only(pair: Pair) -> None:
    for _, true, told in pair.days_of(Code.DUMMY_LOAD):
        same = [*SECONDS, "parts", "fault_starts", "state_changes", "scrap_parts", "hour_meter_hours"]
        pd.testing.assert_frame_equal(true[same], told[same])
        powered = 86_400 - told["off_seconds"] - told["unknown_seconds"]
        more = told["energy_kwh"] - true["energy_kwh"]
        assert (more[powered > 0] > 0).all()
        assert more[powered == 0].fillna(0).abs().max() < 1e-9


def test_a_spoofed_counter_counts_more_and_nothing_else(pair: Pair) -> None:
    for _, true, told in pair.days_of(Code.COUNTER_SPOOF):
        pd.testing.assert_frame_equal(true.drop(columns="parts"), told.drop(columns="parts"))
        assert (told["parts"].dropna() == np.floor(true["parts"].dropna() * 1.3)).all()
        assert told["parts"].sum() > 1.2 * true["parts"].sum()


def test_a_moved_gateway_tells_of_another_machine(pair: Pair) -> None:
    for label, true, told in pair.days_of(Code.MOVED_GATEWAY):
        ledger = pair.honest.ledger(RecordKind.MACHINE_OWNERSHIP).to_pandas()
        siblings = set(ledger[ledger["obligor_id"] == label["obligor_id"]]["machine_uid"]) - {label["machine_uid"]}
        others = pair.told[pair.told["machine_uid"].isin(siblings)].set_index(["machine_uid", "day"])
        by_day = told.set_index("day")
        alike = {
            sibling: (others.loc[sibling].reindex(by_day.index)[SECONDS] == by_day[SECONDS]).all(axis=1).mean()
            for sibling in siblings & set(others.index.get_level_values(0))
        }
        assert max(alike.values()) > 0.95
        assert (true.set_index("day")[SECONDS] == by_day[SECONDS]).all(axis=1).mean() < 0.9


def test_offline_spells_are_silent_and_apart(pair: Pair) -> None:
    spells = list(pair.days_of(Code.OFFLINE_BEFORE_INSPECTION))
    assert len(spells) >= 2
    for label, true, told in spells:
        assert (told["unknown_seconds"] == 86_400).all()
        assert told["energy_kwh"].isna().all()
        assert (label["to_day"] - label["from_day"]).days < 5
        assert (true["unknown_seconds"] < 86_400).any()


def test_a_rolled_back_meter_goes_on_from_less(pair: Pair) -> None:
    for _, true, told in pair.days_of(Code.HOUR_METER_ROLLBACK):
        less = (true["hour_meter_hours"] - told["hour_meter_hours"]).dropna()
        assert (less.round(6) == less.round(6).iloc[0]).all()
        assert 0.3 < less.iloc[0] / true["hour_meter_hours"].dropna().iloc[0] < 0.36
        pd.testing.assert_frame_equal(true.drop(columns="hour_meter_hours"), told.drop(columns="hour_meter_hours"))


def test_a_staged_shutdown_is_off_for_three_weeks(pair: Pair) -> None:
    for label, true, told in pair.days_of(Code.STAGED_SHUTDOWN):
        assert (label["to_day"] - label["from_day"]).days < 21
        assert (told["off_seconds"] + told["unknown_seconds"] == 86_400).all()
        assert told[["energy_kwh", "parts", "scrap_parts", "tool_changes"]].fillna(0).eq(0).all(axis=None)
        assert (told["unknown_seconds"] == true["unknown_seconds"]).all()
        assert true["executing_seconds"].sum() > 0


NUMBERED = {RecordKind.INVOICE: "invoice_id", RecordKind.RECEIPT: "receipt_id", RecordKind.FACILITY: "facility_id"}
CONTENT = ["obligor_id", "event_time", "recorded_time", "amount_minor"]
"""What a paper says whatever its number: with frauds on papers, all are numbered anew and lessors are two."""


def _split(pair: Pair, kind: RecordKind) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """(the honest world's rows, the same in the false world, the rows that only the false world has)."""
    own, told = (world.ledger(kind).to_pandas() for world in (pair.honest, pair.false))
    extra = {
        RecordKind.INVOICE: ["status", "buyer_id"],
        RecordKind.RECEIPT: ["buyer_id"],
        RecordKind.FACILITY: ["facility_kind", "rate_per_year"],
        RecordKind.REPAYMENT: [],
    }[kind]
    names = CONTENT if kind is not RecordKind.REPAYMENT else [*CONTENT[:3], "instalment", "amount_due_minor"]
    keys = [tuple(row) for row in own[[*names, *extra]].to_numpy()]
    told_keys = [tuple(row) for row in told[[*names, *extra]].to_numpy()]
    left = Counter(keys)
    kept = []
    for key in told_keys:
        kept.append(left[key] > 0)
        left[key] -= 1
    order = sorted(range(len(keys)), key=lambda place: (keys[place], place))
    same = told[kept]
    same_keys = [key for key, was in zip(told_keys, kept, strict=True) if was]
    same = same.iloc[sorted(range(len(same_keys)), key=lambda place: (same_keys[place], place))]
    return own.iloc[order].reset_index(drop=True), same.reset_index(drop=True), told[~np.array(kept)]


def _added(pair: Pair, kind: RecordKind) -> pd.DataFrame:
    """The rows that only the false world's ledger has."""
    return _split(pair, kind)[2]


def _guilty(pair: Pair, code: Code) -> set[str]:
    return set(pair.labels[pair.labels["fraud"] == code]["obligor_id"])


HEARD_OF_FRAUDS = {RecordKind.ENERGY_BILL, RecordKind.GATEWAY_SILENCE}
"""Meters count what is really drawn, and the monitor hears that gateways are cut off."""


def test_ledgers_only_grow(pair: Pair) -> None:
    """Nothing is taken away or changed but the numbers, which stand for the same papers, and the lessors."""
    grow = {*NUMBERED, RecordKind.REPAYMENT}
    renamed: dict[str, str] = {}
    for kind in LEDGERS:
        if not (pair.honest.folder / f"{kind}.csv").exists() or kind in HEARD_OF_FRAUDS:
            continue
        if kind not in grow:
            own, told = (world.ledger(kind).to_pandas() for world in (pair.honest, pair.false))
            pd.testing.assert_frame_equal(own, told)
            continue
        own, same, added = _split(pair, kind)
        numbers = ["corrected_invoice_id", "invoice_id", "receipt_id", "facility_id"]
        others = own.columns.difference([*numbers, "lender_id"])
        pd.testing.assert_frame_equal(own[others], same[others])
        assert len(added) > 0
        if kind in NUMBERED:
            assert pair.false.ledger(kind).to_pandas()[NUMBERED[kind]].is_unique
            renamed.update(zip(own[NUMBERED[kind]], same[NUMBERED[kind]], strict=True))
        for name in set(numbers) & set(own.columns):
            assert own[name].map(renamed, na_action="ignore").equals(same[name]), (kind, name)


def test_numbers_are_in_the_order_of_dates(pair: Pair) -> None:
    for kind, name in NUMBERED.items():
        told = pair.false.ledger(kind).to_pandas()
        running = told[name].str.rsplit("-", n=1).str[1].astype(int)
        by_number = told.assign(running=running).sort_values(["obligor_id", "running"])
        assert by_number.groupby("obligor_id")["event_time"].apply(lambda times: times.is_monotonic_increasing).all()
        assert (by_number["running"] == by_number.groupby("obligor_id").cumcount() + 1).all(), name


def _shape(numbers: pd.Series) -> pd.Series:
    """Numbers without what tells one paper from another: letters, suffixes and leading zeros stay."""
    shape = numbers.str.replace(r"^9\w+/M\d+$", "machine", regex=True).str.replace(r"-\d{7}-", "-firm-", regex=True)
    shape = shape.str.replace(r"-\d{5}(?=$|/)", "-padded", regex=True)
    return shape.str.replace(r"-\d+(?=$|/)", "-short", regex=True)


def _looks(world: WrittenWorld, kind: RecordKind) -> pd.DataFrame:
    """Of each paper what can be read off it alone: names, shapes of numbers, terms, times, what is empty."""
    rows = world.ledger(kind).to_pandas()
    local = rows["event_time"].dt.tz_convert("Asia/Shanghai")
    looks = pd.DataFrame({"obligor_id": rows["obligor_id"]})
    sort = rows.get("status", rows.get("facility_kind", pd.Series(kind.value, index=rows.index)))
    clock = local.dt.strftime("%H:%M:%S")
    office = np.where(local.dt.hour.between(9, 16) & local.dt.second.eq(0), "office", clock)
    morning = clock.eq("10:00:00") & ~sort.isin(["issued", "receipt", "invoice_advance"])
    looks["clock"] = sort + " " + np.where(morning, "morning", office)
    for name in rows.columns.intersection(["status", "lender_id", "facility_kind", "purpose", "instalments"]):
        looks[name] = rows[name].astype(str)
    for name in rows.columns.intersection(["delivery_id", "collateral_id", *NUMBERED.values()]):
        looks[name] = _shape(rows[name])
    looks["empty"] = sort + " " + rows.isna().apply(lambda row: " ".join(row.index[row]), axis=1)
    if kind is RecordKind.INVOICE:
        looks["term"] = (pd.to_datetime(rows["due_date"]) - local.dt.tz_localize(None).dt.normalize()).dt.days
        looks["of_a_firm"] = rows["buyer_id"].isin(rows["obligor_id"])
        net = rows["amount_minor"] - rows["tax_minor"]
        looks["tax_error"] = rows["tax_minor"] - (net * 13 + 50) // 100
    return looks


@pytest.mark.parametrize("kind", [*NUMBERED, RecordKind.REPAYMENT])
def test_no_look_of_a_paper_is_the_fraudsters_own(pair: Pair, kind: RecordKind) -> None:
    """Every value, suffix and gap on fraudsters' papers is found on those of honest firms too."""
    papers = [Code.PLEDGED_TWICE, Code.CIRCULAR_TRADE, Code.OVER_INVOICING, Code.LEASED_TWICE]
    guilty = set().union(*(_guilty(pair, code) for code in papers))
    looks = _looks(pair.false, kind)
    theirs = looks["obligor_id"].isin(guilty)
    assert theirs.any()
    for name in looks.columns.difference(["obligor_id"]):
        only = set(looks[theirs][name].dropna()) - set(looks[~theirs][name].dropna())
        assert not only, (name, only)


def test_leases_are_alike(pair: Pair) -> None:
    """Rates and lessors of forged leases are those of honest ones, and so is that they are repaid."""
    own, same, added = _split(pair, RecordKind.FACILITY)
    forged = added[added["facility_kind"] == "finance_lease"]
    honest = same[same["facility_kind"] == "finance_lease"]
    assert forged["rate_per_year"].nunique() > 1
    assert forged["rate_per_year"].between(0.055, 0.095).all()
    assert set(honest["lender_id"]) == {"LESSOR-SYNTHETIC", "LESSOR-SYNTHETIC-2"}
    assert set(own[own["facility_kind"] == "finance_lease"]["lender_id"]) == {"LESSOR-SYNTHETIC"}
    repaid = pair.false.ledger(RecordKind.REPAYMENT).to_pandas()["facility_id"]
    early = forged["event_time"] < pd.Timestamp(END) - pd.Timedelta(days=62)
    assert forged[early]["facility_id"].isin(repaid).all()


def test_honest_firms_that_bill_neighbours_close_no_ring(pair: Pair) -> None:
    guilty = _guilty(pair, Code.CIRCULAR_TRADE)
    added = _added(pair, RecordKind.INVOICE)
    work = added[added["delivery_id"].isna() & (added["status"] == "issued") & ~added["obligor_id"].isin(guilty)]
    assert len(work) > 0
    assert (work["buyer_id"] < work["obligor_id"]).all()


def test_invoices_are_pledged_twice_in_four_ways(pair: Pair) -> None:
    guilty = set(pair.labels[pair.labels["fraud"] == Code.PLEDGED_TWICE]["obligor_id"])
    added = _added(pair, RecordKind.FACILITY)
    pledges = added[added["facility_kind"] == "invoice_advance"]
    invoices = pair.false.ledger(RecordKind.INVOICE).to_pandas().set_index("invoice_id")
    honest = pledges[~pledges["obligor_id"].isin(guilty)]
    assert len(honest) > 0
    assert honest["collateral_id"].is_unique
    mine = pledges[pledges["obligor_id"].isin(guilty)]
    firsts = mine[mine["lender_id"] == "FACTOR-SYNTHETIC-1"]
    seconds = mine[mine["lender_id"] == "FACTOR-SYNTHETIC-2"]
    assert firsts["collateral_id"].is_unique
    exact = seconds["collateral_id"].isin(firsts["collateral_id"])
    split = seconds["collateral_id"].str.contains("/")
    known = seconds["collateral_id"].isin(invoices.index)
    edited = ~known & ~split
    assert exact.any()
    assert edited.any()
    assert split.any()
    assert (known & ~exact).any()
    reds = invoices[
        (invoices["status"] == "red_letter") & invoices["corrected_invoice_id"].isin(firsts["collateral_id"])
    ]
    assert (reds["amount_minor"] == invoices.loc[reds["corrected_invoice_id"]]["amount_minor"].to_numpy()).sum() > 0


def test_rings_bill_each_other_and_the_money_goes_round(pair: Pair) -> None:
    guilty = set(pair.labels[pair.labels["fraud"] == Code.CIRCULAR_TRADE]["obligor_id"])
    added = _added(pair, RecordKind.INVOICE)
    ring = added[added["obligor_id"].isin(guilty) & added["buyer_id"].isin(guilty)]
    assert len(ring) >= 3
    receipts = _added(pair, RecordKind.RECEIPT)
    paid = receipts[receipts["obligor_id"].isin(guilty)].set_index("invoice_id")
    assert paid.index.isin(ring["invoice_id"]).all()
    both = ring[ring["invoice_id"].isin(paid.index)]
    assert (paid.loc[both["invoice_id"]]["amount_minor"].to_numpy() == both["amount_minor"].to_numpy()).all()
    given, got = (ring.groupby(name)["amount_minor"].sum() for name in ("obligor_id", "buyer_id"))
    assert set(given.index) == set(got.index)


def test_over_invoicing_names_shipments_that_nobody_knows(pair: Pair) -> None:
    guilty = set(pair.labels[pair.labels["fraud"] == Code.OVER_INVOICING]["obligor_id"])
    added = _added(pair, RecordKind.INVOICE)
    mine = added[added["obligor_id"].isin(guilty) & added["delivery_id"].notna()]
    deliveries = set(pair.false.ledger(RecordKind.DELIVERY)["delivery_id"].to_pylist())
    orders = set(pair.false.ledger(RecordKind.PURCHASE_ORDER)["order_id"].to_pylist())
    assert len(mine) > 0
    assert not set(mine["delivery_id"]) & deliveries
    assert set(mine["delivery_id"].str.rsplit("/", n=1).str[0]) <= orders


def test_a_machine_is_leased_with_two_lessors(pair: Pair) -> None:
    facilities = pair.false.ledger(RecordKind.FACILITY).to_pandas()
    leases = facilities[facilities["facility_kind"] == "finance_lease"].groupby("collateral_id")["lender_id"].nunique()
    labelled = set(pair.labels[pair.labels["fraud"] == Code.LEASED_TWICE]["machine_uid"])
    assert set(leases[leases > 1].index) == labelled
    assert labelled


def test_samples_follow_the_false_reports(pair: Pair) -> None:
    samples = pair.false.samples().to_pandas()
    samples["day"] = samples["event_time"].dt.tz_convert("Asia/Shanghai").dt.date
    by_day = samples.groupby(["machine_uid", "day"])
    told = pair.told.set_index(["machine_uid", "day"]).loc[by_day.size().index]
    assert (by_day.size() * 900.0 == 86_400.0 - told["unknown_seconds"]).all()
    assert (by_day["part_delta"].sum() == told["parts"]).all()
    np.testing.assert_allclose(by_day["power_kw"].sum() * 0.25, told["energy_kwh"], atol=1e-9)
    labels = pair.labels[pair.labels["to_day"] >= samples["day"].min()]
    firms = {uid.split("/")[0] for uid in samples["machine_uid"].unique()}
    assert {"F1", "F3", "F4"} & set(labels[labels["obligor_id"].isin(firms)]["fraud"])


def test_a_false_world_goes_through_the_door_and_agrees_with_itself(pair: Pair, tmp_path: Path) -> None:
    """Every row is admitted, and the features' own roll-up of the samples finds the false reports, changes and all."""
    results, reader = admitted_with_reader(pair.false.folder, tmp_path, received_time=END)
    assert sum(result.rows_quarantined for result in results.values()) == 0
    rows = {entry["path"]: entry["rows"] for entry in _manifest(pair.false.folder)["files"]}
    assert {path: result.rows_admitted for path, result in results.items()} == rows
    firms = sorted({ObligorId(uid.split("/")[0]) for uid in pair.false.samples()["machine_uid"].to_pylist()})
    days, findings = load_machine_days(reader, as_of=END, obligor_ids=firms)
    assert list(findings) == []
    _agree(days.table.to_pandas(), pair.told)


def test_gateway_files_tell_what_the_false_reports_tell(pair: Pair, tmp_path: Path) -> None:
    labels = pair.labels[pair.labels["fraud"].isin(["F1", "F2", "F3", "F4", "F5", "F12"])].drop_duplicates("fraud")
    requests = [
        SampleRequest(
            obligor=ObligorId(label["obligor_id"]),
            from_date=label["from_day"],
            to_date=min(label["to_day"], label["from_day"] + timedelta(days=12)),
        )
        for _, label in labels.iterrows()
    ]
    folder = tmp_path / "world"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("simulator.world.load_parameters", many_frauds)
        exact = {**SIZES, "samples_for": 0, "observation": False}
        world = WrittenWorld(folder, simulate(**exact, frauds=["all"], samples=requests, out=folder))  # type: ignore[arg-type]
    kinds = (RecordKind.MACHINE_OWNERSHIP, RecordKind.SAMPLE)
    _, reader = admitted_with_reader(folder, tmp_path, received_time=END, kinds=kinds)
    days, _ = load_machine_days(reader, as_of=END, obligor_ids=[request.obligor for request in requests])
    _agree(days.table.to_pandas(), world.reports().to_pandas())
    assert len(requests) == 6


def _agree(days: pd.DataFrame, reports: pd.DataFrame) -> None:
    """Machine-days that come from samples say what the reports of the same days say."""
    sampled = days[days["source"] == "samples"].set_index(["machine_uid", "day"]).sort_index()
    reported = reports.set_index(["machine_uid", "day"]).loc[sampled.index]
    assert len(sampled) > 50
    for name in [*SECONDS, "parts", "fault_starts"]:
        assert (sampled[name] == reported[name]).all(), name
    for name in ENERGIES:
        np.testing.assert_allclose(sampled[name], reported[name], atol=1e-9)
    later = sampled.groupby(level=0).cumcount() > 0  # the first day's samples do not know the night before
    assert (sampled["state_changes"][later] == reported["state_changes"][later]).all()


def test_same_seed_same_bytes(pair: Pair, tmp_path: Path) -> None:
    again = _world(tmp_path / "again", frauds=["all"])
    assert _hashes(again.folder) == _hashes(pair.false.folder)


def test_codes_are_read_and_refused() -> None:
    assert parse_codes(["F10", "F1"]) == (Code.AIR_CUTTING, Code.OFFLINE_BEFORE_INSPECTION)
    assert parse_codes(["all"]) == tuple(Code)
    assert parse_codes([]) == ()
    with pytest.raises(UnknownFraud, match="F13"):
        parse_codes(["F1", "F13"])


def _manifest(folder: Path) -> dict[str, list[dict[str, object]]]:
    body = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert isinstance(body, dict)
    return body


def _hashes(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_the_sites_meter_counts_what_air_cutting_and_dummy_loads_draw(pair: Pair) -> None:
    key = ["obligor_id", "month"]
    honest, told = (
        world.ledger(RecordKind.ENERGY_BILL).to_pandas().set_index(key) for world in (pair.honest, pair.false)
    )
    more = (told["energy_kwh"] - honest["energy_kwh"]).round(2)
    drawing = pair.labels[pair.labels["fraud"].isin([Code.AIR_CUTTING, Code.DUMMY_LOAD])]["obligor_id"]
    raised = more[more != 0]
    assert len(raised) > 10
    assert (raised > 0).all()
    assert set(raised.index.get_level_values("obligor_id")) <= set(drawing)
    paid = (told["amount_minor"] - honest["amount_minor"])[more != 0]
    assert (paid / raised).between(69, 85)[raised > 100].all()
    energy = (pair.told["energy_kwh"] - pair.reports["energy_kwh"]).groupby(pair.told["machine_uid"]).sum()
    firms = energy.groupby(energy.index.str[:18]).sum()
    for obligor in set(raised.index.get_level_values("obligor_id")):
        assert raised[obligor].sum() <= firms[obligor] + 1.0
