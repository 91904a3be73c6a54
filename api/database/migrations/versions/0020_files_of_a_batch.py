"""The files of a batch are found by an index, not by reading which files hold rows of every batch there is."""

from __future__ import annotations

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the index."""
    op.create_index("ix_observation_file_batch_batch_id", "observation_file_batch", ["batch_id"])


def downgrade() -> None:
    """Drop it."""
    op.drop_index("ix_observation_file_batch_batch_id", table_name="observation_file_batch")
