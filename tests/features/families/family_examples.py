"""How the families' tables of examples are written and checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import pytest
from day_tables import FULL, back, day, values_of

from features.history import DailyHistory
from features.peer_reference import PeerReference
from features.snapshot import Missing

HOUR = 3_600.0

Table = Mapping[str, tuple[Callable[[], DailyHistory], float | Missing]]
"""By key of a feature: the history, and the value that was worked out by hand."""


def worked(age: int, hours: float, **values: Any) -> dict[str, Any]:
    """A wholly observed day so many days before the last: so many hours executing, the rest (beside other elements
    given in seconds) off."""
    return worked_on(back(age), hours, **values)


def worked_on(when: date, hours: float, **values: Any) -> dict[str, Any]:
    """The same on a calendar day."""
    others = sum(float(values.get(name, 0.0)) for name in ("idle", "setup", "fault", "maintenance"))
    return day(when, executing=hours * HOUR, off=FULL - hours * HOUR - others, **values)


def check(table: Table, key: str, *, peers: PeerReference | None = None) -> None:
    """The feature has the value of the table."""
    make, expected = table[key]
    found = values_of(make(), peers=peers)[key]
    assert found == (expected if isinstance(expected, Missing) else pytest.approx(expected, rel=1e-9, abs=1e-12))
