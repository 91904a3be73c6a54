"""The reference idle cover: its payout by hand, and its distribution over seasons lived again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from simulator import simulate
from simulator.insurance.idle_cover import payout_share, payout_table
from simulator.world import ImpossibleWorld, make_laws

PATHS = 4

ROWS = """
rate   reference  payout
0.40   0.40       0.0
0.34   0.40       0.0
0.17   0.40       0.4
0.272  0.40       0.2
0.0    0.40       0.4
"""


@pytest.mark.parametrize("row", ROWS.strip().splitlines()[1:])
def test_the_payout_by_hand(row: str) -> None:
    """Trigger 85 %, cap 40 %: at a reference of 0.40 it pays below 0.34, (0.34 - U) / 0.34."""
    rate, reference, payout = (float(cell) for cell in row.split())
    cover = make_laws(1, 1).parameters.idle_cover
    assert payout_share(np.array([rate]), np.array([reference]), cover=cover) == pytest.approx([payout])


def test_the_distribution_is_that_of_its_paths() -> None:
    laws = make_laws(18, 5)
    laws = replace(
        laws, parameters=replace(laws.parameters, idle_cover=replace(laws.parameters.idle_cover, portfolio_firms=120))
    )
    table = payout_table(laws, paths=PATHS).to_pandas()
    cap = laws.parameters.idle_cover.cap_share
    assert set(table["industry_division"]) <= set(laws.parameters.industries)
    assert table["mean_payout"].between(0, cap).all()
    assert ((table["chance_to_pay"] > 0) == (table["mean_payout"] > 0)).all()
    assert (table["payout_q50"] <= table["payout_q99"]).all()
    assert table["payout_sd"].max() > 0
    assert table["reference_operating_rate"].between(0.05, 0.8).all()
    assert payout_table(laws, paths=PATHS).to_pandas().equals(table)


def test_it_lies_in_the_truth_when_asked_for(tmp_path: Path) -> None:
    with pytest.raises(ImpossibleWorld, match="year before"):
        simulate(obligors=3, months=12, seed=1, out=tmp_path / "short", idle_cover_paths=1)
    simulate(obligors=3, months=18, seed=1, out=tmp_path / "w", samples_for=0, idle_cover_paths=2)
    assert pq.read_table(tmp_path / "w" / "truth" / "idle_cover.parquet")["paths"].to_pylist()[0] == 2
