"""The benchmarks that run in minutes, one after the other: `make bench`. Ratios count; absolute times are the machine's."""

from __future__ import annotations

import subprocess
import sys

MODULES = (("benchmarks.machine_day", ["--json"]), ("benchmarks.scoring", ["--json"]))


def main() -> None:
    """Run each and let it print; the first that fails ends it."""
    for module, arguments in MODULES:
        print(f"python -m {module} {' '.join(arguments)}", flush=True)
        subprocess.run([sys.executable, "-m", module, *arguments], check=True)


if __name__ == "__main__":
    main()
