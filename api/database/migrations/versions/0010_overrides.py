"""Overrides of credit decisions: proposed by one person, confirmed by another."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "decision_override",
        sa.Column("override_id", sa.String(length=40), nullable=False),
        sa.Column("decision_id", sa.String(length=40), nullable=False),
        sa.Column("outcome", sa.String(length=10), nullable=False),
        sa.Column("reason_code", sa.String(length=40), nullable=False),
        sa.Column("reason_text", sa.String(length=1000), nullable=False),
        sa.Column("proposed_by", sa.String(length=200), nullable=False),
        sa.Column("proposed_time", sa.BigInteger(), nullable=False),
        sa.Column("expires_time", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["decision_id"],
            ["credit_decision.decision_id"],
            name="fk_decision_override_decision_id_credit_decision",
        ),
        sa.PrimaryKeyConstraint("override_id", name="pk_decision_override"),
    )
    op.create_index("ix_decision_override_decision_id", "decision_override", ["decision_id"])
    op.create_table(
        "override_confirmation",
        sa.Column("override_id", sa.String(length=40), nullable=False),
        sa.Column("confirmed_by", sa.String(length=200), nullable=False),
        sa.Column("confirmed_time", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["override_id"],
            ["decision_override.override_id"],
            name="fk_override_confirmation_override_id_decision_override",
        ),
        sa.PrimaryKeyConstraint("override_id", name="pk_override_confirmation"),
    )


def downgrade() -> None:
    """Drop the tables."""
    op.drop_table("override_confirmation")
    op.drop_index("ix_decision_override_decision_id", table_name="decision_override")
    op.drop_table("decision_override")
