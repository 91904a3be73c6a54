"""Real data that is never part of the project: found through MILLGRADE_DATA, or the measurement says so and ends."""

from __future__ import annotations

import os
import sys
from pathlib import Path

VARIABLE = "MILLGRADE_DATA"


def has_real_data() -> bool:
    """Whether MILLGRADE_DATA names a folder."""
    folder = os.environ.get(VARIABLE)
    return bool(folder) and Path(str(folder)).is_dir()


def real_data(name: str) -> Path:
    """The file `name` below the folder that MILLGRADE_DATA names; ends the program with a message where there is none."""
    folder = os.environ.get(VARIABLE)
    path = Path(folder or ".") / name
    if not folder or not path.exists():
        sys.exit(f"This needs real data: set {VARIABLE} to the folder that holds {name}.")
    return path
