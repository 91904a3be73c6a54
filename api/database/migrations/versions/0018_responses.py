"""The graduated answer to trouble with a loan: steps, appeals, and windows of hardship."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "response_event",
        sa.Column("event_id", sa.String(length=40), nullable=False),
        sa.Column("decision_id", sa.String(length=40), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False, comment="its place in the course of the decision's loan"),
        sa.Column("about", sa.String(length=40), nullable=True, comment="the step or hardship that it answers"),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("told_by", sa.String(length=10), nullable=False, comment="bank or obligor"),
        sa.Column("person", sa.String(length=200), nullable=False),
        sa.Column("told_time", sa.BigInteger(), nullable=False),
        sa.Column(
            "said", sa.JSON(), nullable=False, comment="what goes with the kind: step, days, evidence, answer, words"
        ),
        sa.ForeignKeyConstraint(
            ["decision_id"], ["credit_decision.decision_id"], name="fk_response_event_decision_id_credit_decision"
        ),
        sa.ForeignKeyConstraint(["about"], ["response_event.event_id"], name="fk_response_event_about_response_event"),
        sa.PrimaryKeyConstraint("event_id", name="pk_response_event"),
        sa.UniqueConstraint("decision_id", "number", name="uq_response_event_decision_id_number"),
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("response_event")
