"""What a claim says of each table, column by column.

They are listed rather than taken as they come: a column that is added later must not change what was said before.
"""

from __future__ import annotations

BATCH_COLUMNS = (
    *("sequence", "batch_id", "kind", "obligor_id", "source_name", "source_sha256", "profile_id", "contract_version"),
    *("received_time", "backfilled", "data_origin", "rows_read", "rows_admitted", "rows_duplicate", "rows_quarantined"),
    *("merkle_root", "event_from", "event_until", "recorded_from", "recorded_until"),
)
FILE_COLUMNS = (
    *("sha256", "path", "kind", "partition", "bucket", "rows", "bytes", "event_from", "event_until", "recorded_from"),
    *("recorded_until", "unit_from", "unit_until", "merges", "contract_version", "received_time"),
)
ATTESTATION_COLUMNS = ("batch_id", "position", "level", "seal_digest", "attested_by", "evidence", "attested_us")
GATEWAY_KEY_COLUMNS = (
    *("key_id", "gateway", "obligor_id", "public_key", "livemode", "registered_us", "registered_by"),
)
SEAL_COLUMNS = (
    *("digest", "key_id", "sequence", "boot_id", "monotonic_us", "wall_us", "previous", "body_sha256", "signature"),
    *("received_us", "batch_id"),
)
FAULT_COLUMNS = ("fault_id", "kind", "key_id", "digest", "other_digest", "detail", "found_us", "batch_id")
KEY_END_COLUMNS = ("key_id", "revoked_us", "revoked_from_us")
REFUSAL_COLUMNS = ("refusal_id", "key_id", "reason", "seal", "body_sha256", "sent_by", "refused_us")
CONSENT_COLUMNS = (
    *("consent_id", "obligor_id", "recipient", "purpose", "streams", "granted_time", "expires_time", "mark"),
    "evidence",
)
PLEDGE_COLUMNS = (
    *("pledge_id", "obligor_id", "partner_id", "livemode", "reserved_time", "expires_time", "is_refused", "items"),
    "parameters_version",
)
PLEDGE_CLAIM_COLUMNS = ("pledge_id", "token", "amount", "capacity")
PLEDGE_TRACE_COLUMNS = ("pledge_id", "token", "is_left")
BASIS_COLUMNS = ("features_root", "features_count", "batches_root", "batches_count")
SNAPSHOT_COLUMNS = ("snapshot_id", "obligor_id", "as_of", "taken_time")
ANSWER_COLUMNS = ("obligor_id", "as_of", "snapshot_id", "model_version", "parameters_version", "consent_ids")
SCORE_COLUMNS = ("score_id", "scored_time", "source", "pd_12m", "rating_grade", *ANSWER_COLUMNS)
DECISION_COLUMNS = (
    *("decision_id", "partner_id", "decided_time", "outcome", "rating_grade", "request", *ANSWER_COLUMNS),
)
MANDATE_COLUMNS = ("model_mandate",)
"""Said of decisions that have one: those of early releases say what they said."""

OVERRIDE_COLUMNS = (
    *("override_id", "decision_id", "outcome", "reason_code", "reason_text", "proposed_by", "proposed_time"),
    "expires_time",
)
VALIDATION_COLUMNS = (
    *("validation_id", "model_kind", "model_version", "owner", "validated_by", "conclusion", "findings", "pack_sha256"),
    *("validated_time", "expires_time"),
)
CHECK_COLUMNS = (
    *("check_id", "model_kind", "model_version", "name", "is_passed", "figures", "checked_by", "checked_time"),
)
APPOINTMENT_COLUMNS = (
    *("appointment_id", "model_kind", "model_version", "role", "validation_id", "appointed_by", "appointed_time"),
)
EVENT_COLUMNS = ("event_id", "decision_id", "kind", "happened_on", "note", "reported_by", "reported_time")
POLICY_COLUMNS = (
    *("record_id", "policy_id", "position", "step", "quote_id", "obligor_id", "partner_id", "livemode"),
    *("recorded_time", "recorded_by", "facts"),
)
TERMS_COLUMNS = ("terms_id", "decision_id", "told_time", "body")
RESPONSE_COLUMNS = ("event_id", "decision_id", "number", "about", "kind", "told_by", "person", "told_time", "said")
CASE_EVENT_COLUMNS = ("case_id", "position", "time", "what", "by", "reason", "evidence")
CASE_COLUMNS = (
    *("case_id", "obligor_id", "open_for", "opened_on", "state", "severity", "loudest", "seen", "snoozed_until"),
    *("outcome", "changed_time"),
)
CONFIRMATION_COLUMNS = ("override_id", "confirmed_by", "confirmed_time")
OFFER_COLUMNS = ("offer_id", "decision_id", "made_time", "good_until", "plans", "note", "body")
RESCORE_COLUMNS = (*("rescore_id", "offer_id", "plan", "reported_time", "snapshot_id", "outcome", "is_kept", "body"),)
QUOTE_COLUMNS = ("quote_id", "partner_id", "quoted_time", "request", *ANSWER_COLUMNS)
SCORE_TOLD = ("data_origin",)
DECISION_TOLD = (
    *("pd_12m", "limit_minor", "indicative_limit_minor", "currency", "annual_rate_ratio", "tenor_months"),
    *("policy_version", "livemode", "data_origin"),
)
QUOTE_TOLD = ("gross_premium_minor", "currency", "claim_frequency_per_machine_year", "livemode", "data_origin")
