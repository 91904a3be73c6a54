"""The demonstration: a synthetic world from files to recommendations, and a real manufacturer beside it.

Every step is skipped where an earlier run has done it, so that a repeated run takes seconds and prints the same.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from api.credit_decisions import service as credit_decisions
from api.database.engine import unit_of_work
from api.demo_doors import open_doors
from api.errors import NoModel
from api.home import Home
from api.instants import local_midnight
from api.models import service as models
from api.partners.repository import LOCAL
from api.premium_quotes import service as premium_quotes
from api.scores import service as scores
from api.snapshots.service import site_zone, take_snapshot
from api.telemetry import service as telemetry
from data_contracts.identifiers import ObligorId
from data_contracts.mapping import load_mapping
from data_contracts.observations.tables import batch
from risk_reports import credit_memo, portfolio_report, premium_statement, tables
from risk_reports.wording.catalogue import Language
from scoring import registry
from scoring.cards import SYNTHETIC_STATEMENT
from scoring.records import CreditProduct, CreditRequest, InsuranceProduct, QuoteRequest, ScoreRecord

Progress = Callable[[str, int, int], None]

WORLD: dict[str, Any] = {"world": "base", "obligors": 1500, "months": 48, "seed": 1}
WORLD_ENDS = datetime(2026, 7, 1, tzinfo=ZoneInfo("Asia/Shanghai"))
REAL_OBLIGOR = ObligorId("91999999MA0000001N")
REAL_MAPPING = "unipi_sme"
LOAN_MINOR, TENOR_MONTHS, CURRENCY = 100_000_00, 12, "CNY"
SUM_INSURED_MINOR = 3_000_000_00


def run(home: Home, *, real: Path | None, build_world: Callable[[Path], None], progress: Progress) -> Iterator[str]:
    """Do what is not done yet and yield the lines to print."""
    as_of, now = WORLD_ENDS.astimezone(UTC), datetime.now(UTC)
    _world(home, build_world, progress=progress, now=now)
    _train(home, as_of=as_of, progress=progress)
    progress("score everybody", 0, 1)
    records = _synthetic(scores.score_all(home, as_of=as_of, now=now))
    progress("score everybody", 1, 1)
    yield portfolio_report.text(records)
    yield from portfolio_report.model_lines(registry.plain_card(models.promoted_credit(home)))
    yield from _answers(home, typical_obligor(records), as_of=as_of, now=now)
    if real:
        yield from _real(home, real, now=now)


def _synthetic(records: Sequence[ScoreRecord]) -> list[ScoreRecord]:
    """The world's own firms: the real one's three weeks lie years before its end."""
    return [record for record in records if record.obligor_id != REAL_OBLIGOR]


def typical_obligor(records: Sequence[ScoreRecord]) -> ObligorId:
    """The one in the middle of the book by probability of default."""
    return sorted(records, key=lambda record: (record.pd_12m, record.obligor_id))[len(records) // 2].obligor_id


def doors(home: Home, *, url: str) -> Iterator[str]:
    """Open the doors for the obligor that was shown, and yield what to print."""
    now = datetime.now(UTC)
    yield from open_doors(home, shown_obligor(home, now=now), url=url, day=WORLD_ENDS, now=now)


def shown_obligor(home: Home, *, now: datetime) -> ObligorId:
    """The obligor whose answers the demonstration prints, chosen by rule from everybody's scores at the world's end."""
    return typical_obligor(_synthetic(scores.score_all(home, as_of=WORLD_ENDS.astimezone(UTC), now=now)))


def _world(home: Home, build_world: Callable[[Path], None], *, progress: Progress, now: datetime) -> None:
    folder = home.root / "world"
    if not (folder / "manifest.json").exists():
        build_world(folder)
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    with unit_of_work(home.engine) as connection:
        known = set(connection.scalars(sa.select(batch.c.source_sha256)))
    if any(entry["sha256"] not in known for entry in manifest["files"]):
        telemetry.ingest_folder(home, folder, received_time=now, progress=progress)


def _train(home: Home, *, as_of: datetime, progress: Progress) -> None:
    steps = (
        ("train credit", models.promoted_credit, models.train_credit),
        ("train insurance", models.promoted_insurance, models.train_insurance),
    )
    for name, promoted, train in steps:
        progress(name, 0, 1)
        try:
            promoted(home)
        except NoModel:
            train(home, as_of=as_of)
        progress(name, 1, 1)


def _real(home: Home, source: Path, *, now: datetime) -> Iterator[str]:
    mapping = load_mapping(REAL_MAPPING)
    result = telemetry.ingest_file(home, source, mapping=mapping, obligor=REAL_OBLIGOR, received_time=now)
    yield (
        f"\nThe real manufacturer ({REAL_OBLIGOR}): {result.rows_read:,} rows read, {result.rows_admitted:,} admitted, "
        f"{result.rows_duplicate:,} already known, {result.rows_quarantined:,} quarantined. The data are real; "
        f"the models are trained on the synthetic world: {SYNTHETIC_STATEMENT}."
    )
    with unit_of_work(home.engine) as connection:
        last = connection.scalar(sa.select(sa.func.max(batch.c.event_until)).where(batch.c.obligor_id == REAL_OBLIGOR))
        assert last is not None, "the real file was admitted"
        zone = site_zone(connection, home, REAL_OBLIGOR)
        as_of = local_midnight(last + timedelta(days=1), zone=zone)
        snapshot = take_snapshot(connection, home, REAL_OBLIGOR, as_of=as_of, now=now)
    yield "\n" + tables.features_text(snapshot)
    yield from _answers(home, REAL_OBLIGOR, as_of=as_of, now=now)


def _answers(home: Home, obligor: ObligorId, *, as_of: datetime, now: datetime) -> Iterator[str]:
    """One recommendation and one premium, each in both languages."""
    loan = CreditRequest(
        obligor_id=obligor,
        product=CreditProduct.WORKING_CAPITAL,
        amount_minor=LOAN_MINOR,
        currency=CURRENCY,
        tenor_months=TENOR_MONTHS,
        as_of=as_of,
    )
    starts = as_of.date() + timedelta(days=1)
    cover = QuoteRequest(
        obligor_id=obligor,
        product=InsuranceProduct.EQUIPMENT_UBI,
        sum_insured_minor=SUM_INSURED_MINOR,
        currency=CURRENCY,
        starts=starts,
        ends=date(starts.year + 1, starts.month, starts.day) - timedelta(days=1),
        machines=(),
        as_of=as_of,
    )
    decision = json.loads(credit_decisions.decide(home, loan, partner=LOCAL, now=now))
    premium = json.loads(premium_quotes.quote(home, cover, partner=LOCAL, now=now))
    for language in (Language.EN, Language.ZH):
        yield "\n" + credit_memo.text(decision, language)
        yield "\n" + premium_statement.text(premium, language)
