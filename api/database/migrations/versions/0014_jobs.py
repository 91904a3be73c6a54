"""Work that is done by whoever is free: claimed by row, taken up again where a worker died."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "job",
        sa.Column("job_id", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("arguments", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False, comment="how often a worker began it"),
        sa.Column("created_time", sa.BigInteger(), nullable=False),
        sa.Column("lease_until", sa.BigInteger(), nullable=True, comment="a worker that says nothing by then is dead"),
        sa.Column("worker", sa.String(length=40), nullable=True),
        sa.Column("done", sa.Integer(), nullable=False, comment="steps of total that are done, as last told"),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("finished_time", sa.BigInteger(), nullable=True),
        sa.Column("result", sa.JSON(), nullable=True),
        sa.Column("error", sa.String(length=2000), nullable=True),
        sa.PrimaryKeyConstraint("job_id", name="pk_job"),
    )
    op.create_index("ix_job_state_created_time", "job", ["state", "created_time"])


def downgrade() -> None:
    """Drop the table."""
    op.drop_index("ix_job_state_created_time", table_name="job")
    op.drop_table("job")
