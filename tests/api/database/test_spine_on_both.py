"""From a file to a decision on SQLite and on PostgreSQL: the same rows, the same answers."""

from __future__ import annotations

import base64
import hashlib
import json
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path

import pyarrow as pa
import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from api.credit_decisions import service as credit_decisions
from api.database.engine import unit_of_work
from api.evidence.claims import Kind
from api.gateways import service as gateways
from api.home import Home, open_home
from api.machines.service import machine_days
from api.obligors import service as registration
from api.operations import evidence
from api.operations.audit.discrepancy import Verdict
from api.operations.audit.examine import audit
from api.operations.rolling import roll_up
from api.partners.repository import LOCAL
from api.receipts.opening import parse_opening
from api.receipts.service import receipt
from api.snapshots.service import reader, take_snapshot
from api.telemetry.service import ingest_file
from data_contracts.contract import RecordKind
from data_contracts.evidence import verify
from data_contracts.evidence.chain import FaultKind
from data_contracts.evidence.seal import NO_SEAL, Seal, key_id_of, signed
from data_contracts.identifiers import BatchId, DecisionId, ObligorId
from data_contracts.mapping import Mapping, parse_mapping
from data_contracts.observations.store import ObservationStore
from data_contracts.observations.tables import batch, chunk, observation_file, quarantined_row, to_microseconds
from data_contracts.reference.dated import load_book
from features.rolling import sampled_days
from scoring import registry
from scoring.credit.artefact import CreditArtefact
from scoring.records import CreditProduct, CreditRequest
from scoring.training.credit import train_credit
from scoring.training.split import time_split

OBLIGOR = ObligorId("91999999MA0000001N")
MONDAY = datetime(2026, 5, 4, tzinfo=UTC)
AS_OF = datetime(2026, 5, 6, tzinfo=UTC)
NOW = datetime(2026, 11, 21, tzinfo=UTC)
MAPPING = {
    "name": "gateway",
    "kind": "sample",
    "source_zone": "UTC",
    "site_zone": "UTC",
    "hold_seconds": 600,
    "silence": "off",
    "recorded_time": "event_time",
    "columns": {
        "machine": {"column": "machine"},
        "event_time": {"column": "time"},
        "state": {"column": "state", "values": {"run": "Executing/Processing", "stop": "NotExecuting/None"}},
        "power_kw": {"column": "kw"},
    },
}


@pytest.fixture
def home(tmp_path: Path, database_url: str) -> Iterator[Home]:
    """An empty home on each database."""
    home = open_home(tmp_path / "home", database_url=database_url)
    yield home
    home.engine.dispose()


@pytest.fixture(scope="module")
def tiny_model() -> CreditArtefact:
    """A default model of a small artificial book."""
    sys.path.append(str(Path(__file__).parents[2] / "scoring"))
    from scoring_book import SEED, credit_training_set, make_world, month

    months = range(3, 36)
    data = credit_training_set(make_world(obligors=400, seed=11), months)
    split = time_split([month(index) for index in months])
    return train_credit(data, split=split, parameters=load_book(files("scoring") / "parameters"), seed=SEED)


def gateway() -> Mapping:
    return parse_mapping(json.dumps(MAPPING), source="test")


def written(folder: Path, rows: list[str], name: str = "telemetry.csv") -> Path:
    path = folder / name
    path.write_text("\n".join(["machine,time,state,kw", *rows]) + "\n", encoding="utf-8")
    return path


def two_days(machine: str = "m1") -> list[str]:
    """A sample every five minutes for two days: by day running, by night stopped."""
    stamps = [MONDAY + timedelta(minutes=5 * index) for index in range(2 * 288)]
    return [f"{machine},{stamp.isoformat()},{'run,7.5' if 8 <= stamp.hour < 18 else 'stop,0.4'}" for stamp in stamps]


def ingest(home: Home, source: Path) -> tuple[int, int, int]:
    result = ingest_file(home, source, mapping=gateway(), obligor=OBLIGOR, received_time=NOW)
    return result.rows_admitted, result.rows_duplicate, result.rows_quarantined


