"""Statements that SQLite and PostgreSQL spell the same way but SQLAlchemy keeps apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite


def insert_once(
    connection: sa.Connection, table: sa.Table, rows: Mapping[str, Any] | Sequence[Mapping[str, Any]]
) -> None:
    """Insert what is not there yet; a row whose primary key is taken, also by a rival just now, stays as it is."""
    if rows:
        connection.execute(_insert(table, connection.dialect.name), rows)


@cache
def _insert(table: sa.Table, dialect: str) -> sa.Insert:
    insert: sa.Insert = (postgresql if dialect == "postgresql" else sqlite).insert(table).on_conflict_do_nothing()
    return insert
