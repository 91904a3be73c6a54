"""The first tables: the observation register and the business records."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make every table."""
    _create_idempotent_request()
    _create_obligor()
    _create_partner()
    _create_access_log()
    _create_api_key()
    _create_consent()
    _create_credit_decision()
    _create_portal_user()
    _create_premium_quote()
    _create_score_record()
    _create_snapshot()
    _create_portal_session()
    _create_observation_file()
    _create_source_profile()
    _create_batch()
    _create_chunk()
    _create_observation_file_batch()
    _create_observed_machine()
    _create_quarantined_row()
    _create_quarantined_source()


def downgrade() -> None:
    """Drop every table."""
    op.drop_table("quarantined_source")
    op.drop_table("quarantined_row")
    op.drop_index("ix_observed_machine_obligor_id", table_name="observed_machine")
    op.drop_table("observed_machine")
    op.drop_table("observation_file_batch")
    op.drop_index("ix_chunk_unit_recorded_from", table_name="chunk")
    op.drop_table("chunk")
    op.drop_table("batch")
    op.drop_table("source_profile")
    op.drop_index("ix_observation_file_kind_event_from", table_name="observation_file")
    op.drop_table("observation_file")
    op.drop_table("portal_session")
    op.drop_index("ix_snapshot_obligor_id_taken_time", table_name="snapshot")
    op.drop_table("snapshot")
    op.drop_index("ix_score_record_obligor_id_as_of", table_name="score_record")
    op.drop_table("score_record")
    op.drop_index("ix_premium_quote_obligor_id_partner_id_quoted_time", table_name="premium_quote")
    op.drop_table("premium_quote")
    op.drop_table("portal_user")
    op.drop_index("ix_credit_decision_obligor_id_partner_id_decided_time", table_name="credit_decision")
    op.drop_table("credit_decision")
    op.drop_index("ix_consent_obligor_id_recipient_purpose", table_name="consent")
    op.drop_table("consent")
    op.drop_table("api_key")
    op.drop_index("ix_access_log_obligor_id_time", table_name="access_log")
    op.drop_table("access_log")
    op.drop_table("partner")
    op.drop_table("obligor")
    op.drop_table("idempotent_request")


