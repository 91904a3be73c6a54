"""Moving a home's database between revisions."""

from __future__ import annotations

from pathlib import Path

from alembic.script.revision import RevisionError
from alembic.util import CommandError

from api.database.engine import create_engine
from api.database.migrate import current_revision, head_revision, migrate
from api.home import database_url_of
from api.operations.errors import UnknownRevision


def move(root: Path, *, database_url: str | None, revision: str) -> dict[str, str | None]:
    """Bring the database to `revision` ("head", "base" or a revision's id), up or down, in one transaction.

    Returns the revisions `from` and `to`; None is an empty database. A home whose database is outdated, which
    nothing else opens, is moved as well. Raises UnknownRevision.
    """
    root.mkdir(parents=True, exist_ok=True)
    engine = create_engine(database_url or database_url_of(root))
    try:
        with engine.connect() as connection:
            before = current_revision(connection)
        migrate(engine, revision)
        with engine.connect() as connection:
            return {"from": before, "to": current_revision(connection)}
    except (RevisionError, CommandError) as error:
        raise UnknownRevision(
            f"The migrations have no revision {revision!r}.", hint=f"The newest is {head_revision()}; base is none."
        ) from error
    finally:
        engine.dispose()
