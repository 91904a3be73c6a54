"""What is told of gateways later: keys whose end is dated further back, refused seals as proof; and repeated rows."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables and indexes; what was said of ended keys moves to a table of its own, unchanged."""
    op.create_table(
        "gateway_key_end",
        sa.Column("key_id", sa.String(length=16), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("revoked_us", sa.BigInteger(), nullable=False),
        sa.Column("revoked_from_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["key_id"], ["gateway_key.key_id"], name="fk_gateway_key_end_key_id"),
        sa.PrimaryKeyConstraint("key_id", "position", name="pk_gateway_key_end"),
    )
    op.execute(
        "INSERT INTO gateway_key_end (key_id, position, revoked_us, revoked_from_us) "
        "SELECT key_id, 0, revoked_us, revoked_from_us FROM gateway_key WHERE revoked_us IS NOT NULL"
    )
    op.drop_column("gateway_key", "revoked_us")
    op.drop_column("gateway_key", "revoked_from_us")
    op.create_table(
        "refused_seal",
        sa.Column("refusal_id", sa.String(length=24), nullable=False),
        sa.Column("key_id", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=16), nullable=False),
        sa.Column("seal", sa.String(length=2000), nullable=False),
        sa.Column("body_sha256", sa.String(length=64), nullable=False),
        sa.Column("sent_by", sa.String(length=80), nullable=False),
        sa.Column("refused_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["key_id"], ["gateway_key.key_id"], name="fk_refused_seal_key_id"),
        sa.PrimaryKeyConstraint("refusal_id", name="pk_refused_seal"),
    )
    op.create_index("ix_refused_seal_key_id", "refused_seal", ["key_id"])
    op.create_index("ix_gateway_seal_boot_id", "gateway_seal", ["key_id", "boot_id", "sequence"])
    op.create_index("ix_gateway_fault_kind", "gateway_fault", ["kind"])
    op.create_table(
        "repeated_rows",
        sa.Column("batch_id", sa.String(length=25), nullable=False),
        sa.Column("unit", sa.String(length=200), nullable=False),
        sa.Column("period", sa.String(length=10), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.batch_id"], name="fk_repeated_rows_batch_id"),
        sa.PrimaryKeyConstraint("batch_id", "unit", "period", name="pk_repeated_rows"),
    )
    op.create_index("ix_repeated_rows_unit", "repeated_rows", ["unit", "period"])


def downgrade() -> None:
    """Drop the tables; of each key's ends the earliest stays, and repeated rows are counted by batch alone."""
    op.drop_index("ix_repeated_rows_unit", table_name="repeated_rows")
    op.drop_table("repeated_rows")
    op.drop_index("ix_gateway_fault_kind", table_name="gateway_fault")
    op.drop_index("ix_gateway_seal_boot_id", table_name="gateway_seal")
    op.drop_index("ix_refused_seal_key_id", table_name="refused_seal")
    op.drop_table("refused_seal")
    op.add_column("gateway_key", sa.Column("revoked_us", sa.BigInteger(), nullable=True))
    op.add_column("gateway_key", sa.Column("revoked_from_us", sa.BigInteger(), nullable=True))
    for name in ("revoked_us", "revoked_from_us"):
        earliest = f"SELECT min({name}) FROM gateway_key_end WHERE gateway_key_end.key_id = gateway_key.key_id"
        op.execute(f"UPDATE gateway_key SET {name} = ({earliest})")
    op.drop_table("gateway_key_end")
