"""What answers rest on: consents by name, and the roots over what a receipt can open of a snapshot."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ANSWERS = ("score_record", "credit_decision", "premium_quote")
ROOTS = ("features_root", "features_count", "batches_root", "batches_count")


def upgrade() -> None:
    """Add the columns; answers that were kept before have none of it."""
    for table in ANSWERS:
        with op.batch_alter_table(table) as altered:
            altered.add_column(
                sa.Column("consent_ids", sa.JSON(), nullable=True, comment="the consents that it rested on")
            )
    with op.batch_alter_table("snapshot") as altered:
        altered.add_column(
            sa.Column(
                "disclosure_seed",
                sa.LargeBinary(length=32),
                nullable=True,
                comment="secret: of it come the salts of what can be opened",
            )
        )
        altered.add_column(sa.Column("features_root", sa.String(length=64), nullable=True))
        altered.add_column(sa.Column("features_count", sa.Integer(), nullable=True))
        altered.add_column(sa.Column("batches_root", sa.String(length=64), nullable=True))
        altered.add_column(sa.Column("batches_count", sa.Integer(), nullable=True))


def downgrade() -> None:
    """Drop the columns."""
    with op.batch_alter_table("snapshot") as altered:
        for name in (*ROOTS, "disclosure_seed"):
            altered.drop_column(name)
    for table in ANSWERS:
        with op.batch_alter_table(table) as altered:
            altered.drop_column("consent_ids")
