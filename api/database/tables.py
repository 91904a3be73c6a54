"""Business records: obligors, partners, consents, decisions, quotes. Bodies are the exact bytes that were answered."""

from __future__ import annotations

import sqlalchemy as sa

from data_contracts.observations.tables import Instant

metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

obligor = sa.Table(
    "obligor",
    metadata,
    sa.Column("obligor_id", sa.String(18), primary_key=True),
    sa.Column("name", sa.String(200)),
    sa.Column("subject_kind", sa.String(20)),
    sa.Column("registered_time", Instant, nullable=False),
    sa.Column("registered_by", sa.String(40), nullable=False),
)

partner = sa.Table(
    "partner",
    metadata,
    sa.Column("partner_id", sa.String(40), primary_key=True),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("created_time", Instant, nullable=False),
)

lender_name = sa.Table(
    "lender_name",
    metadata,
    sa.Column("partner_id", sa.ForeignKey("partner.partner_id"), primary_key=True),
    sa.Column("lender_id", sa.String(200), primary_key=True, comment="as facility ledgers name the partner"),
    sa.Column("told_time", Instant, nullable=False),
)

consent = sa.Table(
    "consent",
    metadata,
    sa.Column("consent_id", sa.String(40), primary_key=True),
    sa.Column("obligor_id", sa.ForeignKey("obligor.obligor_id"), nullable=False),
    sa.Column("recipient", sa.String(40), nullable=False, comment="a partner's id, or 'platform'"),
    sa.Column("purpose", sa.String(20), nullable=False),
    sa.Column("streams", sa.JSON, nullable=False),
    sa.Column("granted_time", Instant, nullable=False),
    sa.Column("expires_time", Instant),
    sa.Column("withdrawn_time", Instant),
    sa.Column("mark", sa.String(40), nullable=False, comment="how it was given, e.g. operator_declared"),
    sa.Column("evidence", sa.String(64), comment="SHA-256 of the document that shows it"),
    sa.Index(None, "obligor_id", "recipient", "purpose"),
)

credit_decision = sa.Table(
    "credit_decision",
    metadata,
    sa.Column("decision_id", sa.String(40), primary_key=True),
    sa.Column("obligor_id", sa.ForeignKey("obligor.obligor_id"), nullable=False),
    sa.Column("partner_id", sa.ForeignKey("partner.partner_id"), nullable=False),
    sa.Column("decided_time", Instant, nullable=False),
    sa.Column("as_of", Instant, nullable=False),
    sa.Column("outcome", sa.String(10), nullable=False),
    sa.Column("rating_grade", sa.String(3), nullable=False),
    sa.Column("request", sa.JSON, nullable=False),
    sa.Column("snapshot_id", sa.String(64), nullable=False),
    sa.Column("model_version", sa.String(64)),
    sa.Column("parameters_version", sa.String(64), nullable=False),
    sa.Column("consent_ids", sa.JSON(none_as_null=True), comment="the consents that it rested on"),
    sa.Column("model_mandate", sa.String(10), comment="how far people answered for the model then"),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Index(None, "obligor_id", "partner_id", "decided_time"),
)

decision_override = sa.Table(
    "decision_override",
    metadata,
    sa.Column("override_id", sa.String(40), primary_key=True),
    sa.Column("decision_id", sa.ForeignKey("credit_decision.decision_id"), nullable=False, index=True),
    sa.Column("outcome", sa.String(10), nullable=False),
    sa.Column("reason_code", sa.String(40), nullable=False),
    sa.Column("reason_text", sa.String(1000), nullable=False),
    sa.Column("proposed_by", sa.String(200), nullable=False),
    sa.Column("proposed_time", Instant, nullable=False),
    sa.Column("expires_time", Instant, nullable=False),
)

override_confirmation = sa.Table(
    "override_confirmation",
    metadata,
    sa.Column("override_id", sa.ForeignKey("decision_override.override_id"), primary_key=True),
    sa.Column("confirmed_by", sa.String(200), nullable=False),
    sa.Column("confirmed_time", Instant, nullable=False),
)

