"""The examination: every check, in an order in which a later one rests on what an earlier one found."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from api.database.engine import create_engine
from api.database.migrate import current_revision, head_revision
from api.home import Home, database_url_of
from api.operations.doctor import files, software
from api.operations.doctor.evidence import evidence
from api.operations.doctor.finding import Finding, fine, wrong
from api.operations.doctor.governance import appointed


def examine(root: Path, *, database_url: str | None, now: datetime, sample: int) -> list[Finding]:
    """Look at the home at `root` without changing anything; `sample` files of each kind are read and hashed."""
    findings = [*software.libraries(), *software.fonts(software.FONT_FOLDERS), *software.shipped_parameters(now)]
    if not root.is_dir():
        return [*findings, wrong("home", f"There is no folder {root}.", "Check --home, or run: millgrade migrate")]
    findings += files.folders(root)
    findings += files.space(root)
    if database_url is None and not (root / "millgrade.db").is_file():
        return [*findings, wrong("database", f"{root} has no database.", "Run: millgrade migrate, or set its URL.")]
    home = Home(root=root, engine=create_engine(database_url or database_url_of(root)))
    try:
        return [*findings, *_inside(home, sample=sample, now=now)]
    finally:
        home.engine.dispose()


def _inside(home: Home, *, sample: int, now: datetime) -> Iterator[Finding]:
    try:
        # Without a transaction: whoever serves the home goes on writing while it is examined.
        with home.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            revision = current_revision(connection)
            if revision != head_revision():
                yield wrong(
                    "database",
                    f"The database stands at revision {revision}; this release needs {head_revision()}.",
                    "Back it up, then run: millgrade migrate",
                )
                return
            yield fine("database", f"{connection.dialect.name} at revision {revision}")
            yield from files.register(connection, home, sample=sample)
            yield from files.snapshots(connection, home, sample=sample)
            yield from evidence(connection, home, sample=sample)
            yield from appointed(connection, home, now=now)
    except sa.exc.DBAPIError as error:
        yield wrong("database", f"The database does not answer: {_first_line(error.orig)}", "Check its address.")
        return
    yield from files.models(home)
    yield from files.kept_parameters(home)


def _first_line(error: BaseException | None) -> str:
    return (str(error).splitlines() or ["no reason given"])[0]
