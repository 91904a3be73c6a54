"""A partner's names in facility ledgers say which debts are owed to it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "lender_name",
        sa.Column("partner_id", sa.String(40), nullable=False),
        sa.Column("lender_id", sa.String(200), nullable=False, comment="as facility ledgers name the partner"),
        sa.Column("told_time", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["partner_id"], ["partner.partner_id"], name="fk_lender_name_partner_id_partner"),
        sa.PrimaryKeyConstraint("partner_id", "lender_id", name="pk_lender_name"),
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("lender_name")
