"""Gateways: their keys, the seals of their batches, what was wrong with them, and how far each batch is attested."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables; batches that are there were declared, or came over an authenticated channel: nobody knows."""
    op.create_table(
        "gateway_key",
        sa.Column("key_id", sa.String(length=16), nullable=False),
        sa.Column("gateway", sa.String(length=80), nullable=False),
        sa.Column("obligor_id", sa.String(length=18), nullable=False),
        sa.Column("public_key", sa.LargeBinary(length=32), nullable=False),
        sa.Column("livemode", sa.Boolean(), nullable=False),
        sa.Column("registered_us", sa.BigInteger(), nullable=False),
        sa.Column("registered_by", sa.String(length=40), nullable=False),
        sa.Column("revoked_us", sa.BigInteger(), nullable=True),
        sa.Column("revoked_from_us", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("key_id", name="pk_gateway_key"),
    )
    op.create_index("ix_gateway_key_obligor_id", "gateway_key", ["obligor_id"], unique=False)
    op.create_table(
        "gateway_seal",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("key_id", sa.String(length=16), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("boot_id", sa.String(length=32), nullable=False),
        sa.Column("monotonic_us", sa.BigInteger(), nullable=False),
        sa.Column("wall_us", sa.BigInteger(), nullable=False),
        sa.Column("previous", sa.String(length=64), nullable=False),
        sa.Column("body_sha256", sa.String(length=64), nullable=False),
        sa.Column("signature", sa.LargeBinary(length=64), nullable=False),
        sa.Column("received_us", sa.BigInteger(), nullable=False),
        sa.Column("batch_id", sa.String(length=25), nullable=False),
        sa.ForeignKeyConstraint(["key_id"], ["gateway_key.key_id"], name="fk_gateway_seal_key_id"),
        sa.PrimaryKeyConstraint("digest", name="pk_gateway_seal"),
    )
    op.create_index("ix_gateway_seal_key_id_sequence", "gateway_seal", ["key_id", "sequence"], unique=False)
    op.create_index("ix_gateway_seal_key_id_body_sha256", "gateway_seal", ["key_id", "body_sha256"], unique=False)
    op.create_table(
        "gateway_fault",
        sa.Column("fault_id", sa.String(length=24), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("key_id", sa.String(length=16), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("other_digest", sa.String(length=64), nullable=True),
        sa.Column("detail", sa.String(length=300), nullable=False),
        sa.Column("found_us", sa.BigInteger(), nullable=False),
        sa.Column("batch_id", sa.String(length=25), nullable=False),
        sa.ForeignKeyConstraint(["key_id"], ["gateway_key.key_id"], name="fk_gateway_fault_key_id"),
        sa.PrimaryKeyConstraint("fault_id", name="pk_gateway_fault"),
    )
    op.create_index("ix_gateway_fault_key_id", "gateway_fault", ["key_id"], unique=False)
    op.create_table(
        "batch_attestation",
        sa.Column("batch_id", sa.String(length=25), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("level", sa.String(length=2), nullable=False),
        sa.Column("seal_digest", sa.String(length=64), nullable=True),
        sa.Column("attested_by", sa.String(length=80), nullable=False),
        sa.Column("evidence", sa.String(length=64), nullable=True),
        sa.Column("attested_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("batch_id", "position", name="pk_batch_attestation"),
    )


def downgrade() -> None:
    """Drop the tables."""
    op.drop_table("batch_attestation")
    op.drop_index("ix_gateway_fault_key_id", table_name="gateway_fault")
    op.drop_table("gateway_fault")
    op.drop_index("ix_gateway_seal_key_id_body_sha256", table_name="gateway_seal")
    op.drop_index("ix_gateway_seal_key_id_sequence", table_name="gateway_seal")
    op.drop_table("gateway_seal")
    op.drop_index("ix_gateway_key_obligor_id", table_name="gateway_key")
    op.drop_table("gateway_key")