decision_event = sa.Table(
    "decision_event",
    metadata,
    sa.Column("event_id", sa.String(40), primary_key=True),
    sa.Column("decision_id", sa.ForeignKey("credit_decision.decision_id"), nullable=False, index=True),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("happened_on", sa.Date, nullable=False),
    sa.Column("note", sa.String(1000), nullable=False),
    sa.Column("reported_by", sa.String(200), nullable=False, comment="a partner's id, the obligor's code, or a name"),
    sa.Column("reported_time", Instant, nullable=False),
)
"""What became of a decision, as its partner or its obligor reports it."""

decision_terms = sa.Table(
    "decision_terms",
    metadata,
    sa.Column("terms_id", sa.String(40), primary_key=True),
    sa.Column("decision_id", sa.ForeignKey("credit_decision.decision_id"), nullable=False, index=True),
    sa.Column("told_time", Instant, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False, comment="canonical JSON, as it was answered"),
)
"""What a product of the chain rested on when a decision was told: once for each different telling."""

response_event = sa.Table(
    "response_event",
    metadata,
    sa.Column("event_id", sa.String(40), primary_key=True),
    sa.Column("decision_id", sa.ForeignKey("credit_decision.decision_id"), nullable=False),
    sa.Column("number", sa.Integer, nullable=False, comment="its place in the course of the decision's loan"),
    sa.Column("about", sa.ForeignKey("response_event.event_id"), comment="the step or hardship that it answers"),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("told_by", sa.String(10), nullable=False, comment="bank or obligor"),
    sa.Column("person", sa.String(200), nullable=False),
    sa.Column("told_time", Instant, nullable=False),
    sa.Column("said", sa.JSON, nullable=False, comment="what goes with the kind: step, days, evidence, answer, words"),
    sa.UniqueConstraint("decision_id", "number"),
)
"""The graduated answer to trouble with a loan: steps, appeals and their answers, hardships; appended, never changed."""

shadow_decision = sa.Table(
    "shadow_decision",
    metadata,
    sa.Column("decision_id", sa.ForeignKey("credit_decision.decision_id"), primary_key=True),
    sa.Column("model_version", sa.String(64), primary_key=True),
    sa.Column("scored_time", Instant, nullable=False),
    sa.Column("error", sa.String(40), comment="why the challenger has no answer, where it has none"),
    sa.Column("pd_12m", sa.Float),
    sa.Column("rating_grade", sa.String(3)),
    sa.Column("outcome", sa.String(10)),
)
"""What a challenger would have answered to the same question from the same snapshot; no partner is ever shown it."""

recourse_offer = sa.Table(
    "recourse_offer",
    metadata,
    sa.Column("offer_id", sa.String(40), primary_key=True),
    sa.Column("decision_id", sa.ForeignKey("credit_decision.decision_id"), nullable=False),
    sa.Column("made_time", Instant, nullable=False),
    sa.Column("good_until", sa.Date, comment="of its plans the last; none without a plan"),
    sa.Column("plans", sa.SmallInteger, nullable=False),
    sa.Column("note", sa.Text, nullable=False, comment="signed: the offer, the hash of its body, and its end"),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Index(None, "decision_id", "made_time"),
)
"""What an obligor can do about a decision."""

recourse_rescore = sa.Table(
    "recourse_rescore",
    metadata,
    sa.Column("rescore_id", sa.String(40), primary_key=True),
    sa.Column("offer_id", sa.ForeignKey("recourse_offer.offer_id"), nullable=False),
    sa.Column("plan", sa.SmallInteger, nullable=False),
    sa.Column("reported_time", Instant, nullable=False),
    sa.Column("snapshot_id", sa.String(64), nullable=False),
    sa.Column("outcome", sa.String(10), nullable=False),
    sa.Column("is_kept", sa.Boolean, nullable=False, comment="the snapshot lay within the promise"),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Index(None, "offer_id", "reported_time"),
)
"""Plans that were reported done, and what was concluded then."""

