"""Files are found by the end of their span: what comes in now meets the newest files, not every one before it."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Put one index in the place of another."""
    op.drop_index("ix_observation_file_kind_event_from", table_name="observation_file")
    op.create_index("ix_observation_file_kind_event_until", "observation_file", ["kind", "event_until"])


def downgrade() -> None:
    """And back."""
    op.drop_index("ix_observation_file_kind_event_until", table_name="observation_file")
    op.create_index("ix_observation_file_kind_event_from", "observation_file", ["kind", "event_from"])
