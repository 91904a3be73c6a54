"""Rewrites the pages of `docs/` that are printed by commands: `make docs`. Those that need real data need MILLGRADE_DATA.

The last two simulate dozens of worlds and take some twenty minutes. Two of the others ask the demonstration's home:
`make demo SERVE=0` before.
"""

from __future__ import annotations

import subprocess
import sys

PAGES = (
    ("features.documentation", ["--write"]),
    ("benchmarks.real_sme", ["--write"]),
    ("benchmarks.one_row", ["--write"]),
    ("benchmarks.three_doors", ["--write"]),
    ("benchmarks.receipt_exhibit", ["--write"]),
    ("benchmarks.world_lives", ["--write"]),
    ("benchmarks.world_truth", ["--write"]),
    ("benchmarks.ladder", ["--write"]),
)


def main() -> None:
    """Run every generator; the first that fails ends it."""
    for module, arguments in PAGES:
        subprocess.run([sys.executable, "-m", module, *arguments], check=True)


if __name__ == "__main__":
    main()
