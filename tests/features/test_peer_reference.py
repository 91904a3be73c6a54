"""Peers: a reduce over firms that no order and no blocks change, told of twenty firms or more, as known then."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest
from day_tables import AS_OF
from observed_book import new_book

from data_contracts.contract import RecordKind
from features.as_of import feature_matrix
from features.grid.matrices import feature_grid
from features.history import Level
from features.peer_loading import load_peer_reference
from features.peer_reference import (
    ALL,
    LEVELS,
    FirmMonths,
    PeerReference,
    complete_months,
    parse_peer_reference,
    peer_reference,
)
from features.settings import shipped_parameters
from simulator.firms.obligors import synthetic_uscc

MONTHS = complete_months(AS_OF)


def firms(count: int, *, first: int = 0) -> FirmMonths:
    """Firms of which the k-th has a rate of k / 100 in every month, rested for k days, and came back a day later."""
    rates = np.repeat((first + np.arange(count))[:, None] / 100, len(MONTHS), axis=1)
    rest = first + np.arange(count, dtype=np.float64)
    names = tuple(f"F{first + number:03d}" for number in range(count))
    return FirmMonths(names, MONTHS, rates * 1_000, np.full(rates.shape, 1_000.0), rest, rest + 1)


def reduced(*blocks: FirmMonths, divisions: dict[str, str] | None = None) -> PeerReference:
    return peer_reference(blocks, divisions or {}, as_of=AS_OF, least_firms=20)


def test_months_are_over_everywhere() -> None:
    # 30 June, 16:00 UTC: June is over nowhere; 2 July: it is.
    assert str(MONTHS[-1]) == "2026-05"
    assert str(complete_months(datetime(2026, 7, 1, tzinfo=UTC))[-1]) == "2026-05"
    assert str(complete_months(datetime(2026, 7, 3, tzinfo=UTC))[-1]) == "2026-06"


def test_an_industry_of_twenty_is_told_and_one_of_nineteen_is_all_industries() -> None:
    divisions = {f"F{number:03d}": "C34" if number < 21 else "C33" for number in range(40)}
    found = reduced(firms(40), divisions=divisions)
    # Rates 0 to 0.20 in steps of 0.01: the k-th of 21 quantiles is the k-th firm.
    assert found.quantiles_of("C34", -1) == pytest.approx([number / 100 for number in range(21)])
    assert found.index_of("C34")[-1] == pytest.approx(0.10)
    assert found.median_of("C34", "shutdown_median") == 10
    # Nineteen firms of C33 are told nowhere: what stands for them is all forty.
    assert found.groups["C33"].firms[-1] == 0
    assert found.groups["C33"].quantiles == (None,) * len(MONTHS)
    assert found.quantiles_of("C33", -1) == found.groups[ALL].quantiles[-1]
    assert found.index_of("C33")[-1] == found.index_of(None)[-1] == pytest.approx(np.mean(np.arange(40)) / 100)
    assert found.median_of("C33", "restart_median") == found.median_of(ALL, "restart_median") == 20.5


def test_under_twenty_in_all_nothing_is_told() -> None:
    found = reduced(firms(19))
    assert found.quantiles_of(None, -1) is None
    assert np.isnan(found.index_of("C34")).all()
    assert np.isnan(found.median_of("C34", "shutdown_median"))
    assert b"0.18" not in found.canonical()


def test_blocks_and_order_change_nothing() -> None:
    whole = reduced(firms(40))
    parts = reduced(firms(15, first=25), firms(25))
    assert parts.canonical() == whole.canonical()
    assert parts.peer_reference_id == whole.peer_reference_id
    assert parse_peer_reference(whole.canonical()) == whole
    assert len(whole.groups[ALL].quantiles[-1] or ()) == len(LEVELS)


def test_what_is_known_later_moves_nothing_and_the_grid_tells_the_same(tmp_path: Path) -> None:
    as_of = datetime(2026, 4, 10, tzinfo=UTC)
    with new_book(tmp_path) as book:
        owners = [synthetic_uscc(number) for number in range(22)]
        for number, owner in enumerate(owners):
            book.owns(f"{owner}/A", owner, start=datetime(2024, 1, 1, tzinfo=UTC))
            hours = 2 + 0.5 * number
            book.reports(
                f"{owner}/A", date(2025, 11, 1), 140, executing_seconds=hours * 3_600, off_seconds=(24 - hours) * 3_600
            )
        book.say(
            RecordKind.OBLIGOR_PROFILE,
            [{"obligor_id": owner, "event_time": datetime(2024, 1, 1, tzinfo=UTC), "name": owner,
              "subject_kind": "legal_person", "industry_division": "C34", "site_zone": "Asia/Shanghai"}
             for owner in owners],
        )  # fmt: skip
        parameters = shipped_parameters()
        before = load_peer_reference(book.reader, as_of=as_of, obligor_ids=owners, parameters=parameters)
        book.reports(f"{owners[0]}/A", date(2026, 4, 1), 5, lag_days=30, executing_seconds=9.0)
        after = load_peer_reference(book.reader, as_of=as_of, obligor_ids=owners, parameters=parameters)
        assert after == before
        assert before.groups["C34"].firms[-1] == len(owners)
        one = feature_matrix(book.reader, as_of=as_of, level=Level.OBLIGOR, parameters=parameters, peers=before)
        many = feature_grid(
            book.reader, as_ofs=[as_of], level=Level.OBLIGOR, parameters=parameters, obligors_per_block=7
        )
        assert np.array_equal(one.values, many[as_of].values, equal_nan=True)
        place = one.names.index("operating_rate_percentile_30d")
        # The rates are evenly spaced: the k-th of 22 firms stands at k/21.
        assert sorted(one.values[:, place]) == pytest.approx([number / 21 for number in range(22)], abs=0.01)
