"""What the structural engine of the simulated world turns out to be: its default rate, its accounts, and how its nested
probabilities of default agree with what the world then does.

`python -m benchmarks.structural --json` prints the figures; `--seeds`, `--firms` and `--paths` make it longer or shorter.
synthetic; effect sizes are inputs, not findings.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from simulator.block import Block, BlockState, Laws, build_block, opening, step
from simulator.credit.structural import Engine
from simulator.finance.accounts import RESULT, Account, total
from simulator.firms.obligors import BLOCK_FIRMS
from simulator.summary import STATEMENT, area_under_curve
from simulator.whatif.nested import HORIZON_MONTHS, nested_pd, snapshot_at
from simulator.world import identity, make_laws

MONTHS = 48
FIRST_SEED, SEEDS = 101, 10
SNAPSHOT = 14
DAYS_PER_MONTH = 30.4
OPEN_FATE = (0.02, 0.98)

Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Life:
    """A block through all months: who defaulted when, and sums over the firms alive."""

    default_day: Ints
    sales_minor: int
    result_minor: int
    receivable_days: float


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true", help="one object instead of lines")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="how many seeds (10)")
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED, help="the first of them (101); tuned on 1-10")
    parser.add_argument("--firms", type=int, default=100, help="firms whose probability is simulated, of one block")
    parser.add_argument("--paths", type=int, default=128)
    arguments = parser.parse_args()
    seeds = range(arguments.first_seed, arguments.first_seed + arguments.seeds)
    figures = {
        **asdict(identity(make_laws(MONTHS, seeds[0], engine=Engine.STRUCTURAL), seed=seeds[0])),
        "seeds": list(seeds),
        **default_rates(seeds),
        **nested_agreement(firms=arguments.firms, paths=arguments.paths, seed=seeds[0]),
        "statement": STATEMENT,
    }
    text = json.dumps(figures, indent=1) if arguments.json else "\n".join(f"{k}: {v}" for k, v in figures.items())
    sys.stdout.write(text + "\n")


def default_rates(seeds: Sequence[int]) -> dict[str, object]:
    """12-month default rates over annual snapshots of one block a seed, and the shape of its accounts."""
    by_year = np.zeros((MONTHS // HORIZON_MONTHS, 2))
    by_seed, sales, result, days = [], 0, 0, []
    for seed in seeds:
        laws = make_laws(MONTHS, seed, engine=Engine.STRUCTURAL)
        life = _live(build_block(0, BLOCK_FIRMS, laws), laws)
        counts = _annual(life.default_day, laws)
        by_year += counts
        by_seed.append(round(float(counts[:, 1].sum() / counts[:, 0].sum()), 4))
        sales, result = sales + life.sales_minor, result + life.result_minor
        days.append(life.receivable_days)
    return {
        "default_rate_12m": round(float(by_year[:, 1].sum() / by_year[:, 0].sum()), 4),
        "default_rate_by_seed": by_seed,
        "default_rate_by_year": np.round(by_year[:, 1] / by_year[:, 0], 4).tolist(),
        "result_after_tax_of_sales": round(result / sales, 4),
        "receivable_days": round(float(np.mean(days)), 1),
    }


def _live(block: Block, laws: Laws) -> Life:
    state, sales, result, last_year = opening(block, laws).state, 0, 0, 0
    for month in laws.calendar.months:
        before: BlockState = state
        state, _ = step(block, month, state, laws)
        alive = state.default_day > month.first_day
        moved = (state.books.balances - before.books.balances)[:, alive]
        sold = -int(moved[Account.SALES].sum())
        sales, result = sales + sold, result - int(total(moved, RESULT).sum())
        last_year += sold * (month.position >= MONTHS - HORIZON_MONTHS)
    owed = int(state.books.balances[Account.RECEIVABLES, alive].sum())
    net = owed * 100 / (100 + laws.parameters.finance.vat_percent)
    return Life(
        default_day=state.default_day,
        sales_minor=sales,
        result_minor=result,
        receivable_days=net / (last_year / HORIZON_MONTHS) * DAYS_PER_MONTH,
    )


def _annual(default_day: Ints, laws: Laws) -> NDArray[np.float64]:
    """(years, 2): firms alive at the year's beginning, and how many of them default within it."""
    starts = [laws.calendar.months[n].first_day for n in range(0, MONTHS, HORIZON_MONTHS)] + [laws.calendar.day_count]
    rows = []
    for start, end in pairwise(starts):
        alive = default_day >= start
        rows.append([alive.sum(), (alive & (default_day < end)).sum()])
    return np.array(rows, dtype=np.float64)


def nested_agreement(*, firms: int, paths: int, seed: int = FIRST_SEED) -> dict[str, object]:
    """Nested probabilities of the first firms alive at a snapshot, beside the twelve months that follow it."""
    laws = make_laws(SNAPSHOT + 1 + HORIZON_MONTHS, seed, engine=Engine.STRUCTURAL)
    block = build_block(0, BLOCK_FIRMS, laws)
    snapshot = snapshot_at(block, laws, position=SNAPSHOT)
    alive = np.flatnonzero(snapshot.state.default_day >= laws.calendar.day_count)[:firms]
    chances = np.array([nested_pd(snapshot, int(firm), paths=paths).pd for firm in alive])
    state = snapshot.state
    for month in laws.calendar.months[SNAPSHOT + 1 :]:
        state, _ = step(block, month, state, laws)
    failed = state.default_day[alive] < laws.calendar.day_count
    spread = np.sqrt((chances * (1 - chances)).sum() * (1 + 1 / paths))
    area = area_under_curve(chances, failed)
    return {
        "nested_firms": len(alive),
        "nested_paths": paths,
        "nested_expected_defaults": round(float(chances.sum()), 2),
        "realised_defaults": int(failed.sum()),
        "nested_z": round(float((failed.sum() - chances.sum()) / max(spread, 1e-9)), 2),
        "nested_auc": None if area is None else round(area, 3),
        "firms_with_open_fate": int(((chances > OPEN_FATE[0]) & (chances < OPEN_FATE[1])).sum()),
    }


if __name__ == "__main__":
    main()
