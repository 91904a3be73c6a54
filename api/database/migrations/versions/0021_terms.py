"""What a product of the chain rested on is kept with its decision."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "decision_terms",
        sa.Column("terms_id", sa.String(40), nullable=False),
        sa.Column("decision_id", sa.String(40), nullable=False),
        sa.Column("told_time", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False, comment="canonical JSON, as it was answered"),
        sa.ForeignKeyConstraint(
            ["decision_id"], ["credit_decision.decision_id"], name="fk_decision_terms_decision_id_credit_decision"
        ),
        sa.PrimaryKeyConstraint("terms_id", name="pk_decision_terms"),
    )
    op.create_index("ix_decision_terms_decision_id", "decision_terms", ["decision_id"])


def downgrade() -> None:
    """Drop it."""
    op.drop_index("ix_decision_terms_decision_id", table_name="decision_terms")
    op.drop_table("decision_terms")
