"""The page `docs/exhibits/three-doors.md`: one obligor asked by a bank, an insurer and itself, over real HTTP.

`python -m benchmarks.three_doors --home .millgrade/demo` prints the page; `--write` stores it with its pictures. It
works on a copy of the home, so that the home stays as it is; do not serve the home meanwhile.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from api.demo import WORLD_ENDS, shown_obligor
from api.home import Home, open_home
from benchmarks.chromium import CHROMIUM
from benchmarks.three_doors.doors import Doors, make_doors
from benchmarks.three_doors.page import page
from benchmarks.three_doors.pictures import take_pictures
from benchmarks.three_doors.served import served
from benchmarks.three_doors.visit import Visit, visit
from data_contracts.identifiers import ObligorId

PAGE = Path(__file__).parents[2] / "docs" / "exhibits" / "three-doors.md"
CLOCK = (WORLD_ENDS + timedelta(days=1, hours=9)).astimezone(UTC)
"""What the server takes for now, so that ages, and the times of looks, are the same in every run."""


def main() -> None:
    """Print the page, or write it with its pictures. Ends with a message where a figure differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, default=Path(".millgrade/demo"))
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    if not (arguments.home / "millgrade.db").exists():
        sys.exit(f"{arguments.home} is no home of the demonstration. Hint: make demo SERVE=0")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "home"
        shutil.copytree(arguments.home, root, ignore=shutil.ignore_patterns("world"))
        home = open_home(root)
        obligor = shown_obligor(home, now=datetime.now(UTC))
        text = page(tell(home, obligor, pictures=PAGE.parent / PAGE.stem if arguments.write else None))
    if arguments.write:
        PAGE.write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)


def tell(home: Home, obligor: ObligorId, *, clock: datetime = CLOCK, pictures: Path | None = None) -> Visit:
    """Open the doors of `home`, serve it, ask, and close it; with a folder for `pictures` photograph the page too.

    The pictures come last: a browser signs in for them, and that would be in the list of looks.
    """
    doors = make_doors(home, obligor, now=clock)
    home.engine.dispose()
    with served(home.root, clock=clock) as url:
        told = visit(url, doors, clock=clock)
        if pictures is not None:
            _photograph(url, doors, pictures)
    return told


def _photograph(url: str, doors: Doors, folder: Path) -> None:
    if CHROMIUM.exists():
        take_pictures(url, doors, folder)
    else:
        sys.stderr.write(f"{CHROMIUM} is absent: the pictures in {folder} stay as they are.\n")


if __name__ == "__main__":
    main()
