"""The simulate command: it writes a world as files, `ingest` takes them, and what cannot be made is refused."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from api import cli

FIRM = "91999999MA0001000T"
SMALL = ("--obligors", "8", "--months", "4", "--seed", "1")
PERIOD = f"{FIRM}:2026-06-01:2026-06-10"

Simulate = Callable[..., tuple[int, str, str]]


@pytest.fixture
def simulate(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Simulate:
    """Run `millgrade simulate`: (exit code, standard output, standard error)."""

    def call(out: Path, *options: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["millgrade", "simulate", "--out", str(out), *options])
        with pytest.raises(SystemExit) as ended:
            cli.main()
            raise SystemExit(0)
        captured = capsys.readouterr()
        return int(ended.value.code or 0), captured.out, captured.err

    return call


def test_a_world_is_written_and_ingested(simulate: Simulate, run: Any, tmp_path: Path) -> None:
    code, out, err = simulate(tmp_path / "world", *SMALL, "--frauds", "F1,F6", "--samples", PERIOD, "--json")
    assert code == 0, err
    answer = json.loads(out)
    assert answer["statement"] == "synthetic; effect sizes are inputs, not findings"
    assert (answer["world"], answer["obligors"], answer["months"], answer["seed"]) == ("base", 8, 4, 1)
    files = json.loads((tmp_path / "world" / "manifest.json").read_text(encoding="utf-8"))["files"]
    assert any(file["path"].startswith(f"sample/{FIRM}-") and file["obligor"] == FIRM for file in files)
    assert not any("truth" in file["path"] for file in files)
    ingested = run("ingest", tmp_path / "world", "--json")
    assert ingested.exit_code == 0, ingested.err
    assert ingested.answer["rows_quarantined"] == 0
    assert ingested.answer["rows_admitted"] == sum(file["rows"] for file in files)
    days = run("machine-days", "--obligor", FIRM, "--as-of", "2026-07-01", "--json").answer["machine_days"]
    sampled = {day["day"] for day in days if day["source"] == "samples"}
    assert sampled == {f"2026-06-{number:02d}" for number in range(1, 11)}


def test_a_world_shows_itself_as_text(simulate: Simulate, tmp_path: Path) -> None:
    code, out, _ = simulate(tmp_path / "world", *SMALL, "--engine", "structural", "--machines-per-obligor", "1.5")
    assert code == 0
    assert "synthetic; effect sizes are inputs, not findings" in out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--world", "paradise"), ("paradise", "base")),
        (("--obligors", "0"), ("obligors is 0", "from 1 to 800000")),
        (("--months", "97"), ("months is 97", "from 1 to 96")),
        (("--seed", "-1"), ("seed is -1", "from 0")),
        (("--engine", "crystal-ball"), ("crystal-ball", "structural")),
        (("--frauds", "F1,F13"), ("F13", "F12")),
        (("--samples", "soon"), ("soon", "OBLIGOR:FROM:TO")),
        (("--samples", f"{FIRM}:2026-06-10:2026-06-01"), ("-8 days", "366")),
        (("--samples", "91999999MA0000001N:2026-06-01:2026-06-02"), ("91999999MA0000001N", "firms")),
        (("--samples", f"{FIRM}:2019-06-01:2019-06-02"), ("2019", "runs from")),
    ],
)
def test_what_cannot_be_made_is_refused(
    simulate: Simulate, tmp_path: Path, options: tuple[str, ...], words: tuple[str, ...]
) -> None:
    code, out, err = simulate(tmp_path / "world", "--obligors", "2", *SMALL[2:], *options)
    assert code == 2
    assert out == ""
    for word in words:
        assert word in err
    assert not (tmp_path / "world" / "manifest.json").exists()


def test_a_folder_in_use_is_refused(simulate: Simulate, tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("mine", encoding="utf-8")
    code, _, err = simulate(tmp_path, *SMALL)
    assert code == 2
    assert "not empty" in err
    assert "--out" in err