def test_rows_are_admitted_once_and_corrections_stand_beside(home: Home, tmp_path: Path) -> None:
    assert ingest(home, written(tmp_path, two_days())) == (576, 0, 0)
    assert ingest(home, written(tmp_path, two_days())) == (0, 576, 0)
    assert ingest(home, written(tmp_path, [f"m1,{MONDAY.isoformat()},stop,0.5"])) == (1, 0, 0)
    assert ingest(home, written(tmp_path, [f"m1,{MONDAY.isoformat()},dancing,0.5"])) == (0, 0, 1)
    with unit_of_work(home.engine) as connection:
        rows = reader(connection, home).rows(RecordKind.SAMPLE, as_of=AS_OF, obligor_ids=[OBLIGOR])
        assert rows.num_rows == 576
        assert rows["power_kw"][0].as_py() == 0.5
        fault = connection.execute(sa.select(quarantined_row)).one()
        assert (fault.column, fault.value, fault.reason) == ("state", "dancing", "unknown_word")
        salts = connection.scalars(sa.select(chunk.c.salt)).all()
        assert all(isinstance(salt, bytes) and len(salt) == 16 for salt in salts)
        assert connection.scalars(sa.select(batch.c.sequence).order_by(batch.c.sequence)).all() == [1, 2, 3, 4]


def test_what_is_rolled_up_is_kept_once_and_answers_the_same(home: Home, tmp_path: Path) -> None:
    ingest(home, written(tmp_path, two_days()))

    def answered() -> pa.Table:
        with unit_of_work(home.engine) as connection:
            machines = reader(connection, home).machines(as_of=NOW)
            return sampled_days(reader(connection, home), as_of=NOW, machines=machines).table

    def rolled() -> int:
        with ThreadPoolExecutor(2) as pool:
            return roll_up(home, now=NOW, executor=pool, progress=lambda *_: None).versions

    before = answered()
    assert (rolled(), rolled()) == (2, 0)
    assert answered().equals(before)
    ingest(home, written(tmp_path, [f"m1,{(MONDAY + timedelta(minutes=2)).isoformat()},run,9.0"]))
    late = answered()
    assert not late.equals(before)
    assert (rolled(), rolled()) == (1, 0)
    assert answered().equals(late)


def test_what_is_not_committed_is_not_there_and_can_be_sent_again(home: Home, tmp_path: Path) -> None:
    source = written(tmp_path, two_days())
    with pytest.raises(KeyboardInterrupt), unit_of_work(home.engine) as connection:
        store = ObservationStore(home.observations)
        from data_contracts.admission import admit

        admit(connection, store, source, gateway(), obligor=OBLIGOR, received_time=NOW)
        raise KeyboardInterrupt
    with unit_of_work(home.engine) as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(batch)) == 0
        assert reader(connection, home).rows(RecordKind.SAMPLE, as_of=NOW).num_rows == 0
        assert len(ObservationStore(home.observations).sweep(connection)) == 2
    assert ingest(home, source) == (576, 0, 0)
    with unit_of_work(home.engine) as connection:
        assert ObservationStore(home.observations).sweep(connection) == []


def test_admissions_of_the_same_rows_at_once_count_them_once(home: Home, tmp_path: Path) -> None:
    sources = [written(tmp_path, two_days(), f"{number}.csv") for number in range(6)]
    with ThreadPoolExecutor(max_workers=6) as pool:
        counts = list(pool.map(lambda source: ingest(home, source), sources))
    assert sorted(counts) == [(0, 576, 0)] * 5 + [(576, 0, 0)]
    with unit_of_work(home.engine) as connection:
        assert connection.scalars(sa.select(batch.c.sequence).order_by(batch.c.sequence)).all() == [1, 2, 3, 4, 5, 6]
        rows = connection.scalar(sa.select(sa.func.sum(observation_file.c.rows)))
        assert int(rows or 0) == 576


