"""Which types of machines training knew, and who is referred for running others."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.machine_types import MachineTypes
from scoring.cards import ModelFeature
from scoring.credit.card import FamiliarityCard, MachineTypesCard
from scoring.credit.familiarity import KnownTypes
from scoring.training.familiarity import fit_familiarity, known_machine_types

SETTINGS: dict[str, Any] = {
    "familiar_percentile": 99,
    "familiar_missing_share": 0.01,
    "familiar_division_firms": 5,
    "familiar_machine_type_firms": 5,
    "familiar_machine_share": 0.2,
    "familiar_machine_types_told": 0.95,
}
# What each code is called does not matter here: two items of one class, and two other classes.
LATHE, PRESS, LOOM, ROUTER = "A02050901", "A02050903", "A02280100", "A02230200"
KNOWN = KnownTypes(classes=frozenset({"A020509", "A022801"}), share=0.2)
FEATURES = tuple(
    ModelFeature(
        key=key, name=key, family=key, unit="1", window_days=None, sign=1, adverse_value=None, peer_median=None
    )
    for key in ("a", "b")
)
LATHES = MachineTypes(machines={LATHE: 3}, untold=0)


@dataclass(frozen=True, kw_only=True)
class Seen:
    """Rows of firms, each with machines of these types."""

    machine_types: tuple[MachineTypes | None, ...] | None
    obligor_ids: tuple[str, ...] = ()
    divisions: None = None

    @property
    def values(self) -> np.ndarray:
        return np.random.default_rng(1).normal(size=(len(self.obligor_ids), 2))


def seen(*fleets: tuple[int, MachineTypes | None]) -> Seen:
    """So many firms, a row each, with that fleet; then with the next."""
    types = tuple(types for count, types in fleets for _ in range(count))
    return Seen(machine_types=types, obligor_ids=tuple(f"FIRM{at}" for at in range(len(types))))


CASES: list[tuple[dict[str, int] | None, int, tuple[str | None, ...]]] = [
    # machines                     untold  what is unknown
    ({LATHE: 3},                   0,      ()),
    ({LATHE: 3, PRESS: 1},         0,      ()),                       # of one class
    ({LATHE: 5, ROUTER: 1},        0,      ()),                       # a sixth
    ({LATHE: 4, ROUTER: 1},        0,      ("A022302",)),             # a fifth
    ({LATHE: 8, ROUTER: 1},        1,      ("A022302", None)),        # a fifth of both together
    ({LATHE: 9},                   1,      ()),
    ({LATHE: 4},                   1,      (None,)),
    ({ROUTER: 1, "A02990100": 1},  0,      ("A022302", "A029901")),
    (None,                         0,      (None,)),                  # nobody told any
]  # fmt: skip


@pytest.mark.parametrize(("machines", "untold", "unknown"), CASES)
def test_a_share_of_machines_of_other_types_is_unknown(
    machines: dict[str, int] | None, untold: int, unknown: tuple[str | None, ...]
) -> None:
    told = None if machines is None else MachineTypes(machines=machines, untold=untold)
    assert KNOWN.unknown(told) == unknown


FLEET = st.dictionaries(st.sampled_from([LATHE, PRESS, LOOM, ROUTER]), st.integers(1, 9), min_size=1)


@given(machines=FLEET, untold=st.integers(0, 9), hidden=st.sampled_from([LATHE, PRESS, LOOM, ROUTER]))
def test_hiding_a_type_makes_nobody_familiar(machines: dict[str, int], untold: int, hidden: str) -> None:
    told = MachineTypes(machines=machines, untold=untold)
    rest = {code: count for code, count in machines.items() if code != hidden}
    silent = MachineTypes(machines=rest, untold=untold + machines.get(hidden, 0)) if rest else None
    assert KNOWN.unknown(silent) or not KNOWN.unknown(told)


def test_a_type_is_known_from_five_firms_on_that_run_enough_of_it() -> None:
    few = MachineTypes(machines={LATHE: 9, LOOM: 1}, untold=0)
    some = MachineTypes(machines={LATHE: 4, LOOM: 1}, untold=0)
    found = known_machine_types(seen((5, some), (9, few), (4, MachineTypes(machines={ROUTER: 1}, untold=0))), SETTINGS)
    assert found == MachineTypesCard(firms={"A020509": 14, "A022801": 5}, share=0.2, told=1.0)
    assert known_machine_types(seen((4, some), (9, few)), SETTINGS) == MachineTypesCard(
        firms={"A020509": 13}, share=0.2, told=1.0
    )


def test_a_firm_counts_once_however_many_its_rows() -> None:
    rows = replace(seen((9, LATHES)), obligor_ids=("FIRM0",) * 9)
    assert known_machine_types(rows, SETTINGS) == MachineTypesCard(firms={}, share=0.2, told=1.0)


@pytest.mark.parametrize(
    ("rows", "firms"),
    [
        (seen((95, LATHES), (5, None)), {"A020509": 95}),
        (seen((94, LATHES), (6, None)), None),
        (seen((94, LATHES), (6, MachineTypes(machines={LATHE: 4}, untold=1))), None),
        (seen((94, LATHES), (6, MachineTypes(machines={LATHE: 5}, untold=1))), {"A020509": 100}),
    ],
)
def test_no_type_is_known_where_too_few_rows_told_theirs(rows: Seen, firms: dict[str, int] | None) -> None:
    found = known_machine_types(rows, SETTINGS)
    assert found is not None
    assert found.firms == firms
    assert (found.known() is None) is (firms is None)


@pytest.mark.parametrize("rows", [replace(seen((9, LATHES)), machine_types=None), seen((9, None))])
def test_training_that_is_told_no_types_knows_none_and_refers_none(rows: Seen) -> None:
    settings = {name: value for name, value in SETTINGS.items() if "machine" not in name}
    assert known_machine_types(rows, settings) is None
    card = fit_familiarity(FEATURES, rows, rows, rows, settings=settings)
    assert card.machine_types is None
    judged = card.cloud(FEATURES)
    told = MachineTypes(machines={ROUTER: 1}, untold=0)
    assert judged.judge(np.array(card.centres), machine_types=told).is_familiar
    assert judged.judge(np.array(card.centres)).is_familiar


def test_the_share_of_the_test_rows_counts_those_with_other_machines() -> None:
    known = seen((100, LATHES))
    test = seen((50, LATHES), (50, MachineTypes(machines={ROUTER: 2}, untold=0)))
    same = fit_familiarity(FEATURES, known, known, known, settings=SETTINGS)
    card = fit_familiarity(FEATURES, known, known, test, settings=SETTINGS)
    assert card.referred == pytest.approx(0.5 + same.referred / 2, abs=0.02)
    assert card.machine_types == MachineTypesCard(firms={"A020509": 100}, share=0.2, told=1.0)


def test_a_card_of_a_format_without_types_knows_none() -> None:
    known = seen((100, LATHES))
    plain = fit_familiarity(FEATURES, known, known, known, settings=SETTINGS).model_dump()
    del plain["machine_types"]
    older = FamiliarityCard.model_validate(plain).cloud(FEATURES)
    assert older.machine_types is None
    assert older.judge(older.centres, machine_types=MachineTypes(machines={ROUTER: 1}, untold=0)).is_familiar
