"""The life of insurance policies, record by record."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "policy_record",
        sa.Column("record_id", sa.String(length=40), nullable=False),
        sa.Column("policy_id", sa.String(length=40), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False, comment="0 is the bound quote"),
        sa.Column("step", sa.String(length=20), nullable=False),
        sa.Column("quote_id", sa.String(length=40), comment="of the bound quote"),
        sa.Column("obligor_id", sa.String(length=18), nullable=False),
        sa.Column("partner_id", sa.String(length=40), nullable=False),
        sa.Column("livemode", sa.Boolean(), nullable=False),
        sa.Column("recorded_time", sa.BigInteger(), nullable=False),
        sa.Column("recorded_by", sa.String(length=200), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["quote_id"], ["premium_quote.quote_id"], name="fk_policy_record_quote_id_premium_quote"
        ),
        sa.ForeignKeyConstraint(["obligor_id"], ["obligor.obligor_id"], name="fk_policy_record_obligor_id_obligor"),
        sa.ForeignKeyConstraint(["partner_id"], ["partner.partner_id"], name="fk_policy_record_partner_id_partner"),
        sa.PrimaryKeyConstraint("record_id", name="pk_policy_record"),
        sa.UniqueConstraint("policy_id", "position", name="uq_policy_record_policy_id_position"),
        sa.UniqueConstraint("quote_id", name="uq_policy_record_quote_id"),
    )
    op.create_index("ix_policy_record_obligor_id", "policy_record", ["obligor_id"])


def downgrade() -> None:
    """Drop it."""
    op.drop_index("ix_policy_record_obligor_id", table_name="policy_record")
    op.drop_table("policy_record")