def test_machine_days_add_up(home: Home, tmp_path: Path) -> None:
    ingest(home, written(tmp_path, two_days()))
    with unit_of_work(home.engine) as connection:
        days, findings = machine_days(connection, home, OBLIGOR, as_of=AS_OF, now=NOW)
    assert not findings
    assert days.table["executing_seconds"].to_pylist() == [36_000.0, 36_000.0]


def test_a_decision_is_kept_and_comes_out_again(home: Home, tmp_path: Path, tiny_model: CreditArtefact) -> None:
    ingest(home, written(tmp_path, two_days()))
    registry.save_artefact(home.models, tiny_model)
    registry.point_to(home.models, "credit", registry.Pointer(version=tiny_model.version, expires_time=None))
    request = CreditRequest(
        obligor_id=OBLIGOR,
        product=CreditProduct.WORKING_CAPITAL,
        amount_minor=100_000_00,
        currency="CNY",
        tenor_months=12,
        as_of=AS_OF,
    )
    body = credit_decisions.decide(home, request, partner=LOCAL, now=NOW)
    assert credit_decisions.decide(home, request, partner=LOCAL, now=NOW) == body
    answer = json.loads(body)
    assert answer["source"] == "thin_history"
    assert credit_decisions.replay(home, DecisionId(answer["decision_id"])) == body
    signed = evidence.sign(home, since=None, now=NOW)
    keys = verify.parse_keys("\n".join(signed["keys"]))
    with unit_of_work(home.engine) as connection:
        audited = audit(connection, home, checkpoint=verify.parse_checkpoint(signed["text"]), keys=keys)
        told = receipt(
            connection, home, Kind.CREDIT_DECISION, answer["decision_id"], opening=parse_opening(["features"]), now=NOW
        )
    assert verify.check_receipt(json.dumps(told), keys)["features"]
    unlogged = {(item.verdict, item.kind) for item in audited.discrepancies}
    assert unlogged == {(Verdict.NOT_LOGGED, "model")}  # it was put there by hand, and thin history names no model
    assert audited.covered == audited.entries > 5


def test_a_seal_is_judged_by_what_came_before(home: Home) -> None:
    key = Ed25519PrivateKey.from_private_bytes(b"g" * 32)
    public = key.public_key().public_bytes_raw()
    first = Seal(key_id_of(public), "b0" * 16, 0, 1_000_000, to_microseconds(NOW), NO_SEAL, "0" * 64)
    with unit_of_work(home.engine) as connection:
        registration.register(connection, [OBLIGOR], now=NOW)
        encoded = base64.b64encode(public).decode()
        gateways.add(
            connection, obligor_id=OBLIGOR, gateway="G1", public_key=encoded, livemode=False, by="operator", now=NOW
        )
        found = []
        for number, body in enumerate((b"one", b"two")):
            text = signed(replace(first, body_sha256=hashlib.sha256(body).hexdigest()), key)
            sealed = gateways.examine(connection, text, body=body, obligor_id=OBLIGOR, livemode=False, now=NOW)
            gateways.keep(connection, sealed, BatchId(f"b{number}"), now=NOW)
            found.append([fault.kind for fault in sealed.faults])
        gateways.revoke(connection, key_id_of(public), effective=NOW, now=NOW)
        told = gateways.listed(connection, OBLIGOR, livemode=False)
    assert found == [[], [FaultKind.FORK]]
    assert [fault["kind"] for fault in told["faults"]] == ["fork"]
    assert told["gateway_keys"][0]["revoked_from"] == NOW.isoformat()


def test_both_databases_give_the_same_snapshot(tmp_path: Path, postgresql_url: str, empty_postgresql_url: str) -> None:
    assert empty_postgresql_url == postgresql_url
    taken = []
    for name, url in (("sqlite", None), ("postgresql", postgresql_url)):
        home = open_home(tmp_path / name, database_url=url)
        ingest(home, written(tmp_path, two_days()))
        with unit_of_work(home.engine) as connection:
            taken.append(take_snapshot(connection, home, OBLIGOR, as_of=AS_OF, now=NOW))
        home.engine.dispose()
    assert taken[0].canonical() == taken[1].canonical()
