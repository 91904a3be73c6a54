"""Insiders tamper with a home at random: is each of them found, from the key and one checkpoint alone?

`python -m benchmarks.tamper --json` prints mutations, detected, receipt_bytes, verify_ms, and what became of later
rollbacks and forks.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from benchmarks.tamper.run import run


def main() -> None:
    """Run it and print what was found; the exit code is 1 where something was not."""
    parser = argparse.ArgumentParser(description="Tamper with a home at random and audit it.")
    parser.add_argument("--mutations", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        outcome, later, measured = run(
            Path(name), count=arguments.mutations, seed=arguments.seed, workers=arguments.workers
        )
    told = {**asdict(outcome), **asdict(measured), "later": asdict(later)}
    print(json.dumps(told) if arguments.json else "\n".join(f"{name}: {value}" for name, value in told.items()))
    if outcome.detected != outcome.mutations or not later.is_as_it_should_be:
        sys.exit(1)


if __name__ == "__main__":
    main()
