"""Who answers for models: validations, checks and appointments; and the mandate of the model that a decision used."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables and the column."""
    op.create_table(
        "model_validation",
        sa.Column("validation_id", sa.String(length=40), nullable=False),
        sa.Column("model_kind", sa.String(length=12), nullable=False),
        sa.Column("model_version", sa.String(length=64), nullable=False),
        sa.Column("owner", sa.String(length=200), nullable=False),
        sa.Column("validated_by", sa.String(length=200), nullable=False),
        sa.Column("conclusion", sa.String(length=10), nullable=False),
        sa.Column("findings", sa.String(length=4000), nullable=False),
        sa.Column("pack_sha256", sa.String(length=64), comment="of the validation pack that was read"),
        sa.Column("validated_time", sa.BigInteger(), nullable=False),
        sa.Column("expires_time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("validation_id", name="pk_model_validation"),
    )
    op.create_index("ix_model_validation_model_version", "model_validation", ["model_version"])
    op.create_table(
        "model_check",
        sa.Column("check_id", sa.String(length=40), nullable=False),
        sa.Column("model_kind", sa.String(length=12), nullable=False),
        sa.Column("model_version", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("is_passed", sa.Boolean(), nullable=False),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.Column("checked_by", sa.String(length=200), nullable=False),
        sa.Column("checked_time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("check_id", name="pk_model_check"),
    )
    op.create_index("ix_model_check_model_version", "model_check", ["model_version"])
    op.create_table(
        "model_appointment",
        sa.Column("appointment_id", sa.String(length=40), nullable=False),
        sa.Column("model_kind", sa.String(length=12), nullable=False),
        sa.Column("model_version", sa.String(length=64), comment="null where a challenger is dismissed"),
        sa.Column("role", sa.String(length=12), nullable=False, comment="champion or challenger"),
        sa.Column("validation_id", sa.String(length=40)),
        sa.Column("appointed_by", sa.String(length=200), nullable=False),
        sa.Column("appointed_time", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "role <> 'champion' OR (validation_id IS NOT NULL AND model_version IS NOT NULL)",
            name="ck_model_appointment_a_champion_is_validated",
        ),
        sa.ForeignKeyConstraint(
            ["validation_id"],
            ["model_validation.validation_id"],
            name="fk_model_appointment_validation_id_model_validation",
        ),
        sa.PrimaryKeyConstraint("appointment_id", name="pk_model_appointment"),
    )
    op.create_index("ix_model_appointment_model_kind", "model_appointment", ["model_kind"])
    op.add_column(
        "credit_decision",
        sa.Column("model_mandate", sa.String(length=10), comment="how far people answered for the model then"),
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_column("credit_decision", "model_mandate")
    op.drop_index("ix_model_appointment_model_kind", table_name="model_appointment")
    op.drop_table("model_appointment")
    op.drop_index("ix_model_check_model_version", table_name="model_check")
    op.drop_table("model_check")
    op.drop_index("ix_model_validation_model_version", table_name="model_validation")
    op.drop_table("model_validation")
