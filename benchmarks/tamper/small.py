"""A home with something of every kind that is logged, small enough to be audited thousands of times. Synthetic."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from api.credit_decisions import service as credit_decisions
from api.credit_decisions import terms
from api.database.engine import unit_of_work
from api.database.tables import credit_decision
from api.decision_events import service as decision_events
from api.decision_events.repository import EventKind
from api.errors import SealRefused
from api.gateways import service as gateways
from api.home import Home, open_home
from api.insurance_policies import service as insurance_policies
from api.keys.principal import Role
from api.models import service as models
from api.operations import consents, machines, obligors
from api.operations.entries import entries, read_all
from api.overrides import service as overrides
from api.partners.repository import LOCAL
from api.pledges import service as pledges
from api.premium_quotes import repository as quotes
from api.premium_quotes import service as premium_quotes
from api.recourse import repository as offers
from api.responses import service as responses
from api.responses.schemas import AppealAsked, StepAsked
from api.scores.service import score_all
from api.telemetry.service import ingest_file
from api.watch import service as cases
from benchmarks import small_home
from data_contracts.evidence.seal import NO_SEAL, Seal, key_id_of, signed
from data_contracts.identifiers import BatchId, DecisionId, ObligorId, QuoteId
from data_contracts.mapping import Mapping, parse_mapping
from data_contracts.observations.tables import batch, to_microseconds
from scoring.monitoring.cases import Act, CaseOutcome, Opening
from scoring.monitoring.vocabulary import EarlyWarning, Severity, WarningCode
from scoring.records import CreditProduct, CreditRequest, InsuranceProduct, Outcome, QuoteRequest
from scoring.supply_chain.pledges.items import ItemKind, MachineItem

FIRST, SECOND = ObligorId("91999999MA0000001N"), ObligorId("91999999MA0001000T")
MONDAY = datetime(2026, 5, 4, tzinfo=UTC)
AS_OF = datetime(2026, 5, 7, tzinfo=UTC)
NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)
SIGNED = NOW + timedelta(hours=1)
"""When the checkpoint is signed that auditors keep."""

MAPPING = {
    "name": "gateway",
    "kind": "sample",
    "source_zone": "UTC",
    "site_zone": "UTC",
    "hold_seconds": 3600,
    "silence": "off",
    "recorded_time": "event_time",
    "data_origin": "synthetic",
    "columns": {
        "machine": {"column": "machine"},
        "event_time": {"column": "time"},
        "state": {"column": "state", "values": {"run": "Executing/Processing", "stop": "NotExecuting/None"}},
        "power_kw": {"column": "kw"},
    },
}


def build(folder: Path) -> Home:
    """A home under `folder`: two firms with samples, one row in quarantine, models of which one was vouched for, scores,
    decisions, quotes, consents given and withdrawn."""
    home = open_home(folder / "home")
    for firm in (FIRST, SECOND):
        ingest(home, folder, firm, days=3)
    seal_batches(home)
    own_machines(home)
    small_home.promote_models(home)
    version = models.promoted_credit(home).version
    small_home.vouch(home, version, now=NOW, until=NOW + timedelta(days=90))
    score_all(home, as_of=AS_OF, now=NOW)
    for firm in (FIRST, SECOND):
        decide(home, firm)
    override(home)
    recourse(home)
    look_after(home)
    quote(home)
    quote(home, InsuranceProduct.GUARANTEE)
    policy(home)
    pledge(home)
    given = consents.add(home, read_all(entries(None, CONSENT, names=consents.NAMES), consents.read_entry), now=NOW)
    consents.remove(home, given[0]["consent_id"], now=NOW)
    return home


CONSENT = {"obligor": FIRST, "recipient": LOCAL, "purpose": "credit"}


def ingest(
    home: Home,
    folder: Path,
    firm: ObligorId,
    *,
    days: int,
    start: datetime = MONDAY,
    last: int | None = None,
    now: datetime = NOW,
) -> None:
    """A sample an hour of one machine (the first `last` of them), running by day, and one row that no mapping reads."""
    path = folder / f"{firm}-{start:%Y%m%d%H}.csv"
    path.write_text(
        "\n".join(["machine,time,state,kw", *list(_samples(start, days))[:last], f"m1,{start.isoformat()},dancing,1"])
    )
    ingest_file(home, path, mapping=mapping(), obligor=firm, received_time=now)


def seal_batches(home: Home) -> None:
    """A gateway's key, two seals with one missing between them and one that is refused; and a key that was revoked, and
    revoked again for an earlier time."""
    key = Ed25519PrivateKey.from_private_bytes(b"g" * 32)
    public, now_us = key.public_key().public_bytes_raw(), to_microseconds(NOW)
    seal = Seal(key_id_of(public), "b0" * 16, 0, 1_000_000, now_us, NO_SEAL, hashlib.sha256(b"body 0").hexdigest())
    later = replace(seal, sequence=2, monotonic_us=61_000_000, wall_us=now_us + 60_000_000, previous="1" * 64)
    later = replace(later, body_sha256=hashlib.sha256(b"body 2").hexdigest())
    with unit_of_work(home.engine) as connection:
        batches = connection.scalars(sa.select(batch.c.batch_id).order_by(batch.c.sequence)).all()
        for raw in (public, Ed25519PrivateKey.from_private_bytes(b"h" * 32).public_key().public_bytes_raw()):
            told = gateways.add(
                connection,
                obligor_id=FIRST,
                gateway=f"gateway-{raw.hex()[:4]}",
                public_key=base64.b64encode(raw).decode(),
                livemode=False,
                by="operator",
                now=NOW,
            )
        for effective in (NOW, NOW - timedelta(days=1)):
            gateways.revoke(connection, told["key_id"], effective=effective, now=NOW)
        for sent, body, batch_id in zip((seal, later), (b"body 0", b"body 2"), batches, strict=True):
            text = signed(sent, key)
            sealed = gateways.examine(connection, text, body=body, obligor_id=FIRST, livemode=False, now=NOW)
            gateways.keep(connection, sealed, BatchId(batch_id), now=NOW)
        try:
            gateways.examine(connection, signed(later, key), body=b"", obligor_id=FIRST, livemode=False, now=NOW)
        except SealRefused as error:
            refused = gateways.proof_of(error)
            assert refused is not None, "its own key signed it"
            gateways.keep_refusal(connection, refused, by="gateway", now=NOW)


def pledge(home: Home) -> None:
    """A machine that is pledged, asked for again in vain, and released."""
    machine = MachineItem(maker="M", serial_number="1", machine_uid=None)
    asked = pledges.PledgeRequest(obligor_id=FIRST, kinds=[ItemKind.MACHINE], items=[machine])
    with unit_of_work(home.engine) as connection:
        held = pledges.reserve(connection, home, asked, partner=LOCAL, livemode=False, now=NOW)
        pledges.confirm(connection, held["pledge_id"], review=None, now=NOW)
        pledges.reserve(connection, home, asked, partner=LOCAL, livemode=False, now=NOW)
        pledges.release(connection, held["pledge_id"], now=NOW)


def mapping() -> Mapping:
    """How the samples are read."""
    return parse_mapping(json.dumps(MAPPING), source="benchmark")


def own_machines(home: Home) -> None:
    """Both firms by name, and a machine of the first by its value, as an operator says it."""
    told = {"name": "One", "subject_kind": "legal_person", "industry_division": "C34", "site_zone": "UTC"}
    firms = [{"obligor": FIRST, **told}, {"obligor": SECOND, **told, "name": "Two"}]
    for firm in firms:
        options = {**firm, "from": "2026-05-01", "recorded": "2026-05-02"}
        obligors.add(home, read_all(entries(None, options, names=obligors.NAMES), obligors.read_entry), now=NOW)
    machine = {"machine": "m1", "obligor": FIRST, "from": "2026-05-01", "recorded": "2026-05-02"}
    machine |= {"asset_value": "800000.00", "install_date": "2024-01-01"}
    machines.add(home, read_all(entries(None, machine, names=machines.NAMES), machines.read_entry), now=NOW)


def decide(home: Home, firm: ObligorId, *, now: datetime = NOW, amount_minor: int = 10_000_000) -> bytes:
    """A lending recommendation to the home's own partner."""
    request = CreditRequest(
        obligor_id=firm,
        product=CreditProduct.WORKING_CAPITAL,
        amount_minor=amount_minor,
        currency="CNY",
        tenor_months=12,
        as_of=AS_OF,
    )
    return credit_decisions.decide(home, request, partner=LOCAL, now=now)


