"""Rewrites the pages of `docs/` that are printed by commands: `make docs`. Pages of real data need MILLGRADE_DATA; without it
they stay as they are, and the end of the run says which.

The last four simulate dozens of worlds and take an hour or more. Two of the others ask the demonstration's home:
`make demo SERVE=0` before.
"""

from __future__ import annotations

import subprocess
import sys

from benchmarks.real_data import VARIABLE, has_real_data

REAL = ("benchmarks.real_sme", "benchmarks.real_machines", "benchmarks.one_row")
"""Pages of real data."""
SIMULATED = (
    "features.documentation",
    "benchmarks.three_doors",
    "benchmarks.receipt_exhibit",
    "benchmarks.one_score",
    "benchmarks.one_decision",
    "benchmarks.world_lives",
    "benchmarks.trust.lives",
    "benchmarks.data_trust",
    "benchmarks.world_truth",
    "benchmarks.ladder",
    "benchmarks.credit_truth",
)


def main() -> None:
    """Run every generator; the first that fails ends it."""
    kept = () if has_real_data() else REAL
    for module in (*REAL, *SIMULATED):
        if module not in kept:
            subprocess.run([sys.executable, "-m", module, "--write"], check=True)
    if kept:
        print(f"Not rewritten, as {VARIABLE} names no folder of real data: {', '.join(kept)}.", file=sys.stderr)


if __name__ == "__main__":
    main()
