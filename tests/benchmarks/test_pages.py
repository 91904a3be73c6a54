"""`make docs` goes on where there is no real data, and says what it left as it was."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from benchmarks import pages


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The generators that were run."""
    modules: list[str] = []
    monkeypatch.setattr(subprocess, "run", lambda command, check: modules.append(command[2]))
    return modules


def test_without_real_data_its_pages_stay(
    ran: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("MILLGRADE_DATA", raising=False)
    pages.main()
    assert ran == list(pages.SIMULATED)
    assert ", ".join(pages.REAL) in capsys.readouterr().err


def test_with_real_data_every_page_is_written(
    ran: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("MILLGRADE_DATA", str(tmp_path))
    pages.main()
    assert ran == [*pages.REAL, *pages.SIMULATED]
    assert capsys.readouterr().err == ""


def test_the_pages_of_real_data_are_those_that_ask_for_it() -> None:
    root = Path(pages.__file__).parent
    asking = {module for module in (*pages.REAL, *pages.SIMULATED) if "real_data(" in source_of(root.parent, module)}
    assert asking == set(pages.REAL)


def source_of(root: Path, module: str) -> str:
    path = root.joinpath(*module.split("."))
    file = path.with_suffix(".py")
    return (file if file.exists() else path / "__main__.py").read_text(encoding="utf-8")