def _create_idempotent_request() -> None:
    op.create_table(
        "idempotent_request",
        sa.Column(
            "owner", sa.String(length=40), nullable=False, comment="whose key: a partner, an obligor or the operator"
        ),
        sa.Column("route", sa.String(length=80), nullable=False),
        sa.Column("idempotency_key", sa.String(length=255), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False, comment="SHA-256 of the request's body"),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("created_time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("owner", "route", "idempotency_key", name="pk_idempotent_request"),
    )


def _create_obligor() -> None:
    op.create_table(
        "obligor",
        sa.Column("obligor_id", sa.String(length=18), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=True),
        sa.Column("subject_kind", sa.String(length=20), nullable=True),
        sa.Column("registered_time", sa.BigInteger(), nullable=False),
        sa.Column("registered_by", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("obligor_id", name="pk_obligor"),
    )


def _create_partner() -> None:
    op.create_table(
        "partner",
        sa.Column("partner_id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("created_time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("partner_id", name="pk_partner"),
    )


def _create_access_log() -> None:
    op.create_table(
        "access_log",
        sa.Column("sequence", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("obligor_id", sa.String(length=18), nullable=False),
        sa.Column(
            "viewer",
            sa.String(length=40),
            nullable=False,
            comment="a partner's id, the obligor's own code, or operator",
        ),
        sa.Column("role", sa.String(length=12), nullable=False),
        sa.Column(
            "what", sa.String(length=40), nullable=False, comment="score, explanation, machines, credit_decision ..."
        ),
        sa.ForeignKeyConstraint(["obligor_id"], ["obligor.obligor_id"], name="fk_access_log_obligor_id_obligor"),
        sa.PrimaryKeyConstraint("sequence", name="pk_access_log"),
    )
    op.create_index("ix_access_log_obligor_id_time", "access_log", ["obligor_id", "time"], unique=False)


def _create_api_key() -> None:
    op.create_table(
        "api_key",
        sa.Column("key_id", sa.String(length=24), nullable=False, comment="the public part of the key"),
        sa.Column("secret_sha256", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=12), nullable=False),
        sa.Column("partner_id", sa.String(length=40), nullable=True),
        sa.Column("obligor_id", sa.String(length=18), nullable=True),
        sa.Column("livemode", sa.Boolean(), nullable=False),
        sa.Column("created_time", sa.BigInteger(), nullable=False),
        sa.Column("revoked_time", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["obligor_id"], ["obligor.obligor_id"], name="fk_api_key_obligor_id_obligor"),
        sa.ForeignKeyConstraint(["partner_id"], ["partner.partner_id"], name="fk_api_key_partner_id_partner"),
        sa.PrimaryKeyConstraint("key_id", name="pk_api_key"),
    )


def _create_consent() -> None:
    op.create_table(
        "consent",
        sa.Column("consent_id", sa.String(length=40), nullable=False),
        sa.Column("obligor_id", sa.String(length=18), nullable=False),
        sa.Column("recipient", sa.String(length=40), nullable=False, comment="a partner's id, or 'platform'"),
        sa.Column("purpose", sa.String(length=20), nullable=False),
        sa.Column("streams", sa.JSON(), nullable=False),
        sa.Column("granted_time", sa.BigInteger(), nullable=False),
        sa.Column("expires_time", sa.BigInteger(), nullable=True),
        sa.Column("withdrawn_time", sa.BigInteger(), nullable=True),
        sa.Column("mark", sa.String(length=40), nullable=False, comment="how it was given, e.g. operator_declared"),
        sa.Column("evidence", sa.String(length=64), nullable=True, comment="SHA-256 of the document that shows it"),
        sa.ForeignKeyConstraint(["obligor_id"], ["obligor.obligor_id"], name="fk_consent_obligor_id_obligor"),
        sa.PrimaryKeyConstraint("consent_id", name="pk_consent"),
    )
    op.create_index(
        "ix_consent_obligor_id_recipient_purpose", "consent", ["obligor_id", "recipient", "purpose"], unique=False
    )


def _create_credit_decision() -> None:
    op.create_table(
        "credit_decision",
        sa.Column("decision_id", sa.String(length=40), nullable=False),
        sa.Column("obligor_id", sa.String(length=18), nullable=False),
        sa.Column("partner_id", sa.String(length=40), nullable=False),
        sa.Column("decided_time", sa.BigInteger(), nullable=False),
        sa.Column("as_of", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.String(length=10), nullable=False),
        sa.Column("rating_grade", sa.String(length=3), nullable=False),
        sa.Column("request", sa.JSON(), nullable=False),
        sa.Column("snapshot_id", sa.String(length=64), nullable=False),
        sa.Column("model_version", sa.String(length=64), nullable=True),
        sa.Column("parameters_version", sa.String(length=64), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["obligor_id"], ["obligor.obligor_id"], name="fk_credit_decision_obligor_id_obligor"),
        sa.ForeignKeyConstraint(["partner_id"], ["partner.partner_id"], name="fk_credit_decision_partner_id_partner"),
        sa.PrimaryKeyConstraint("decision_id", name="pk_credit_decision"),
    )
    op.create_index(
        "ix_credit_decision_obligor_id_partner_id_decided_time",
        "credit_decision",
        ["obligor_id", "partner_id", "decided_time"],
        unique=False,
    )


def _create_portal_user() -> None:
    op.create_table(
        "portal_user",
        sa.Column("user_id", sa.String(length=40), nullable=False),
        sa.Column("sign_in_name", sa.String(length=80), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=False),
        sa.Column("obligor_id", sa.String(length=18), nullable=False),
        sa.Column("created_time", sa.BigInteger(), nullable=False),
        sa.Column("failed_attempts", sa.Integer(), nullable=False),
        sa.Column("locked_until", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["obligor_id"], ["obligor.obligor_id"], name="fk_portal_user_obligor_id_obligor"),
        sa.PrimaryKeyConstraint("user_id", name="pk_portal_user"),
        sa.UniqueConstraint("sign_in_name", name="uq_portal_user_sign_in_name"),
    )


def _create_premium_quote() -> None:
    op.create_table(
        "premium_quote",
        sa.Column("quote_id", sa.String(length=40), nullable=False),
        sa.Column("obligor_id", sa.String(length=18), nullable=False),
        sa.Column("partner_id", sa.String(length=40), nullable=False),
        sa.Column("quoted_time", sa.BigInteger(), nullable=False),
        sa.Column("as_of", sa.BigInteger(), nullable=False),
        sa.Column("request", sa.JSON(), nullable=False),
        sa.Column("snapshot_id", sa.String(length=64), nullable=False),
        sa.Column("model_version", sa.String(length=64), nullable=False),
        sa.Column("parameters_version", sa.String(length=64), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["obligor_id"], ["obligor.obligor_id"], name="fk_premium_quote_obligor_id_obligor"),
        sa.ForeignKeyConstraint(["partner_id"], ["partner.partner_id"], name="fk_premium_quote_partner_id_partner"),
        sa.PrimaryKeyConstraint("quote_id", name="pk_premium_quote"),
    )
    op.create_index(
        "ix_premium_quote_obligor_id_partner_id_quoted_time",
        "premium_quote",
        ["obligor_id", "partner_id", "quoted_time"],
        unique=False,
    )


def _create_score_record() -> None:
    op.create_table(
        "score_record",
        sa.Column("score_id", sa.String(length=40), nullable=False),
        sa.Column("obligor_id", sa.String(length=18), nullable=False),
        sa.Column("scored_time", sa.BigInteger(), nullable=False),
        sa.Column("as_of", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(length=20), nullable=False),
        sa.Column("pd_12m", sa.Float(), nullable=False),
        sa.Column("rating_grade", sa.String(length=3), nullable=False),
        sa.Column("snapshot_id", sa.String(length=64), nullable=False),
        sa.Column("model_version", sa.String(length=64), nullable=True),
        sa.Column("parameters_version", sa.String(length=64), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["obligor_id"], ["obligor.obligor_id"], name="fk_score_record_obligor_id_obligor"),
        sa.PrimaryKeyConstraint("score_id", name="pk_score_record"),
    )
    op.create_index("ix_score_record_obligor_id_as_of", "score_record", ["obligor_id", "as_of"], unique=False)


def _create_snapshot() -> None:
    op.create_table(
        "snapshot",
        sa.Column("snapshot_id", sa.String(length=64), nullable=False),
        sa.Column("obligor_id", sa.String(length=18), nullable=False),
        sa.Column("as_of", sa.BigInteger(), nullable=False),
        sa.Column("taken_time", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["obligor_id"], ["obligor.obligor_id"], name="fk_snapshot_obligor_id_obligor"),
        sa.PrimaryKeyConstraint("snapshot_id", name="pk_snapshot"),
    )
    op.create_index("ix_snapshot_obligor_id_taken_time", "snapshot", ["obligor_id", "taken_time"], unique=False)


def _create_portal_session() -> None:
    op.create_table(
        "portal_session",
        sa.Column("token_sha256", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=40), nullable=False),
        sa.Column("csrf_token", sa.String(length=64), nullable=False),
        sa.Column("created_time", sa.BigInteger(), nullable=False),
        sa.Column("last_seen_time", sa.BigInteger(), nullable=False),
        sa.Column("expires_time", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["portal_user.user_id"], name="fk_portal_session_user_id_portal_user"),
        sa.PrimaryKeyConstraint("token_sha256", name="pk_portal_session"),
    )


def _create_observation_file() -> None:
    op.create_table(
        "observation_file",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("path", sa.String(length=300), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("partition", sa.String(length=10), nullable=False),
        sa.Column("bucket", sa.SmallInteger(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("event_from", sa.BigInteger(), nullable=False),
        sa.Column("event_until", sa.BigInteger(), nullable=False),
        sa.Column("recorded_from", sa.BigInteger(), nullable=False),
        sa.Column("recorded_until", sa.BigInteger(), nullable=False),
        sa.Column("unit_from", sa.String(length=200), nullable=False),
        sa.Column("unit_until", sa.String(length=200), nullable=False),
        sa.Column("merges", sa.Boolean(), nullable=False),
        sa.Column("contract_version", sa.String(length=20), nullable=False),
        sa.Column("received_time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name="pk_observation_file"),
        sa.UniqueConstraint("path", name="uq_observation_file_path"),
    )
    op.create_index("ix_observation_file_kind_event_from", "observation_file", ["kind", "event_from"], unique=False)


def _create_source_profile() -> None:
    op.create_table(
        "source_profile",
        sa.Column("profile_id", sa.String(length=64), nullable=False),
        sa.Column("canonical", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("profile_id", name="pk_source_profile"),
    )


def _create_batch() -> None:
    op.create_table(
        "batch",
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("batch_id", sa.String(length=25), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("obligor_id", sa.String(length=18), nullable=True),
        sa.Column("source_name", sa.String(length=400), nullable=False),
        sa.Column("source_sha256", sa.String(length=64), nullable=False),
        sa.Column("profile_id", sa.String(length=64), nullable=False),
        sa.Column("contract_version", sa.String(length=20), nullable=False),
        sa.Column("received_time", sa.BigInteger(), nullable=False),
        sa.Column("backfilled", sa.Boolean(), nullable=False),
        sa.Column("data_origin", sa.String(length=16), nullable=False),
        sa.Column("rows_read", sa.BigInteger(), nullable=False),
        sa.Column("rows_admitted", sa.BigInteger(), nullable=False),
        sa.Column("rows_duplicate", sa.BigInteger(), nullable=False),
        sa.Column("rows_quarantined", sa.BigInteger(), nullable=False),
        sa.Column("merkle_root", sa.String(length=64), nullable=False),
        sa.Column("event_from", sa.BigInteger(), nullable=True),
        sa.Column("event_until", sa.BigInteger(), nullable=True),
        sa.Column("recorded_from", sa.BigInteger(), nullable=True),
        sa.Column("recorded_until", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "rows_read = rows_admitted + rows_duplicate + rows_quarantined", name="ck_batch_every_row_is_counted"
        ),
        sa.ForeignKeyConstraint(["profile_id"], ["source_profile.profile_id"], name="fk_batch_profile_id"),
        sa.PrimaryKeyConstraint("sequence", name="pk_batch"),
        sa.UniqueConstraint("batch_id", name="uq_batch_batch_id"),
    )


def _create_chunk() -> None:
    op.create_table(
        "chunk",
        sa.Column("batch_id", sa.String(length=25), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("unit", sa.String(length=200), nullable=False),
        sa.Column("period", sa.String(length=10), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("recorded_from", sa.BigInteger(), nullable=False),
        sa.Column("salt", sa.LargeBinary(length=16), nullable=True),
        sa.Column("leaf", sa.LargeBinary(length=32), nullable=False),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.batch_id"], name="fk_chunk_batch_id"),
        sa.PrimaryKeyConstraint("batch_id", "position", name="pk_chunk"),
    )
    op.create_index("ix_chunk_unit_recorded_from", "chunk", ["unit", "recorded_from"], unique=False)


def _create_observation_file_batch() -> None:
    op.create_table(
        "observation_file_batch",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("batch_id", sa.String(length=25), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.batch_id"], name="fk_observation_file_batch_batch_id"),
        sa.ForeignKeyConstraint(["sha256"], ["observation_file.sha256"], name="fk_observation_file_batch_sha256"),
        sa.PrimaryKeyConstraint("sha256", "batch_id", name="pk_observation_file_batch"),
    )


def _create_observed_machine() -> None:
    op.create_table(
        "observed_machine",
        sa.Column("machine_uid", sa.String(length=200), nullable=False),
        sa.Column("obligor_id", sa.String(length=18), nullable=False),
        sa.Column("first_batch_id", sa.String(length=25), nullable=False),
        sa.Column("first_recorded_time", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["first_batch_id"], ["batch.batch_id"], name="fk_observed_machine_first_batch_id"),
        sa.PrimaryKeyConstraint("machine_uid", name="pk_observed_machine"),
    )
    op.create_index("ix_observed_machine_obligor_id", "observed_machine", ["obligor_id"], unique=False)


def _create_quarantined_row() -> None:
    op.create_table(
        "quarantined_row",
        sa.Column("batch_id", sa.String(length=25), nullable=False),
        sa.Column("row_number", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("column", sa.String(length=64), nullable=False),
        sa.Column("value", sa.String(length=200), nullable=True),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.batch_id"], name="fk_quarantined_row_batch_id"),
        sa.PrimaryKeyConstraint("batch_id", "row_number", "position", name="pk_quarantined_row"),
    )


def _create_quarantined_source() -> None:
    op.create_table(
        "quarantined_source",
        sa.Column("batch_id", sa.String(length=25), nullable=False),
        sa.Column("row_number", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.batch_id"], name="fk_quarantined_source_batch_id"),
        sa.PrimaryKeyConstraint("batch_id", "row_number", name="pk_quarantined_source"),
    )
