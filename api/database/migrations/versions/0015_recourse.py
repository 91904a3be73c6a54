"""What a manufacturer can do about a decision: signed offers, and the re-scores of plans that were reported done."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "recourse_offer",
        sa.Column("offer_id", sa.String(length=40), nullable=False),
        sa.Column("decision_id", sa.String(length=40), nullable=False),
        sa.Column("made_time", sa.BigInteger(), nullable=False),
        sa.Column("good_until", sa.Date(), nullable=True, comment="of its plans the last; none without a plan"),
        sa.Column("plans", sa.SmallInteger(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False, comment="signed: the offer, the hash of its body, and its end"),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["decision_id"], ["credit_decision.decision_id"], name="fk_recourse_offer_decision_id_credit_decision"
        ),
        sa.PrimaryKeyConstraint("offer_id", name="pk_recourse_offer"),
    )
    op.create_index("ix_recourse_offer_decision_id_made_time", "recourse_offer", ["decision_id", "made_time"])
    op.create_table(
        "recourse_rescore",
        sa.Column("rescore_id", sa.String(length=40), nullable=False),
        sa.Column("offer_id", sa.String(length=40), nullable=False),
        sa.Column("plan", sa.SmallInteger(), nullable=False),
        sa.Column("reported_time", sa.BigInteger(), nullable=False),
        sa.Column("snapshot_id", sa.String(length=64), nullable=False),
        sa.Column("outcome", sa.String(length=10), nullable=False),
        sa.Column("is_kept", sa.Boolean(), nullable=False, comment="the snapshot lay within the promise"),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["offer_id"], ["recourse_offer.offer_id"], name="fk_recourse_rescore_offer_id_recourse_offer"
        ),
        sa.PrimaryKeyConstraint("rescore_id", name="pk_recourse_rescore"),
    )
    op.create_index("ix_recourse_rescore_offer_id_reported_time", "recourse_rescore", ["offer_id", "reported_time"])


def downgrade() -> None:
    """Drop the tables."""
    op.drop_table("recourse_rescore")
    op.drop_table("recourse_offer")
