"""Engines and the unit of work: one transaction around one use of the system."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary

import sqlalchemy as sa
from sqlalchemy import event

BUSY_TIMEOUT_SECONDS = 30
READS_ONLY = "millgrade_reads_only"
"""Execution option of a connection to SQLite whose transaction takes no turn among the writers."""

_turns: WeakKeyDictionary[sa.Engine, Lock] = WeakKeyDictionary()
"""SQLite has one writer, and those who wait for it look again ever more rarely; within a process a lock wakes them."""


def create_engine(url: str) -> sa.Engine:
    """An engine for `url`. SQLite runs in WAL mode with every commit synced, foreign keys on, writers queued.

    Its errors quote no values: those may be secrets.
    """
    if sa.make_url(url).get_backend_name() != "sqlite":
        return sa.create_engine(url, pool_pre_ping=True, hide_parameters=True)
    engine = sa.create_engine(url, connect_args={"timeout": BUSY_TIMEOUT_SECONDS}, hide_parameters=True)
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    _turns[engine] = Lock()
    return engine


@contextmanager
def unit_of_work(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A connection in one transaction: committed when the block ends, rolled back when it raises."""
    with _turn(engine), engine.begin() as connection:
        yield connection


@contextmanager
def reading(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A connection that sees one state of the database for as long as it is open, and keeps no writer waiting."""
    with engine.connect() as connection:
        options = {READS_ONLY: True} if engine in _turns else {"isolation_level": "REPEATABLE READ"}
        yield connection.execution_options(**options)


@contextmanager
def _turn_of(lock: Lock) -> Iterator[None]:
    if not lock.acquire(timeout=BUSY_TIMEOUT_SECONDS):
        raise sa.exc.TimeoutError(f"The database was busy for {BUSY_TIMEOUT_SECONDS} seconds.")
    try:
        yield
    finally:
        lock.release()


def _turn(engine: sa.Engine) -> AbstractContextManager[None]:
    """Held during a unit of work on SQLite; free on other databases."""
    return _turn_of(_turns[engine]) if engine in _turns else nullcontext()


def _set_up_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver must not begin by itself; `_begin_sqlite` does
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: sa.Connection) -> None:
    if connection.get_execution_options().get("isolation_level") == "AUTOCOMMIT":
        return  # it only looks, and waits for nobody
    # A deferred transaction that reads first and writes later fails where another wrote in between.
    only_reads = connection.get_execution_options().get(READS_ONLY, False)
    connection.exec_driver_sql("BEGIN" if only_reads else "BEGIN IMMEDIATE")
