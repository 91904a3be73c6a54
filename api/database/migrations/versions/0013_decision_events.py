"""What became of decisions, and what a challenger would have answered."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

DECISION = "credit_decision.decision_id"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "decision_event",
        sa.Column("event_id", sa.String(length=40), nullable=False),
        sa.Column("decision_id", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("happened_on", sa.Date(), nullable=False),
        sa.Column("note", sa.String(length=1000), nullable=False),
        sa.Column(
            "reported_by",
            sa.String(length=200),
            nullable=False,
            comment="a partner's id, the obligor's code, or a name",
        ),
        sa.Column("reported_time", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["decision_id"], [DECISION], name="fk_decision_event_decision_id_credit_decision"),
        sa.PrimaryKeyConstraint("event_id", name="pk_decision_event"),
    )
    op.create_index("ix_decision_event_decision_id", "decision_event", ["decision_id"])
    op.create_table(
        "shadow_decision",
        sa.Column("decision_id", sa.String(length=40), nullable=False),
        sa.Column("model_version", sa.String(length=64), nullable=False),
        sa.Column("scored_time", sa.BigInteger(), nullable=False),
        sa.Column("error", sa.String(length=40), comment="why the challenger has no answer, where it has none"),
        sa.Column("pd_12m", sa.Float()),
        sa.Column("rating_grade", sa.String(length=3)),
        sa.Column("outcome", sa.String(length=10)),
        sa.ForeignKeyConstraint(["decision_id"], [DECISION], name="fk_shadow_decision_decision_id_credit_decision"),
        sa.PrimaryKeyConstraint("decision_id", "model_version", name="pk_shadow_decision"),
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("shadow_decision")
    op.drop_index("ix_decision_event_decision_id", table_name="decision_event")
    op.drop_table("decision_event")