model_validation = sa.Table(
    "model_validation",
    metadata,
    sa.Column("validation_id", sa.String(40), primary_key=True),
    sa.Column("model_kind", sa.String(12), nullable=False),
    sa.Column("model_version", sa.String(64), nullable=False, index=True),
    sa.Column("owner", sa.String(200), nullable=False),
    sa.Column("validated_by", sa.String(200), nullable=False),
    sa.Column("conclusion", sa.String(10), nullable=False),
    sa.Column("findings", sa.String(4000), nullable=False),
    sa.Column("pack_sha256", sa.String(64), comment="of the validation pack that was read"),
    sa.Column("validated_time", Instant, nullable=False),
    sa.Column("expires_time", Instant, nullable=False),
)
"""What one person found of a model that another owns."""

model_check = sa.Table(
    "model_check",
    metadata,
    sa.Column("check_id", sa.String(40), primary_key=True),
    sa.Column("model_kind", sa.String(12), nullable=False),
    sa.Column("model_version", sa.String(64), nullable=False, index=True),
    sa.Column("name", sa.String(40), nullable=False),
    sa.Column("is_passed", sa.Boolean, nullable=False),
    sa.Column("figures", sa.JSON, nullable=False),
    sa.Column("checked_by", sa.String(200), nullable=False),
    sa.Column("checked_time", Instant, nullable=False),
)
"""Results of measurements that a promotion rests on."""

model_appointment = sa.Table(
    "model_appointment",
    metadata,
    sa.Column("appointment_id", sa.String(40), primary_key=True),
    sa.Column("model_kind", sa.String(12), nullable=False, index=True),
    sa.Column("model_version", sa.String(64), comment="null where a challenger is dismissed"),
    sa.Column("role", sa.String(12), nullable=False, comment="champion or challenger"),
    sa.Column("validation_id", sa.ForeignKey("model_validation.validation_id")),
    sa.Column("appointed_by", sa.String(200), nullable=False),
    sa.Column("appointed_time", Instant, nullable=False),
    sa.CheckConstraint(
        "role <> 'champion' OR (validation_id IS NOT NULL AND model_version IS NOT NULL)",
        name="a_champion_is_validated",
    ),
)
"""Which model was to answer, and which to be compared with it, since when and by whose word."""

premium_quote = sa.Table(
    "premium_quote",
    metadata,
    sa.Column("quote_id", sa.String(40), primary_key=True),
    sa.Column("obligor_id", sa.ForeignKey("obligor.obligor_id"), nullable=False),
    sa.Column("partner_id", sa.ForeignKey("partner.partner_id"), nullable=False),
    sa.Column("quoted_time", Instant, nullable=False),
    sa.Column("as_of", Instant, nullable=False),
    sa.Column("request", sa.JSON, nullable=False),
    sa.Column("snapshot_id", sa.String(64), nullable=False),
    sa.Column("model_version", sa.String(64), nullable=False),
    sa.Column("parameters_version", sa.String(64), nullable=False),
    sa.Column("consent_ids", sa.JSON(none_as_null=True), comment="the consents that it rested on"),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Index(None, "obligor_id", "partner_id", "quoted_time"),
)

policy_record = sa.Table(
    "policy_record",
    metadata,
    sa.Column("record_id", sa.String(40), primary_key=True),
    sa.Column("policy_id", sa.String(40), nullable=False),
    sa.Column("position", sa.Integer, nullable=False, comment="0 is the bound quote"),
    sa.Column("step", sa.String(20), nullable=False),
    sa.Column("quote_id", sa.ForeignKey("premium_quote.quote_id"), unique=True, comment="of the bound quote"),
    sa.Column("obligor_id", sa.ForeignKey("obligor.obligor_id"), nullable=False, index=True),
    sa.Column("partner_id", sa.ForeignKey("partner.partner_id"), nullable=False),
    sa.Column("livemode", sa.Boolean, nullable=False),
    sa.Column("recorded_time", Instant, nullable=False),
    sa.Column("recorded_by", sa.String(200), nullable=False),
    sa.Column("facts", sa.JSON, nullable=False),
    sa.UniqueConstraint("policy_id", "position"),
)
"""The life of insurance policies: what each record says, in their order."""

