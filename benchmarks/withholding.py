"""What is gained by withholding, way by way: `python -m benchmarks.withholding HOME --obligors 100 [--json]`.

Rows of every kind are taken away between the store and the limit, of many obligors of a home at once: of single machines,
days and papers, of those that speak against whoever sent them, and of whole kinds. Printed is, for each way, of how many
obligors rows were taken, for how many `pd_12m_upper` fell or the limit of any product rose, and by how much at most.
docs/withholding.md says which ways must gain nothing, and why the others do.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa
from numpy.typing import NDArray

from api.database.engine import reading
from api.database.tables import obligor
from api.home import open_home
from api.models import service as models
from api.snapshots import service as snapshots
from data_contracts.contract import RecordKind
from data_contracts.identifiers import ObligorId
from data_contracts.observations.reader import ObservationReader
from features import compute
from features.everybody import Everybody, load_everybody
from scoring.credit.artefact import CreditArtefact
from scoring.credit.score import score_many
from scoring.decision.decide import decide
from scoring.records import CreditProduct, CreditRequest
from tests.golden_world import AS_OF
from tests.withholding import Withheld, WithholdingReader, names

SEED = 1
AMOUNT_MINOR, TENOR_MONTHS = 50_000_000, 12
ROUNDING = 1e-12
REPORT, OWNERSHIP = RecordKind.MACHINE_DAY_REPORT, RecordKind.MACHINE_OWNERSHIP
EVERYBODYS = frozenset({OWNERSHIP, RecordKind.OBLIGOR_PROFILE, RecordKind.GATEWAY_SILENCE})
"""Kinds that snapshots read of everybody at once."""
PAPERS = (
    RecordKind.OBLIGOR_PROFILE,
    RecordKind.PURCHASE_ORDER,
    RecordKind.ENERGY_BILL,
    RecordKind.MAINTENANCE,
    RecordKind.GATEWAY_SILENCE,
    RecordKind.SITE_INSPECTION,
    OWNERSHIP,
    RecordKind.DELIVERY,
    RecordKind.INVOICE,
    RecordKind.RECEIPT,
    RecordKind.FACILITY,
    RecordKind.REPAYMENT,
)
WORST: Mapping[str, Callable[[pd.DataFrame], pd.Series]] = {
    "idlest": lambda rows: -rows["executing_seconds"],
    "busiest": lambda rows: rows["executing_seconds"],
    "faultiest": lambda rows: rows["fault_starts"].fillna(0.0),
    "poorest": lambda rows: -rows["parts"].fillna(0.0),
    "hungriest": lambda rows: rows["energy_kwh"].fillna(0.0),
    "least observed": lambda rows: rows["unknown_seconds"],
    "most scrapping": lambda rows: rows["scrap_parts"].fillna(0.0),
}
"""What days are chosen by, the largest first."""

Bools = NDArray[np.bool_]
Tables = Mapping[RecordKind, pd.DataFrame]
Masks = dict[RecordKind, Bools]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Conclusions:
    """Of each obligor: the upper end of its PD, the limit of each product (0 where there is none), the grade of trust."""

    upper: NDArray[np.float64]
    limits: NDArray[np.int64]
    grades: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What concludes from a store about some obligors; `reads` makes the reader without what is withheld."""

    reader: ObservationReader
    everybody: Everybody
    artefact: CreditArtefact
    obligor_ids: Sequence[ObligorId]
    as_of: datetime
    reads: Callable[[ObservationReader, Withheld], ObservationReader] = WithholdingReader

    def conclude(self, withheld: Withheld) -> Conclusions:
        """As if these rows had never been said."""
        seen = self.reads(self.reader, withheld)
        parameters = models.scoring_parameters()
        taken = compute.snapshots(
            seen,
            obligor_ids=self.obligor_ids,
            as_of=self.as_of,
            parameters=snapshots.feature_parameters(),
            with_machines=False,
            everybody=load_everybody(seen, as_of=self.as_of) if EVERYBODYS & withheld.keys() else self.everybody,
        )
        records = score_many(taken, self.artefact, parameters)
        limits = [
            [
                decide(record, self._request(record.obligor_id, product), snapshot, parameters).limit.limit_minor or 0
                for product in CreditProduct
            ]
            for record, snapshot in zip(records, taken, strict=True)
        ]
        return Conclusions(
            upper=np.array([record.pd_12m_upper for record in records]),
            limits=np.array(limits, dtype=np.int64),
            grades=[snapshot.data_trust.grade.value for snapshot in taken],
        )

    def _request(self, obligor_id: ObligorId, product: CreditProduct) -> CreditRequest:
        return CreditRequest(
            obligor_id=obligor_id,
            product=product,
            amount_minor=AMOUNT_MINOR,
            currency="CNY",
            tenor_months=TENOR_MONTHS,
            as_of=self.as_of,
        )


def ways(tables: Tables, random: np.random.Generator) -> Iterator[tuple[str, Masks]]:
    """Every way by name, with the rows that it takes."""
    yield from _of_machines(tables)
    yield from _of_days(tables[REPORT], random)
    for kind in PAPERS:
        yield from _of_papers(kind, tables[kind], random)


