"""The software that serves a home: libraries, fonts, and the parameters that ship with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from importlib import metadata
from importlib.resources import files
from pathlib import Path

from packaging.requirements import Requirement

from api.operations.doctor.finding import Finding, few, fine, warning, wrong
from data_contracts.errors import InputError
from data_contracts.reference.dated import load_book

PACKAGE = "millgrade"
STANDS_FOR = {"xgboost": "xgboost-cpu"}
"""Distributions that may stand in for another: the container's has no GPU kernels."""

TOLD = ("numpy", "pandas", "pyarrow", "duckdb", "sqlalchemy", "xgboost", "fastapi")

FONT_FOLDERS = (
    Path("/usr/share/fonts"),
    Path("/usr/local/share/fonts"),
    Path.home() / ".local/share/fonts",
    Path.home() / ".fonts",
    Path("/System/Library/Fonts"),
    Path("/Library/Fonts"),
)
CJK_NAMES = ("cjk", "wqy", "wenquanyi", "sourcehan", "pingfang", "heiti", "songti", "simsun", "msyh", "notosanssc")
FONT_SUFFIXES = {".ttf", ".ttc", ".otf", ".otc"}


def libraries() -> Iterator[Finding]:
    """Whether every library that the package asks for is installed in a version that it takes."""
    try:
        requirements = [Requirement(text) for text in metadata.requires(PACKAGE) or ()]
    except metadata.PackageNotFoundError:
        yield warning("libraries", f"{PACKAGE} runs from its sources and is not installed.", "See docs/operating.md.")
        return
    needed = [item for item in requirements if item.marker is None or item.marker.evaluate({"extra": ""})]
    lacking = []
    for item in needed:
        version = _version(item.name)
        if version is None or not item.specifier.contains(version, prereleases=True):
            lacking.append(f"{item} (found {version or 'none'})")
    if lacking:
        yield wrong("libraries", f"{len(lacking)} libraries do not fit: {few(lacking)}", "Install from the lock file.")
    else:
        yield fine("libraries", ", ".join(f"{name} {_version(name)}" for name in (PACKAGE, *TOLD)))


def fonts(folders: Sequence[Path]) -> Iterator[Finding]:
    """Whether a font with Chinese characters is installed: documents that embed their text need one."""
    found = next(
        (path for folder in folders if folder.is_dir() for path in sorted(folder.rglob("*")) if _is_cjk(path)), None
    )
    if found is None:
        yield warning("fonts", "No Chinese font was found.", "Install fonts-noto-cjk; pages do without, files do not.")
    else:
        yield fine("fonts", f"a Chinese font is there: {found.name}")


def shipped_parameters(now: datetime) -> Iterator[Finding]:
    """Whether the parameter files of every room parse and have a value today."""
    for room in ("features", "scoring"):
        try:
            book = load_book(files(room) / "parameters")
            yield fine("parameters", f"{len(book.at(now))} parameters of {room}, version {book.version[:12]}")
        except InputError as error:
            yield wrong("parameters", f"The parameters of {room} cannot be used: {error.message}", error.hint)


def _version(name: str) -> str | None:
    for candidate in (name, STANDS_FOR.get(name)):
        try:
            if candidate is not None:
                return metadata.version(candidate)
        except metadata.PackageNotFoundError:
            continue
    return None


def _is_cjk(path: Path) -> bool:
    name = path.name.lower()
    return path.suffix.lower() in FONT_SUFFIXES and any(part in name.replace("-", "") for part in CJK_NAMES)
