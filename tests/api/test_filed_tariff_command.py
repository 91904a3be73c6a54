"""Filing the table of a model that quotes equipment cover: kept, locked, and one a day."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from api.home import Home, open_home
from api.models import service as models
from api.models.filings import filed_equipment
from benchmarks.small_home import insurance_book
from data_contracts.identifiers import ModelVersion
from scoring.errors import TariffChanged, TariffClash
from scoring.insurance.filed import equipment_filing, require_one_a_day
from scoring.training.insurance import train_insurance

Run = Callable[..., Any]


@pytest.fixture
def kept(home: Path) -> Iterator[tuple[Home, ModelVersion]]:
    """A home with one model of claims, on trial."""
    opened = open_home(home)
    artefact = train_insurance(insurance_book(), parameters=models.scoring_parameters(), seed=1)
    models.keep_artefact(opened, artefact)
    yield opened, artefact.version
    opened.engine.dispose()


def test_a_model_is_filed_locked_and_one_a_day(run: Run, kept: tuple[Home, ModelVersion], tmp_path: Path) -> None:
    home, version = kept
    asked = ("tariff", version, "--effective", "2026-01-01", "--json")
    filed = run(*asked, "--filing-number", "F-1", "--out", tmp_path / "one")
    assert filed.exit_code == 0, filed.err
    again = run(*asked, "--filing-number", "F-1", "--out", tmp_path / "two")
    assert again.answer == filed.answer  # the same table is the same filing
    assert (filed.answer["model_version"], filed.answer["lowest"], filed.answer["highest"]) == (version, 0.2, 5.0)
    assert (tmp_path / "one" / "tariff.xlsx").read_bytes()[:2] == b"PK"
    assert [each.version for each in filed_equipment(home)] == [filed.answer["tariff_version"]]

    clash = run(*asked, "--filing-number", "F-2", "--out", tmp_path / "three")
    assert (clash.exit_code, "both effective on 2026-01-01" in clash.err, "later day" in clash.err) == (2, True, True)
    number = run("tariff", version, "--effective", "2026-02-01", "--filing-number", "F-1", "--out", tmp_path / "four")
    assert (number.exit_code, "Filing F-1 holds table" in number.err) == (2, True)
    for option, value, word in (
        ("--lowest", 0.5, "balances within 0.2"),
        ("--product", "guarantee", "not of guarantee"),
        ("--partner", "nobody", "nobody"),
    ):
        refused = run(*asked, "--filing-number", "F-3", "--out", tmp_path / "five", option, value)
        assert (refused.exit_code, word in refused.err) == (2, True)
    assert not (tmp_path / "three").exists()
    assert len(filed_equipment(home)) == 1
    apart = run(*asked, "--filing-number", "F-4", "--out", tmp_path / "six", "--partner", "local")
    assert (apart.exit_code, apart.answer["partner"]) == (0, "local")
    later = run("tariff", version, "--effective", "2026-02-01", "--filing-number", "F-5", "--out", tmp_path / "seven")
    assert later.exit_code == 0, later.err
    assert len(filed_equipment(home)) == 3
    rows = run("price-table", tmp_path / "none.csv", "--tariff", tmp_path / "one" / "tariff.json")
    assert rows.exit_code == 2


def test_a_kept_table_that_was_edited_or_doubled_is_refused(
    run: Run, kept: tuple[Home, ModelVersion], tmp_path: Path
) -> None:
    home, version = kept
    asked = ("tariff", version, "--effective", "2026-01-01", "--out", tmp_path / "out")
    assert run(*asked, "--filing-number", "F-1").exit_code == 0
    (path,) = (home.tariffs / "equipment_ubi").iterdir()
    text = path.read_text(encoding="utf-8")
    other = equipment_filing(
        models.promoted_insurance(home),
        models.scoring_parameters().at(filed_equipment(home)[0].effective),
        filing_number="F-2",
        effective=filed_equipment(home)[0].effective,
    )
    beside = path.with_name(f"{other.version}.json")  # as a backup that was copied in would lie there
    beside.write_text(other.model_dump_json(), encoding="utf-8")
    with pytest.raises(TariffClash, match="both effective"):
        require_one_a_day(filed_equipment(home))
    beside.unlink()
    edited = path.with_name(f"{'a' * 64}.json")
    edited.write_text(text.replace('"cost_share": 0.06', '"cost_share": 0.05'), encoding="utf-8")
    with pytest.raises(TariffChanged, match="hashes to"):
        filed_equipment(home)
    edited.write_text("{}", encoding="utf-8")
    with pytest.raises(TariffChanged, match="no filed tariff"):
        filed_equipment(home)
