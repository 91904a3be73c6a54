"""The same bytes from threads, from two Dask worker processes, and with one of them killed in the middle."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from threading import Thread
from time import sleep

import pytest
from observed_book import Book, new_book
from test_kept_machine_days import AFTERWARDS, MACHINES, SOURCES, assert_same, minute_row

from data_contracts.contract import RecordKind
from features.machine_day.machine_days import MachineDays
from features.rolling import sampled_days

distributed = pytest.importorskip("distributed")
pytestmark = pytest.mark.filterwarnings("default")  # of the cluster's own making, in threads of its own


@pytest.fixture
def month(tmp_path: Path) -> Iterator[Book]:
    """A month of three machines, a batch a day."""
    with new_book(tmp_path) as book:
        for day in range(30):
            steps = range(day * 144, (day + 1) * 144)
            book.say(RecordKind.SAMPLE, [minute_row(uid, step) for uid in MACHINES for step in steps], **SOURCES[0])
        yield book


@pytest.fixture
def client(tmp_path: Path) -> Iterator[distributed.Client]:
    with (
        distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            dashboard_address=None,
            local_directory=str(tmp_path / "workers"),
            host="127.0.0.1",
        ) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
    ):
        yield client


def rolled(book: Book, client: distributed.Client | None) -> MachineDays:
    as_of = AFTERWARDS + timedelta(days=60)
    machines = book.reader.machines(as_of=as_of)
    executor = None if client is None else client.get_executor()
    return sampled_days(book.reader, as_of=as_of, machines=machines, executor=executor)


def test_worker_processes_give_the_same_bytes_and_a_killed_one_changes_nothing(
    month: Book, client: distributed.Client
) -> None:
    alone = rolled(month, None)
    assert alone.table.num_rows >= 90
    assert_same(rolled(month, client), alone)
    pids = client.run(os.getpid)
    killer = Thread(target=lambda: (sleep(0.1), os.kill(min(pids.values()), signal.SIGKILL)))
    killer.start()
    assert_same(rolled(month, client), alone)
    killer.join()
    assert set(client.run(os.getpid).values()) != set(pids.values())
