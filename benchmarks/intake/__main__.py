"""How fast data comes in: `python -m benchmarks.intake --json` prints `parquet_ratio` and `gateway_p99_ms`.

`parquet_ratio` is how fast one Parquet file of samples comes in, with checks, sort, hash, sync and register, beside
pyarrow that reads the same file, writes it again and syncs it; both in this run, in turns, the median of each.
`gateway_p99_ms` is how long a thousand gateways wait for the acknowledgement of their signed one-minute batches.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.intake import gateways, parquet
from benchmarks.postgresql import postgresql


def main() -> None:
    """Measure both and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--machines", type=int, default=parquet.MACHINES, help="machines in the file, a day of each")
    parser.add_argument("--repeats", type=int, default=parquet.REPEATS)
    parser.add_argument("--gateways", type=int, default=1000)
    parser.add_argument("--minutes", type=float, default=3.0, help="0 leaves the gateways out")
    parser.add_argument("--postgresql", action="store_true", help="keep the register of the gateways in PostgreSQL")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    told: dict[str, Any] = parquet.measure(machines=arguments.machines, repeats=arguments.repeats)
    if arguments.minutes:
        with tempfile.TemporaryDirectory() as name, ExitStack() as servers:
            folder = Path(name)
            url = servers.enter_context(postgresql(folder / "postgresql")) if arguments.postgresql else None
            told |= gateways.measure(folder, gateways=arguments.gateways, minutes=arguments.minutes, database_url=url)
    print(json.dumps(told) if arguments.json else "\n".join(f"{name}: {value}" for name, value in told.items()))


if __name__ == "__main__":
    main()
