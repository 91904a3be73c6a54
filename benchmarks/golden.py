"""The golden reference portfolio: a small synthetic world from files to grades.

`python -m benchmarks.golden` prints who moved; `--write` rewrites the file for a person to review.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import simulator
from api.home import Home, open_home
from api.models import service as models
from api.scores import service as scores
from api.telemetry import service as telemetry
from scoring.records import ScoreRecord
from tests.golden_world import AS_OF, GOLDEN, NOW, WORLD


def main() -> None:
    """Compute the grades, say who moved, and write them when asked to."""
    found = grades()
    known = json.loads(GOLDEN.read_text(encoding="utf-8"))["grades"] if GOLDEN.exists() else {}
    moved = sorted(obligor for obligor in found.keys() | known.keys() if found.get(obligor) != known.get(obligor))
    for obligor in moved:
        print(f"{obligor}: {known.get(obligor, '-')} -> {found.get(obligor, '-')}")
    print(f"{len(moved)} of {len(found)} obligors moved.")
    if "--write" in sys.argv:
        body = {"statement": "synthetic; effect sizes are inputs, not findings", "world": WORLD, "grades": found}
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_text(json.dumps(body, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def grades() -> dict[str, str]:
    """The rating grade of every obligor of the reference world."""
    with scored() as (_, records):
        return {record.obligor_id: record.rating_grade for record in records}


@contextmanager
def scored() -> Iterator[tuple[Home, list[ScoreRecord]]]:
    """A home that took in the reference world, trained on it and scored everybody; it is gone after the block."""
    with tempfile.TemporaryDirectory() as folder:
        simulator.simulate(out=Path(folder) / "files", **WORLD)
        home = open_home(Path(folder) / "home")
        telemetry.ingest_folder(home, Path(folder) / "files", received_time=NOW, progress=lambda *_: None)
        models.train_credit(home, as_of=AS_OF)
        yield home, scores.score_all(home, as_of=AS_OF, now=NOW)
        home.engine.dispose()


if __name__ == "__main__":
    main()
