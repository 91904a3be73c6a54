"""What deleting the evidence of a finding gains: `python -m benchmarks.deleted_evidence HOME --obligors 60`.

Every obligor with a model's score replays its machine-days: those of a spell of weeks are those of the weeks before
(synthetic; the hour meter is left out). Then it withholds some of the false days, evenly spread. Printed is, by the share
withheld, how many obligors still have a finding above a note, and how far `pd_12m_upper` lies (median, log-odds) from what
it is with nothing withheld, and from the closure that docs/decisions/0030-evidence-can-be-deleted.md weighs and refuses: the
lesser of the price of the finding and that of all false days withheld.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import sqlalchemy as sa
from numpy.typing import NDArray

from api.database.engine import reading
from api.database.tables import obligor
from api.home import open_home
from api.models import service as models
from api.snapshots import service as snapshots
from benchmarks.withholding import REPORT, Conclusions, Desk
from data_contracts.contract import RecordKind, load_contract
from data_contracts.identifiers import ObligorId
from data_contracts.observations.reader import ObservationReader
from features.everybody import load_everybody
from features.trust import TrustGrade
from simulator.summary import STATEMENT
from tests.golden_world import AS_OF
from tests.withholding import Withheld, WithholdingReader, names

SPELLS = ((0, 14), (0, 56), (180, 28))
"""How many days ago the last false day lies, and how many there are."""
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
Spell = tuple[int, int]

KEPT = ("machine_uid", "day", "event_time", "recorded_time", "batch_id", "profile_id", "hour_meter_hours")
"""Columns of a report that a replay leaves as they are."""

Floats = NDArray[np.float64]


class ReplayingReader(WithholdingReader):
    """Reads a store as if all machines had replayed the days of a spell, and some rows had never been said."""

    def __init__(self, reader: ObservationReader, withheld: Withheld, spell: Spell) -> None:
        super().__init__(reader, withheld)
        self.spell = spell

    def rows(self, kind: RecordKind, *, columns: Sequence[str] | None = None, **asked: Any) -> pa.Table:
        """Reports with the false days, without those that are withheld."""
        if kind is not REPORT:
            return super().rows(kind, columns=columns, **asked)
        told = super(WithholdingReader, self).rows(kind, **asked)
        found = replayed(told, self.spell)
        gone = self.withheld.get(kind, frozenset())
        found = found.filter(pa.array([row not in gone for row in names(found, kind)], pa.bool_()))
        return found if columns is None else found.select(list(columns))


def replayed(reports: pa.Table, spell: Spell) -> pa.Table:
    """The reports with each of the spell told as that of as many days before as the spell has, where there was one."""
    rows = reports.to_pandas(types_mapper=pd.ArrowDtype)
    day = pd.to_datetime(rows["day"])
    key = pd.MultiIndex.from_arrays([rows["machine_uid"], day])
    source = key.get_indexer(pd.MultiIndex.from_arrays([rows["machine_uid"], day - timedelta(days=spell[1])]))
    false = is_false(reports, spell) & (source >= 0)
    for name in reports.column_names:
        if name not in KEPT:
            rows.loc[false, name] = rows[name].to_numpy()[source[false]]
    rows.loc[false, "hour_meter_hours"] = None
    return pa.Table.from_pandas(rows, schema=reports.schema, preserve_index=False)


def is_false(reports: pa.Table, spell: Spell) -> NDArray[np.bool_]:
    """Which reports a replay changes."""
    day = pd.to_datetime(reports["day"].to_pandas())
    age = (day.max() - day).dt.days.to_numpy()
    return (age >= spell[0]) & (age < sum(spell))


def run(root: Path, obligors: int) -> dict[str, Any]:
    """The figures, by spell and by the share of its false days that is withheld."""
    home = open_home(root)
    with reading(home.engine) as connection:
        reader = snapshots.reader(connection, home)
        every = connection.scalars(sa.select(obligor.c.obligor_id).order_by(obligor.c.obligor_id)).all()
        desk = Desk(
            reader=reader,
            everybody=load_everybody(reader, as_of=AS_OF),
            artefact=models.promoted_credit(home),
            obligor_ids=[ObligorId(every[at]) for at in np.linspace(0, len(every) - 1, obligors).astype(int)],
            as_of=AS_OF,
        )
        upper = desk.conclude({}).upper
        scored = replace(desk, obligor_ids=[desk.obligor_ids[at] for at in np.flatnonzero(upper < upper.max())])
        found = {f"{days} days, {ago} days ago": _figures(_told(scored, (ago, days))) for ago, days in SPELLS}
    return {"obligors": len(scored.obligor_ids), "by_spell": found, "statement": STATEMENT}


def _told(desk: Desk, spell: Spell) -> dict[float, Conclusions]:
    """Conclusions by the share of the false days withheld."""
    columns = (*load_contract(REPORT).identity, "day")
    reports = desk.reader.rows(REPORT, as_of=desk.as_of, obligor_ids=desk.obligor_ids, columns=columns)
    false = [name for name, own in zip(names(reports, REPORT), is_false(reports, spell), strict=True) if own]
    turn = np.random.default_rng(1).random(len(false))
    replaying = replace(desk, reads=partial(ReplayingReader, spell=spell))
    return {
        share: replaying.conclude({REPORT: frozenset(name for name, at in zip(false, turn, strict=True) if at < share)})
        for share in SHARES
    }


def _figures(told: dict[float, Conclusions]) -> dict[str, dict[str, Any]]:
    upper = {share: _log_odds(found.upper) for share, found in told.items()}
    closure = np.minimum(upper[0.0], upper[1.0])
    ranks = {share: np.array([TrustGrade(grade).rank for grade in found.grades]) for share, found in told.items()}
    return {
        f"{share:.2f}": {
            "worse_than_T2": int((ranks[share] > TrustGrade.T2.rank).sum()),
            "largest_fall_log_odds": round(float((upper[0.0] - upper[share]).max(initial=0.0)), 3),
            "median_upper_above_nothing_withheld": round(float(np.median(upper[share] - upper[0.0])), 3),
            "upper_fell": int((upper[share] < upper[0.0] - 1e-9).sum()),
            "below_the_closure": int((upper[share] < closure - 1e-9).sum()),
        }
        for share in told
    }


def _log_odds(chance: Floats) -> Floats:
    return np.log(chance) - np.log1p(-chance)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("home", type=Path)
    parser.add_argument("--obligors", type=int, default=60)
    asked = parser.parse_args()
    print(json.dumps(run(asked.home, asked.obligors), indent=1))


if __name__ == "__main__":
    main()
