"""Intake, features, training and scoring never look at a world's truth: an audit hook watches every file that Python
opens, and without the truth every byte is the same (which also covers files that Arrow opens by itself)."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import simulator
from api.database.engine import unit_of_work
from api.home import open_home
from api.models import service as models
from api.scores import service as scores
from api.snapshots.service import reader
from api.telemetry import service as telemetry
from data_contracts.identifiers import ObligorId
from features.as_of import load_machine_days
from scoring import registry
from tests.golden_world import WORLD

AS_OF = datetime(2026, 6, 30, 16, tzinfo=UTC)
NOW = datetime(2026, 11, 21, tzinfo=UTC)
FRAUDULENT = {**WORLD, "frauds": ["all"]}
LOOKS = {"open", "os.listdir", "os.scandir", "os.stat", "os.chdir"}

_watchers: list[list[tuple[str, str]]] = []


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if _watchers and event in LOOKS and arguments and isinstance(arguments[0], str | bytes | os.PathLike):
        for seen in _watchers:
            seen.append((event, os.fsdecode(arguments[0])))


sys.addaudithook(_hook)  # a hook cannot be taken away; it does nothing while nobody watches


@contextmanager
def watched() -> Iterator[list[tuple[str, str]]]:
    """Every path that is opened or listed meanwhile."""
    seen: list[tuple[str, str]] = []
    _watchers.append(seen)
    try:
        yield seen
    finally:
        _watchers.remove(seen)


def _answers(folder: Path, place: Path) -> tuple[bytes, ...]:
    """Machine-days, the model and all scores that come of a folder, as bytes."""
    home = open_home(place)
    telemetry.ingest_folder(home, folder, received_time=NOW, progress=lambda *_: None)
    models.train_credit(home, as_of=AS_OF)
    records = scores.score_all(home, as_of=AS_OF, now=NOW)
    owners = [ObligorId(record.obligor_id) for record in records[:20]]
    with unit_of_work(home.engine) as connection:
        days, findings = load_machine_days(reader(connection, home), as_of=AS_OF, obligor_ids=owners)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, days.table.schema) as stream:
        stream.write_table(days.table.combine_chunks())
    card = registry.plain_card(models.promoted_credit(home))
    home.engine.dispose()
    return (sink.getvalue().to_pybytes(), repr(findings).encode(), repr(card).encode(), repr(records).encode())


def test_the_hook_sees_who_opens_the_truth(tmp_path: Path) -> None:
    """So that the test below can fail."""
    (tmp_path / "truth").mkdir()
    secret = tmp_path / "truth" / "default.txt"
    secret.write_text("1", encoding="utf-8")
    with watched() as seen:
        secret.read_text(encoding="utf-8")
        list((tmp_path / "truth").iterdir())
    assert {event for event, path in seen if "truth" in path} >= {"open", "os.listdir"}


def test_nothing_depends_on_the_truth(tmp_path_factory: pytest.TempPathFactory) -> None:
    root = tmp_path_factory.mktemp("apart")
    simulator.simulate(out=root / "world", **FRAUDULENT)  # type: ignore[arg-type]
    truth = root / "world" / "truth"
    assert (truth / "fraud.parquet").exists()
    with watched() as seen:
        beside = _answers(root / "world", root / "beside")
    assert len(seen) > 1000
    assert [path for _, path in seen if Path(path).resolve().is_relative_to(truth)] == []
    shutil.rmtree(truth)
    assert _answers(root / "world", root / "without") == beside