score_record = sa.Table(
    "score_record",
    metadata,
    sa.Column("score_id", sa.String(40), primary_key=True),
    sa.Column("obligor_id", sa.ForeignKey("obligor.obligor_id"), nullable=False),
    sa.Column("scored_time", Instant, nullable=False),
    sa.Column("as_of", Instant, nullable=False),
    sa.Column("source", sa.String(20), nullable=False),
    sa.Column("pd_12m", sa.Float, nullable=False),
    sa.Column("rating_grade", sa.String(3), nullable=False),
    sa.Column("snapshot_id", sa.String(64), nullable=False),
    sa.Column("model_version", sa.String(64)),
    sa.Column("parameters_version", sa.String(64), nullable=False),
    sa.Column("consent_ids", sa.JSON(none_as_null=True), comment="the consents that it rested on"),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Index(None, "obligor_id", "as_of"),
)

snapshot = sa.Table(
    "snapshot",
    metadata,
    sa.Column("snapshot_id", sa.String(64), primary_key=True),
    sa.Column("obligor_id", sa.ForeignKey("obligor.obligor_id"), nullable=False),
    sa.Column("as_of", Instant, nullable=False),
    sa.Column("taken_time", Instant, nullable=False),
    sa.Column("disclosure_seed", sa.LargeBinary(32), comment="secret: of it come the salts of what can be opened"),
    sa.Column("features_root", sa.String(64)),
    sa.Column("features_count", sa.Integer),
    sa.Column("batches_root", sa.String(64)),
    sa.Column("batches_count", sa.Integer),
    sa.Index(None, "obligor_id", "taken_time"),
)
"""Which snapshots are stored (as files named by their content), so that the latest of an obligor can be found; and the
roots over what a receipt can open of one (see `api.evidence.disclosure`)."""

pledge = sa.Table(
    "pledge",
    metadata,
    sa.Column("pledge_id", sa.String(40), primary_key=True),
    sa.Column("obligor_id", sa.ForeignKey("obligor.obligor_id"), nullable=False),
    sa.Column("partner_id", sa.ForeignKey("partner.partner_id"), nullable=False),
    sa.Column("livemode", sa.Boolean, nullable=False),
    sa.Column("reserved_time", Instant, nullable=False),
    sa.Column("expires_time", Instant, nullable=False, comment="of the reservation, unless it was confirmed before"),
    sa.Column("is_refused", sa.Boolean, nullable=False, comment="it collided and never stood"),
    sa.Column("items", sa.JSON, nullable=False, comment="the kind of each item and what was found of it"),
    sa.Column("parameters_version", sa.String(64), nullable=False),
    sa.Column("confirmed_time", Instant),
    sa.Column("review", sa.String(400), comment="what a person found who looked at a likeness"),
    sa.Column("ended_time", Instant),
    sa.Column("end_reason", sa.String(12), comment="released or lapsed"),
    sa.Index(None, "obligor_id", "reserved_time"),
    sa.Index(None, "partner_id", "reserved_time"),
)
"""What was pledged to whom. It stands from its reservation until that expires unconfirmed, or it is ended."""

pledge_slot = sa.Table(
    "pledge_slot",
    metadata,
    sa.Column("token", sa.String(64), primary_key=True),
)
"""A keyed fingerprint that was ever claimed: a row to lock, so that rivals are judged one after another."""

