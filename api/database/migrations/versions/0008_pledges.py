"""Pledges: what is pledged to whom, the slots that are claimed, and the likenesses that were left."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "pledge",
        sa.Column("pledge_id", sa.String(length=40), nullable=False),
        sa.Column("obligor_id", sa.String(length=18), nullable=False),
        sa.Column("partner_id", sa.String(length=40), nullable=False),
        sa.Column("livemode", sa.Boolean(), nullable=False),
        sa.Column("reserved_time", sa.BigInteger(), nullable=False),
        sa.Column(
            "expires_time",
            sa.BigInteger(),
            nullable=False,
            comment="of the reservation, unless it was confirmed before",
        ),
        sa.Column("is_refused", sa.Boolean(), nullable=False, comment="it collided and never stood"),
        sa.Column("items", sa.JSON(), nullable=False, comment="the kind of each item and what was found of it"),
        sa.Column("parameters_version", sa.String(length=64), nullable=False),
        sa.Column("confirmed_time", sa.BigInteger(), nullable=True),
        sa.Column(
            "review", sa.String(length=400), nullable=True, comment="what a person found who looked at a likeness"
        ),
        sa.Column("ended_time", sa.BigInteger(), nullable=True),
        sa.Column("end_reason", sa.String(length=12), nullable=True, comment="released or lapsed"),
        sa.ForeignKeyConstraint(["obligor_id"], ["obligor.obligor_id"], name="fk_pledge_obligor_id_obligor"),
        sa.ForeignKeyConstraint(["partner_id"], ["partner.partner_id"], name="fk_pledge_partner_id_partner"),
        sa.PrimaryKeyConstraint("pledge_id", name="pk_pledge"),
    )
    op.create_index("ix_pledge_obligor_id_reserved_time", "pledge", ["obligor_id", "reserved_time"])
    op.create_index("ix_pledge_partner_id_reserved_time", "pledge", ["partner_id", "reserved_time"])
    op.create_table(
        "pledge_slot",
        sa.Column("token", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("token", name="pk_pledge_slot"),
    )
    op.create_table(
        "pledge_claim",
        sa.Column("pledge_id", sa.String(length=40), nullable=False),
        sa.Column("token", sa.String(length=64), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("capacity", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["pledge_id"], ["pledge.pledge_id"], name="fk_pledge_claim_pledge_id_pledge"),
        sa.ForeignKeyConstraint(["token"], ["pledge_slot.token"], name="fk_pledge_claim_token_pledge_slot"),
        sa.PrimaryKeyConstraint("pledge_id", "token", name="pk_pledge_claim"),
    )
    op.create_index("ix_pledge_claim_token", "pledge_claim", ["token"])
    op.create_table(
        "pledge_trace",
        sa.Column("pledge_id", sa.String(length=40), nullable=False),
        sa.Column("token", sa.String(length=64), nullable=False),
        sa.Column("is_left", sa.Boolean(), nullable=False, comment="left by it, or else looked for by it"),
        sa.ForeignKeyConstraint(["pledge_id"], ["pledge.pledge_id"], name="fk_pledge_trace_pledge_id_pledge"),
        sa.PrimaryKeyConstraint("pledge_id", "token", "is_left", name="pk_pledge_trace"),
    )
    op.create_index("ix_pledge_trace_token", "pledge_trace", ["token"])


def downgrade() -> None:
    """Drop the tables. Nothing is pledged then: whoever goes back must know that."""
    op.drop_index("ix_pledge_trace_token", table_name="pledge_trace")
    op.drop_table("pledge_trace")
    op.drop_index("ix_pledge_claim_token", table_name="pledge_claim")
    op.drop_table("pledge_claim")
    op.drop_table("pledge_slot")
    op.drop_index("ix_pledge_partner_id_reserved_time", table_name="pledge")
    op.drop_index("ix_pledge_obligor_id_reserved_time", table_name="pledge")
    op.drop_table("pledge")
