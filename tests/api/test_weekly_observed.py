"""What a few features were by an obligor's stored snapshots, one a week, against whole snapshots read one by one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from api.database.engine import unit_of_work
from api.database.tables import snapshot as table
from api.home import Home, open_home
from api.obligors.repository import insert_unknown
from api.snapshots import repository as snapshots
from api.snapshots.repository import Observed
from data_contracts.errors import NotFound
from data_contracts.evidence.levels import AttestationLevel
from data_contracts.identifiers import ObligorId, ParametersVersion, SnapshotId
from data_contracts.vocabulary import DataOrigin
from features.feature_value import FeatureValue, Missing
from features.snapshot import FeatureSnapshot
from features.trust import DataTrust, TrustGrade

START = datetime(2025, 12, 15, 16, tzinfo=UTC)
FIRMS = tuple(map(ObligorId, ("FIRM1", "FIRM2", "FIRM3")))
FEATURES = ("a", "b", "not_there")
HALF_DAYS = st.integers(-10, 200)


def made(firm: ObligorId, number: int, as_of: datetime) -> FeatureSnapshot:
    """A snapshot of two features, one of which is known of every other."""
    known = FeatureValue(value=number + 0.25, unit="1", window_days=90, missing=None, adverse_value=None)
    unknown = replace(known, value=None, missing=Missing.NOT_OBSERVED)
    return FeatureSnapshot(
        obligor_id=firm,
        as_of=as_of,
        first_day=None,
        history_days=number,
        industry_division=None,
        subject_kind=None,
        values={"a": known, "b": known if number % 2 else unknown},
        quantities={},
        machines={},
        data_origin=DataOrigin.SYNTHETIC,
        coverage_basis="observed",
        data_trust=DataTrust(grade=TrustGrade.T1, attested={AttestationLevel.SEALED: 1.0}),
        batches={},
        catalogue_version="any",
        parameters_version=ParametersVersion("features"),
    )


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """Snapshots of the first two firms each few half days over a turn of the year; some of one instant."""
    home = open_home(tmp_path_factory.mktemp("weekly"))
    with unit_of_work(home.engine) as connection:
        insert_unknown(connection, FIRMS, registered_by="test", now=START)
        moments = [START + timedelta(hours=12 * (number // 3 * 14 + number % 2)) for number in range(40)]
        many = [made(FIRMS[number % 2], number, moment) for number, moment in enumerate(moments)]
        snapshots.save_all(connection, home, many, now=START)
    yield home
    home.engine.dispose()


def wholly(
    connection: sa.Connection, home: Home, firm: ObligorId, *, since: datetime, until: datetime
) -> list[Observed]:
    known = (table.c.obligor_id == firm) & (table.c.as_of >= since) & (table.c.as_of <= until)
    rows = sa.select(table).where(known).order_by(table.c.as_of, table.c.taken_time, table.c.snapshot_id)
    last = {row.as_of.isocalendar()[:2]: SnapshotId(row.snapshot_id) for row in connection.execute(rows)}
    whole = [snapshots.load(home, name) for name in last.values()]
    return [
        Observed(
            as_of=one.as_of,
            values={name: one.values[name].value if name in one.values else None for name in FEATURES},
        )
        for one in whole
    ]


@given(st.dictionaries(st.sampled_from(FIRMS), HALF_DAYS), HALF_DAYS, HALF_DAYS)
def test_features_of_many_at_once_are_those_of_whole_snapshots(
    kept: Home, since: dict[ObligorId, int], until: int, later: int
) -> None:
    """Also from a later time on than was asked for: what is left of the weeks is the same."""
    begins = {firm: START + timedelta(hours=12 * half) for firm, half in since.items()}
    end, then = (START + timedelta(hours=12 * half) for half in (until, later))
    with unit_of_work(kept.engine) as connection:
        told = snapshots.weekly(connection, kept, begins, until=end, features=FEATURES)
        for firm, begin in begins.items():
            assert told.get(firm, []) == wholly(connection, kept, firm, since=begin, until=end)
            left = [week for week in told.get(firm, []) if week.as_of >= then]
            assert left == wholly(connection, kept, firm, since=max(begin, then), until=end)
    assert told.keys() <= begins.keys()


def test_a_snapshot_whose_file_is_lost_is_named(tmp_path: Path) -> None:
    home = open_home(tmp_path)
    with unit_of_work(home.engine) as connection:
        insert_unknown(connection, FIRMS, registered_by="test", now=START)
        name = snapshots.save(connection, home, made(FIRMS[0], 1, START), now=START)
        (home.snapshots / name[:2] / f"{name}.json").unlink()
        with pytest.raises(NotFound, match=name):
            snapshots.weekly(connection, home, {FIRMS[0]: START}, until=START, features=FEATURES)
    home.engine.dispose()
