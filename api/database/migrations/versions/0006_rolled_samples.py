"""Samples that were rolled up once: the files that hold them, the folders that are done, and up to which batch."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "machine_day_file",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("path", sa.String(length=300), nullable=False),
        sa.Column("partition", sa.String(length=10), nullable=False),
        sa.Column("bucket", sa.SmallInteger(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("unit_from", sa.String(length=200), nullable=False),
        sa.Column("unit_until", sa.String(length=200), nullable=False),
        sa.Column("rolled_time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name="pk_machine_day_file"),
        sa.UniqueConstraint("path", name="uq_machine_day_file_path"),
    )
    op.create_index("ix_machine_day_file_bucket", "machine_day_file", ["bucket"])
    op.create_table(
        "machine_day_place",
        sa.Column("partition", sa.String(length=10), nullable=False),
        sa.Column("bucket", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("partition", "bucket", name="pk_machine_day_place"),
    )
    op.create_table(
        "machine_day_run",
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("rolled_time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name="pk_machine_day_run"),
    )


def downgrade() -> None:
    """Drop the tables. What they named can be rolled up again; the files are then like any that nobody committed."""
    op.drop_table("machine_day_run")
    op.drop_table("machine_day_place")
    op.drop_index("ix_machine_day_file_bucket", table_name="machine_day_file")
    op.drop_table("machine_day_file")
