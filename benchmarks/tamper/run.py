"""Mutations by the thousand, each followed by a full audit and undone; several processes, a copy of the home each."""

from __future__ import annotations

import random
import shutil
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from api.home import Home, open_home
from api.operations import evidence
from api.operations.audit.examine import audit
from benchmarks.tamper import mutations, small
from benchmarks.tamper.later import Later, roll_back_and_fork
from benchmarks.tamper.receipts import Measured, measure
from data_contracts.evidence import verify

TARGETS = ("database", "log", "files")
SHOWN = 5


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How many mutations were made and found, by what was done to what; and the first that were not found."""

    mutations: int
    detected: int
    by_kind: dict[str, str]
    undetected: list[str]
    seconds: float


def run(folder: Path, *, count: int, seed: int, workers: int) -> tuple[Outcome, Later, Measured]:
    """Tamper `count` times with copies of one home in `folder`."""
    began = time.monotonic()
    home = small.build(folder)
    signed = evidence.sign(home, since=None, now=small.SIGNED)
    shares = [count // workers + (worker < count % workers) for worker in range(workers)]
    tasks = [(folder, worker, share, seed, signed) for worker, share in enumerate(shares)]
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        told = list(pool.map(_tamper, tasks))
    made: Counter[str] = Counter()
    found: Counter[str] = Counter()
    for part in told:
        made.update(part["made"])
        found.update(part["found"])
    outcome = Outcome(
        mutations=made.total(),
        detected=found.total(),
        by_kind={name: f"{found[name]} of {made[name]}" for name in sorted(made)},
        undetected=[detail for part in told for detail in part["undetected"]][:SHOWN],
        seconds=round(time.monotonic() - began, 1),
    )
    later, measured = roll_back_and_fork(home, folder, trials=20), measure(home)
    home.engine.dispose()
    return outcome, later, measured


def _tamper(task: tuple[Path, int, int, int, dict[str, Any]]) -> dict[str, Any]:
    """One worker's share, on a copy of its own."""
    folder, worker, count, seed, signed = task
    shutil.copytree(folder / "home", folder / f"home-{worker}")
    home = open_home(folder / f"home-{worker}")
    keys = verify.parse_keys("\n".join(signed["keys"]))
    checkpoint = verify.parse_checkpoint(signed["text"])
    draw = random.Random(f"{seed} {worker}")
    made: Counter[str] = Counter()
    found: Counter[str] = Counter()
    undetected = []
    insider = sa.create_engine(f"sqlite:///{home.root / 'millgrade.db'}")
    with insider.connect() as connection:
        while made.total() < count:
            try:
                done, is_found = _one(connection, home, draw, checkpoint, keys)
            except (mutations.Impossible, sa.exc.IntegrityError):
                continue
            finally:
                connection.rollback()
            name = f"{done.operation} in {done.target}"
            made[name] += 1
            found[name] += is_found
            if not is_found:
                undetected.append(f"{name}: {done.detail}")
        assert audit(connection, home, checkpoint=checkpoint, keys=keys).discrepancies == [], (
            "a mutation was not undone"
        )
    insider.dispose()
    home.engine.dispose()
    return {"made": made, "found": found, "undetected": undetected}


def _one(
    connection: sa.Connection,
    home: Home,
    draw: random.Random,
    checkpoint: verify.Checkpoint,
    keys: list[verify.Key],
) -> tuple[mutations.Done, bool]:
    """One mutation and the audit after it."""
    target = draw.choice(TARGETS)
    if target == "files":
        with mutations.tampered_file(home, draw) as done:
            return done, bool(audit(connection, home, checkpoint=checkpoint, keys=keys).discrepancies)
    tamper = mutations.tamper_with_records if target == "database" else mutations.tamper_with_log
    done = tamper(connection, draw)
    return done, bool(audit(connection, home, checkpoint=checkpoint, keys=keys).discrepancies)
