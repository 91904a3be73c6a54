"""Runs that logged what was kept before the home had a log: which entries they made, and when."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table. What is not logged yet is logged by `millgrade log-late`."""
    op.create_table(
        "late_logging",
        sa.Column("run", sa.String(length=20), nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("logged_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("run", name="pk_late_logging"),
    )


def downgrade() -> None:
    """Drop the table. The entries stay in the log; that they came late is then not told any more."""
    op.drop_table("late_logging")
