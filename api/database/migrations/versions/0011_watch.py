"""After the loan: cases of obligors that are watched, what was done in them, and the days that are done."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "watch_case",
        sa.Column("case_id", sa.String(length=40), nullable=False),
        sa.Column("obligor_id", sa.String(length=18), nullable=False),
        sa.Column(
            "open_for", sa.String(length=18), nullable=True,
            comment="the obligor while the case is open, so that it has one",
        ),
        sa.Column("opened_on", sa.Date(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("severity", sa.SmallInteger(), nullable=False),
        sa.Column(
            "loudest", sa.SmallInteger(), nullable=False, comment="the severity at which somebody was last told"
        ),
        sa.Column("seen", sa.JSON(), nullable=False, comment="unit, code, worst severity, first and last day"),
        sa.Column("snoozed_until", sa.Date(), nullable=True),
        sa.Column("outcome", sa.String(length=20), nullable=True),
        sa.Column("changed_time", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["obligor_id"], ["obligor.obligor_id"], name="fk_watch_case_obligor_id_obligor"),
        sa.PrimaryKeyConstraint("case_id", name="pk_watch_case"),
        sa.UniqueConstraint("open_for", name="uq_watch_case_open_for"),
    )  # fmt: skip
    op.create_index("ix_watch_case_obligor_id_opened_on", "watch_case", ["obligor_id", "opened_on"])
    op.create_table(
        "watch_event",
        sa.Column("case_id", sa.String(length=40), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("what", sa.String(length=16), nullable=False, comment="news, or what a person did"),
        sa.Column("by", sa.String(length=40), nullable=False),
        sa.Column("reason", sa.String(length=400), nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["watch_case.case_id"], name="fk_watch_event_case_id_watch_case"),
        sa.PrimaryKeyConstraint("case_id", "position", name="pk_watch_event"),
    )
    op.create_table(
        "watch_day",
        sa.Column("obligor_id", sa.String(length=18), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("parameters_version", sa.String(length=64), nullable=False),
        sa.Column("warnings", sa.Integer(), nullable=False),
        sa.Column("watched_time", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["obligor_id"], ["obligor.obligor_id"], name="fk_watch_day_obligor_id_obligor"),
        sa.PrimaryKeyConstraint("obligor_id", "day", name="pk_watch_day"),
    )


def downgrade() -> None:
    """Drop the tables."""
    op.drop_table("watch_day")
    op.drop_table("watch_event")
    op.drop_index("ix_watch_case_obligor_id_opened_on", table_name="watch_case")
    op.drop_table("watch_case")
