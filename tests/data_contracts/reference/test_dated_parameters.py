"""A dated entry is in force from its day's midnight in China, and an earlier time is a named error."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from data_contracts.errors import InvalidParameters, NoParameterYet
from data_contracts.reference.dated import load_book

MIDNIGHT = datetime(2018, 1, 1, tzinfo=ZoneInfo("Asia/Shanghai")).astimezone(UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "rate.yaml").write_text(
        "description: a rate\nunit: ratio\nvalues: {2018-01-01: 0.1, 2026-07-01: 0.2}\n"
        "reference: {2018-01-01: assumption, 2026-07-01: assumption}\n",
        encoding="utf-8",
    )
    return tmp_path


def test_the_first_entry_begins_at_its_midnight_in_china(folder: Path) -> None:
    book = load_book(folder)
    assert book.at(MIDNIGHT) == {"rate": 0.1}
    with pytest.raises(NoParameterYet, match="rate has no value at 2017-12-31"):
        book.at(MIDNIGHT - timedelta(seconds=1))


def test_a_later_entry_takes_over_on_its_day(folder: Path) -> None:
    book = load_book(folder)
    assert (book.at(date(2026, 6, 30)), book.at(date(2026, 7, 1))) == ({"rate": 0.1}, {"rate": 0.2})


def test_rome_asks_on_the_first_day_too(folder: Path) -> None:
    assert load_book(folder).at(datetime(2018, 1, 1, tzinfo=ZoneInfo("Europe/Rome"))) == {"rate": 0.1}


@pytest.mark.parametrize("values", ["2018-01-01: 0.1, 2018-01-01: 0.2", '2018-01-01: 0.1, "2018-01-01": 0.2'])
def test_two_values_for_one_day_are_refused_by_name(tmp_path: Path, values: str) -> None:
    """The reader of YAML keeps the last of them and says nothing."""
    (tmp_path / "rate.yaml").write_text(
        f"description: a rate\nunit: ratio\nvalues: {{{values}}}\nreference: {{2018-01-01: assumption}}\n",
        encoding="utf-8",
    )
    with pytest.raises(InvalidParameters, match=r"rate.yaml tells '2018-01-01' twice") as refused:
        load_book(tmp_path)
    assert "another day" in str(refused.value.hint)
