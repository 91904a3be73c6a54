"""Files that count no more (compacted or erased), and rows in quarantine that were tried again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "retired_file",
        sa.Column("path", sa.String(length=300), nullable=False),
        sa.Column("retired_time", sa.BigInteger(), nullable=False),
        sa.Column("why", sa.String(length=16), nullable=False),
        sa.PrimaryKeyConstraint("path", name="pk_retired_file"),
    )
    op.create_table(
        "readmission",
        sa.Column("batch_id", sa.String(length=25), nullable=False),
        sa.Column("row_number", sa.BigInteger(), nullable=False),
        sa.Column("readmitted_in", sa.String(length=25), nullable=False),
        sa.Column("readmitted_row", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.batch_id"], name="fk_readmission_batch_id_batch"),
        sa.ForeignKeyConstraint(["readmitted_in"], ["batch.batch_id"], name="fk_readmission_readmitted_in_batch"),
        sa.PrimaryKeyConstraint("batch_id", "row_number", name="pk_readmission"),
    )


def downgrade() -> None:
    """Drop the tables. Files that they named are then like any that no transaction committed."""
    op.drop_table("readmission")
    op.drop_table("retired_file")