def override(home: Home) -> None:
    """The first firm's recommendation is set aside: one proposes, another confirms; and what became of it."""
    with home.engine.connect() as connection:
        row = connection.execute(sa.select(credit_decision).where(credit_decision.c.obligor_id == FIRST)).one()
    outcome, reason = (Outcome.DECLINE, "negative_information")
    if row.outcome == outcome:
        outcome, reason = (Outcome.REFER, "new_contract")
    proposed = overrides.propose(
        home,
        DecisionId(row.decision_id),
        outcome=outcome,
        reason_code=reason,
        reason_text="What the officer knows and the data do not tell.",
        by="officer",
        days=30,
        now=NOW,
    )
    overrides.confirm(home, proposed["override_id"], by="director", now=NOW)
    decision_events.report(
        home, DecisionId(row.decision_id), EventKind.NOT_GRANTED, on=NOW.date(), note="", by="officer", now=NOW
    )


def recourse(home: Home) -> None:
    """An offer about the second firm's recommendation, and what was concluded when it was reported done."""
    with unit_of_work(home.engine) as connection:
        row = connection.execute(sa.select(credit_decision).where(credit_decision.c.obligor_id == SECOND)).one()
        offers.append_offer(
            connection,
            "offer",
            DecisionId(row.decision_id),
            good_until=AS_OF.date(),
            plans=1,
            note="signed elsewhere",
            body=b"{}",
            now=NOW,
        )
        concluded = {"outcome": row.outcome, "is_kept": True, "body": b"{}", "snapshot_id": row.snapshot_id}
        offers.append_rescore(
            connection, {"rescore_id": "again", "offer_id": "offer", "plan": 0, "reported_time": NOW, **concluded}
        )


