"""`python -m benchmarks.real_machines --json` prints the figures; `--write` writes `docs/exhibits/real-machines.md` with its
pictures. Needs MILLGRADE_DATA."""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.real_data import real_data
from benchmarks.real_machines.failures import FOLDER, Failures, failures_ranked
from benchmarks.real_machines.page import PAGE, page, pictures
from benchmarks.real_machines.steel import SOURCE, SteelYear, steel_year


def main() -> None:
    """Print the figures or the page; write it with its pictures where asked to."""
    steel_file, pdm_folder = real_data(SOURCE), real_data(FOLDER)
    with tempfile.TemporaryDirectory() as folder:
        steel = steel_year(steel_file, Path(folder))
        failures = failures_ranked(pdm_folder, Path(folder))
    if "--write" in sys.argv:
        PAGE.write_text(page(steel, failures), encoding="utf-8")
        for path, picture in pictures(steel).items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(picture, encoding="utf-8")
    elif "--json" in sys.argv:
        print(json.dumps(figures(steel, failures), indent=1))
    else:
        print(page(steel, failures))


def figures(steel: SteelYear, failures: Failures) -> dict[str, Any]:
    """What the command prints."""
    return {
        "steel": {
            "rows_read": steel.rows_read,
            "rows_admitted": steel.rows_admitted,
            "rows_quarantined": steel.rows_quarantined,
            "kwh": sum(steel.kwh),
            "largest_daily_difference_kwh": steel.largest_difference_kwh,
            "features": steel.features,
        },
        "pdm_azure": asdict(failures),
    }


if __name__ == "__main__":
    main()
