"""Applications of manufacturers for finance, and the lenders that they may be shown to."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "application",
        sa.Column("application_id", sa.String(length=40), nullable=False),
        sa.Column("obligor_id", sa.String(length=18), nullable=False),
        sa.Column("product", sa.String(length=32), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("tenor_months", sa.Integer(), nullable=False),
        sa.Column("livemode", sa.Boolean(), nullable=False),
        sa.Column("filed_time", sa.BigInteger(), nullable=False),
        sa.Column("expires_time", sa.BigInteger(), nullable=False),
        sa.Column("withdrawn_time", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["obligor_id"], ["obligor.obligor_id"], name="fk_application_obligor_id_obligor"),
        sa.PrimaryKeyConstraint("application_id", name="pk_application"),
    )
    op.create_index("ix_application_obligor_id_filed_time", "application", ["obligor_id", "filed_time"])
    op.create_table(
        "application_lender",
        sa.Column("application_id", sa.String(length=40), nullable=False),
        sa.Column("partner_id", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.application_id"], name="fk_application_lender_application_id_application"
        ),
        sa.ForeignKeyConstraint(
            ["partner_id"], ["partner.partner_id"], name="fk_application_lender_partner_id_partner"
        ),
        sa.PrimaryKeyConstraint("application_id", "partner_id", name="pk_application_lender"),
    )
    op.create_index("ix_application_lender_partner_id", "application_lender", ["partner_id"])


def downgrade() -> None:
    """Drop the tables."""
    op.drop_table("application_lender")
    op.drop_table("application")
