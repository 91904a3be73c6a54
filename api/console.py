"""What every command shares: its options, how it opens a home, and how it shows an answer."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import sqlalchemy as sa
import typer
from rich.cells import cell_len
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from api.home import Home, open_home
from api.operations.errors import HomeUnusable
from api.settings import Settings

HomeOption = Annotated[Path | None, typer.Option("--home", help="Database, files and models (default .millgrade).")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the whole answer as JSON.")]

NOTHING = "–"


def settled_home(home: Path | None) -> tuple[Path, str | None]:
    """The folder and the database address that options and environment name."""
    settings = Settings()
    return home or settings.home, settings.database_url


@contextmanager
def opened(home: Path | None) -> Iterator[Home]:
    """The home, ready for use and closed afterwards. Raises HomeOutdated and HomeUnusable."""
    root, database_url = settled_home(home)
    with usable(root):
        here = open_home(root, database_url=database_url)
    try:
        yield here
    finally:
        here.engine.dispose()


@contextmanager
def usable(root: Path) -> Iterator[None]:
    """Raises HomeUnusable where the block finds that the home's folder or database cannot be opened."""
    try:
        yield
    except OSError as error:
        raise HomeUnusable(f"{root} cannot be opened: {error.strerror}.", hint="Check --home.") from error
    except sa.exc.SQLAlchemyError as error:
        # The driver's own words name the server, never the password.
        cause = getattr(error, "orig", None) or type(error).__name__
        raise HomeUnusable(
            f"The database cannot be opened: {str(cause).strip().splitlines()[0]}.",
            hint="Check MILLGRADE_DATABASE_URL and that the server runs; unset, a file of the home is used.",
        ) from error


def show(answer: Mapping[str, Any], as_json: bool, text: str) -> None:
    """Print the answer whole or its gist."""
    sys.stdout.write((json.dumps(answer, ensure_ascii=False, indent=2) if as_json else text) + "\n")


@contextmanager
def progress_bar(label: str) -> Iterator[Callable[[str, int, int], None]]:
    """A bar on standard error, only where a person is looking; it is told (what is done now, steps done, all steps)."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task(label, total=None)
        yield lambda name, done, total: bar.update(task, description=name, completed=done, total=total)


def aligned(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """Rows under their column names, each column as wide as its widest cell."""
    lines = [list(columns), *([_cell(row[name]) for name in columns] for row in rows)]
    widths = [max(map(cell_len, cells)) for cells in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell + " " * (width - cell_len(cell)) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def _cell(value: Any) -> str:
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = " ".join(map(str, value)) if isinstance(value, list) else str(value)
    return "".join(mark if mark.isprintable() else "\N{REPLACEMENT CHARACTER}" for mark in text)
