"""One Alembic history for the observation register and the business records."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

MIGRATIONS = Path(__file__).parent / "migrations"


def migrate(engine: sa.Engine, revision: str = "head") -> None:
    """Bring the database to `revision` (up or down to "base"), in one transaction."""
    with engine.begin() as connection:
        config, current = _config(connection), current_revision(connection)
        if revision in {"head", current} or _is_above(config, revision, current):
            command.upgrade(config, revision)
        else:
            command.downgrade(config, revision)


def current_revision(connection: sa.Connection) -> str | None:
    """The revision that the database stands at, None for an empty one."""
    return MigrationContext.configure(connection).get_current_revision()


@cache
def head_revision() -> str:
    """The newest revision of the code: read once, as each probe of readiness asks for it."""
    head = ScriptDirectory.from_config(_config(None)).get_current_head()
    assert head is not None, "the migrations folder has no revision"
    return head


def _config(connection: sa.Connection | None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _is_above(config: Config, revision: str, current: str | None) -> bool:
    if current is None:
        return True
    ancestors = {script.revision for script in ScriptDirectory.from_config(config).iterate_revisions(current, "base")}
    return revision != "base" and revision not in ancestors