def _of_machines(tables: Tables) -> Iterator[tuple[str, Masks]]:
    rows, owned = tables[REPORT], tables[OWNERSHIP]
    work = rows.groupby(["owner", "machine_uid"], as_index=False)["executing_seconds"].mean()
    work = work.sort_values("executing_seconds", kind="stable").groupby("owner")["machine_uid"]
    for word, uids in (("least busy", work.first()), ("busiest", work.last())):
        told, held = rows["machine_uid"].isin(uids).to_numpy(), owned["machine_uid"].isin(uids).to_numpy()
        yield f"{word} machine's reports", {REPORT: told}
        yield f"{word} machine's last 30 days", {REPORT: told & (rows["age"] < 30).to_numpy()}
        yield f"{word} machine's reports and ownership", {REPORT: told, OWNERSHIP: held}
        yield f"{word} machine's ownership", {OWNERSHIP: held}


def _of_days(rows: pd.DataFrame, random: np.random.Generator) -> Iterator[tuple[str, Masks]]:
    age = rows["age"].to_numpy()
    for end, begin in ((0, 1), (0, 7), (0, 45), (30, 60), (90, 365), (365, 10_000), (0, 10_000)):
        yield f"reports {end} to {begin} days old", {REPORT: (age >= end) & (age < begin)}
    for word, badness in WORST.items():
        for share, days in ((0.02, 90), (0.2, 90), (0.1, 10_000)):
            recent = rows.assign(bad=badness(rows))[age < days]
            place = recent.groupby("owner")["bad"].rank(method="first", ascending=False, pct=True)
            chosen = np.isin(rows.index, place.index[place <= share])
            yield f"{word} {share:.0%} of the last {days} days' reports", {REPORT: chosen}
    yield "a report in twenty", {REPORT: random.random(len(rows)) < 0.05}


def _of_papers(kind: RecordKind, rows: pd.DataFrame, random: np.random.Generator) -> Iterator[tuple[str, Masks]]:
    yield f"{kind.value}: all", {kind: np.ones(len(rows), dtype=np.bool_)}
    for number in (1, 2):
        yield f"{kind.value}: a half ({number})", {kind: random.random(len(rows)) < 0.5}
    latest = rows.groupby("owner")["event_time"].rank(method="first", ascending=False, pct=True).to_numpy() <= 0.1
    yield f"{kind.value}: the latest tenth", {kind: latest}


def tables_of(reader: ObservationReader, obligor_ids: Sequence[ObligorId], as_of: datetime) -> dict[RecordKind, Any]:
    """The rows of each kind, as read."""
    return {kind: reader.rows(kind, as_of=as_of, obligor_ids=obligor_ids) for kind in (REPORT, *PAPERS)}


def _framed(table: Any) -> pd.DataFrame:
    """With the `owner` of each row (of a machine: who brought it in), and a report's `age` in days."""
    rows = table.to_pandas()
    rows["owner"] = rows["machine_uid"].str.split("/").str[0] if "day" in rows else rows["obligor_id"]
    if "day" in rows:
        day = pd.to_datetime(rows["day"])
        rows["age"] = (day.max() - day).dt.days
    return rows


def compared(before: Conclusions, after: Conclusions, touched: Bools) -> dict[str, Any]:
    """Of those obligors of whom rows were taken: who gained, and how much."""
    fall = np.log(before.upper / (1 - before.upper)) - np.log(after.upper / (1 - after.upper))
    rise = after.limits - before.limits
    fell, rose = (before.upper - after.upper > ROUNDING) & touched, (rise > 0) & touched[:, None]
    return {
        "obligors": int(touched.sum()),
        "upper_fell": int(fell.sum()),
        "largest_fall_log_odds": round(float(fall[fell].max(initial=0.0)), 4),
        "limit_rose": int(rose.any(axis=1).sum()),
        "products": [
            product.value for product, any_rose in zip(CreditProduct, rose.any(axis=0), strict=True) if any_rose
        ],
        "of_those_better_trusted": int(
            sum(
                then > now
                for then, now, gained in zip(before.grades, after.grades, fell | rose.any(axis=1), strict=True)
                if gained
            )
        ),
    }


def run(root: Path, obligors: int, *, first: int = 0) -> dict[str, Any]:
    """Every way, of so many obligors spread evenly over the home's."""
    home = open_home(root)
    with reading(home.engine) as connection:
        every = connection.scalars(sa.select(obligor.c.obligor_id).order_by(obligor.c.obligor_id)).all()
        chosen = [ObligorId(every[at]) for at in np.linspace(first, len(every) - 1, obligors).astype(int)]
        reader = snapshots.reader(connection, home)
        everybody = load_everybody(reader, as_of=AS_OF)
        artefact = models.promoted_credit(home)
        desk = Desk(reader=reader, everybody=everybody, artefact=artefact, obligor_ids=chosen, as_of=AS_OF)
        before = desk.conclude({})
        tables = tables_of(reader, chosen, AS_OF)
        named = {kind: np.array([*names(table, kind), None], dtype=object)[:-1] for kind, table in tables.items()}
        frames = {kind: _framed(table) for kind, table in tables.items()}
        found = {}
        for word, masks in ways(frames, np.random.default_rng(SEED)):
            touched = np.isin(chosen, np.concatenate([frames[kind]["owner"][mask] for kind, mask in masks.items()]))
            withheld = {kind: frozenset(named[kind][mask]) for kind, mask in masks.items()}
            found[word] = compared(before, desk.conclude(withheld), touched)
            print(word, found[word], flush=True)
    return {"obligors": obligors, "below_ceiling": int((before.upper < before.upper.max()).sum()), "ways": found}


def main() -> None:
    """Print what was gained."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("home", type=Path)
    parser.add_argument("--obligors", type=int, default=100)
    parser.add_argument("--first", type=int, default=0)
    asked = parser.parse_args()
    print(json.dumps(run(asked.home, asked.obligors, first=asked.first), indent=1))


if __name__ == "__main__":
    main()