pledge_claim = sa.Table(
    "pledge_claim",
    metadata,
    sa.Column("pledge_id", sa.ForeignKey("pledge.pledge_id"), primary_key=True),
    sa.Column("token", sa.ForeignKey("pledge_slot.token"), primary_key=True),
    sa.Column("amount", sa.BigInteger, nullable=False),
    sa.Column("capacity", sa.BigInteger, nullable=False),
    sa.Index(None, "token"),
)
"""What a pledge claims of a slot, and the most that the slot is good for as far as that pledge told."""

pledge_trace = sa.Table(
    "pledge_trace",
    metadata,
    sa.Column("pledge_id", sa.ForeignKey("pledge.pledge_id"), primary_key=True),
    sa.Column("token", sa.String(64), primary_key=True),
    sa.Column("is_left", sa.Boolean, primary_key=True, comment="left by it, or else looked for by it"),
    sa.Index(None, "token"),
)
"""Keyed fingerprints of likeness: what a pledge left for others to find, and what it looks for itself."""

application = sa.Table(
    "application",
    metadata,
    sa.Column("application_id", sa.String(40), primary_key=True),
    sa.Column("obligor_id", sa.ForeignKey("obligor.obligor_id"), nullable=False),
    sa.Column("product", sa.String(32), nullable=False),
    sa.Column("amount_minor", sa.BigInteger, nullable=False),
    sa.Column("currency", sa.String(3), nullable=False),
    sa.Column("tenor_months", sa.Integer, nullable=False),
    sa.Column("livemode", sa.Boolean, nullable=False),
    sa.Column("filed_time", Instant, nullable=False),
    sa.Column("expires_time", Instant, nullable=False),
    sa.Column("withdrawn_time", Instant),
    sa.Index(None, "obligor_id", "filed_time"),
)
"""What a manufacturer would borrow, as it says itself; open until it expires or is withdrawn."""

application_lender = sa.Table(
    "application_lender",
    metadata,
    sa.Column("application_id", sa.ForeignKey("application.application_id"), primary_key=True),
    sa.Column("partner_id", sa.ForeignKey("partner.partner_id"), primary_key=True),
    sa.Index(None, "partner_id"),
)
"""The lenders that an application may be shown to, while the manufacturer's consents to them are in force."""

watch_case = sa.Table(
    "watch_case",
    metadata,
    sa.Column("case_id", sa.String(40), primary_key=True),
    sa.Column("obligor_id", sa.ForeignKey("obligor.obligor_id"), nullable=False),
    sa.Column("open_for", sa.String(18), unique=True, comment="the obligor while the case is open, so that it has one"),
    sa.Column("opened_on", sa.Date, nullable=False),
    sa.Column("state", sa.String(12), nullable=False),
    sa.Column("severity", sa.SmallInteger, nullable=False),
    sa.Column("loudest", sa.SmallInteger, nullable=False, comment="the severity at which somebody was last told"),
    sa.Column("seen", sa.JSON, nullable=False, comment="unit, code, worst severity, first and last day"),
    sa.Column("snoozed_until", sa.Date),
    sa.Column("outcome", sa.String(20)),
    sa.Column("changed_time", Instant, nullable=False),
    sa.Index(None, "obligor_id", "opened_on"),
)
"""What an obligor is watched for: all warnings in one place until it is closed."""

