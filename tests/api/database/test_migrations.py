"""The one Alembic history makes exactly the declared tables, on both databases, up and down."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from api.database import tables as business
from api.database.migrate import current_revision, head_revision, migrate
from data_contracts.evidence import tables as evidence
from data_contracts.observations import tables as observations


def test_the_migrated_database_is_the_declared_one(engine: sa.Engine) -> None:
    migrate(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        declared = [business.metadata, observations.metadata, evidence.metadata]
        assert compare_metadata(context, declared) == []  # type: ignore[arg-type]
        assert current_revision(connection) == head_revision()


def test_down_and_up_again(engine: sa.Engine) -> None:
    migrate(engine)
    migrate(engine, "base")
    assert set(sa.inspect(engine).get_table_names()) <= {"alembic_version"}
    migrate(engine)
    assert "batch" in sa.inspect(engine).get_table_names()


def test_sqlite_syncs_every_commit_and_queues_writers(engine: sa.Engine) -> None:
    if engine.dialect.name != "sqlite":
        assert engine.pool._pre_ping
        return
    with engine.connect() as connection:
        found = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