def look_after(home: Home) -> None:
    """The second firm's loan: a case that was opened and closed; a step that was taken, and the appeal
    against it; and terms that it rested on."""
    weak = EarlyWarning(
        unit=SECOND,
        day=AS_OF.date(),
        code=WarningCode.WEAK_PRODUCTION,
        severity=Severity.SERIOUS,
        strength=3.0,
        evidence={},
    )
    opens = Opening(severity=Severity.SERIOUS)
    (news,), _ = cases.keep(
        home, {SECOND: [weak]}, [SECOND], day=weak.day, opens=opens, parameters_version="made up", now=NOW
    )
    with unit_of_work(home.engine) as connection:
        cases.handle(
            connection,
            news["case_id"],
            Act.CLOSE,
            by="officer",
            reason="orders came back",
            until=None,
            outcome=CaseOutcome.RECOVERED,
            now=NOW,
        )
        loan = connection.execute(sa.select(credit_decision).where(credit_decision.c.obligor_id == SECOND)).one()
        step = StepAsked(kind="step", step="notice", reason="no data", evidence=(news["case_id"],), by="officer")
        terms.keep(connection, loan.decision_id, {"product": "receivables"}, now=NOW)
        responses.tell(connection, loan, step, role=Role.BANK, now=NOW)
        about = responses.course(connection, loan, now=NOW)["events"][0]["event_id"]
        appeal = AppealAsked(kind="appeal", about=about, reason="the gateway was broken", by="owner")
        responses.tell(connection, loan, appeal, role=Role.OBLIGOR, now=NOW)


def quote(home: Home, product: InsuranceProduct = InsuranceProduct.EQUIPMENT_UBI, *, as_of: datetime = AS_OF) -> bytes:
    """A premium for the first firm: of its machine, or of its credit."""
    request = QuoteRequest(
        obligor_id=FIRST,
        product=product,
        sum_insured_minor=80_000_000,
        currency="CNY",
        starts=datetime(2026, 12, 1, tzinfo=UTC).date(),
        ends=datetime(2027, 11, 30, tzinfo=UTC).date(),
        machines=(),
        as_of=as_of,
    )
    return premium_quotes.quote(home, request, partner=LOCAL, now=NOW)


def policy(home: Home) -> None:
    """A quote on what is known now becomes a policy."""
    told = json.loads(quote(home, as_of=NOW))
    with unit_of_work(home.engine) as connection:
        row = quotes.load(connection, QuoteId(told["quote_id"]))
        insurance_policies.bind_quote(connection, home, row, by="insurer", now=NOW)


def _samples(start: datetime, days: int) -> Iterator[str]:
    for hour in range(24 * days):
        stamp = start + timedelta(hours=hour)
        yield f"m1,{stamp.isoformat()},{'run,7.5' if 8 <= stamp.hour < 18 else 'stop,0.4'}"