watch_event = sa.Table(
    "watch_event",
    metadata,
    sa.Column("case_id", sa.ForeignKey("watch_case.case_id"), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("time", Instant, nullable=False),
    sa.Column("what", sa.String(16), nullable=False, comment="news, or what a person did"),
    sa.Column("by", sa.String(40), nullable=False),
    sa.Column("reason", sa.String(400), nullable=False),
    sa.Column("evidence", sa.JSON, nullable=False),
)
"""What became known in a case and what was done in it, in order."""

watch_day = sa.Table(
    "watch_day",
    metadata,
    sa.Column("obligor_id", sa.ForeignKey("obligor.obligor_id"), primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("parameters_version", sa.String(64), nullable=False),
    sa.Column("warnings", sa.Integer, nullable=False),
    sa.Column("watched_time", Instant, nullable=False),
)
"""Days on which an obligor was watched, kept with what was found: none is missed and none done twice."""

job = sa.Table(
    "job",
    metadata,
    sa.Column("job_id", sa.String(40), primary_key=True),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("arguments", sa.JSON, nullable=False),
    sa.Column("state", sa.String(8), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, comment="how often a worker began it"),
    sa.Column("created_time", Instant, nullable=False),
    sa.Column("lease_until", Instant, comment="a worker that says nothing by then is dead"),
    sa.Column("worker", sa.String(40)),
    sa.Column("done", sa.Integer, nullable=False, comment="steps of total that are done, as last told"),
    sa.Column("total", sa.Integer, nullable=False),
    sa.Column("finished_time", Instant),
    sa.Column("result", sa.JSON),
    sa.Column("error", sa.String(2000)),
    sa.Index(None, "state", "created_time"),
)
"""Work that is done by whoever is free: claimed by row, and taken up again where a worker died."""

api_key = sa.Table(
    "api_key",
    metadata,
    sa.Column("key_id", sa.String(24), primary_key=True, comment="the public part of the key"),
    sa.Column("secret_sha256", sa.String(64), nullable=False),
    sa.Column("role", sa.String(12), nullable=False),
    sa.Column("partner_id", sa.ForeignKey("partner.partner_id")),
    sa.Column("obligor_id", sa.ForeignKey("obligor.obligor_id")),
    sa.Column("livemode", sa.Boolean, nullable=False),
    sa.Column("created_time", Instant, nullable=False),
    sa.Column("revoked_time", Instant),
)
"""Keys of the API; the secret itself is shown once and never kept."""

idempotent_request = sa.Table(
    "idempotent_request",
    metadata,
    sa.Column("owner", sa.String(40), primary_key=True, comment="whose key: a partner, an obligor or the operator"),
    sa.Column("route", sa.String(80), primary_key=True),
    sa.Column("idempotency_key", sa.String(255), primary_key=True),
    sa.Column("fingerprint", sa.String(64), nullable=False, comment="SHA-256 of the request's body"),
    sa.Column("status", sa.Integer, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("created_time", Instant, nullable=False),
)
"""Answers of requests that bore an Idempotency-Key, written in the transaction of their effect."""

portal_user = sa.Table(
    "portal_user",
    metadata,
    sa.Column("user_id", sa.String(40), primary_key=True),
    sa.Column("sign_in_name", sa.String(80), nullable=False, unique=True),
    sa.Column("password_hash", sa.String(200), nullable=False),
    sa.Column("obligor_id", sa.ForeignKey("obligor.obligor_id"), nullable=False),
    sa.Column("created_time", Instant, nullable=False),
    sa.Column("failed_attempts", sa.Integer, nullable=False),
    sa.Column("locked_until", Instant),
)

portal_session = sa.Table(
    "portal_session",
    metadata,
    sa.Column("token_sha256", sa.String(64), primary_key=True),
    sa.Column("user_id", sa.ForeignKey("portal_user.user_id"), nullable=False),
    sa.Column("csrf_token", sa.String(64), nullable=False),
    sa.Column("created_time", Instant, nullable=False),
    sa.Column("last_seen_time", Instant, nullable=False),
    sa.Column("expires_time", Instant, nullable=False),
)

access_log = sa.Table(
    "access_log",
    metadata,
    sa.Column("sequence", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("time", Instant, nullable=False),
    sa.Column("obligor_id", sa.ForeignKey("obligor.obligor_id"), nullable=False),
    sa.Column("viewer", sa.String(40), nullable=False, comment="a partner's id, the obligor's own code, or operator"),
    sa.Column("role", sa.String(12), nullable=False),
    sa.Column("what", sa.String(40), nullable=False, comment="score, explanation, machines, credit_decision ..."),
    sa.Index(None, "obligor_id", "time"),
)
"""Who looked at whose data, for the obligor to read."""
