"""Recourse, cost to fake and profit on worlds of two hundred firms: the figures add up, and are what they say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest
from scipy import stats

from benchmarks import profit
from benchmarks.cost_to_fake import __main__ as cost_to_fake
from benchmarks.cost_to_fake.strategies import STRATEGIES
from benchmarks.recourse import __main__ as recourse
from benchmarks.recourse.acting import OPEN_FATE, PART, Effect
from benchmarks.recourse.worlds import StructuralWorld, structural
from scoring.recourse.levers import LeverName

SEED, OBLIGORS, ASKING = 1, 200, 2


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StructuralWorld]:
    """A world of which few firms are looked at; their peers are all that there are. The first two are in default already,
    which nobody has reported yet."""
    made = structural(SEED, OBLIGORS, tmp_path_factory.mktemp("worlds"))
    few = replace(made)
    vars(few)["reach"], vars(few)["asking"] = made.reach, made.asking[3 : 3 + ASKING]
    yield few
    made.home.engine.dispose()


def test_every_plan_is_carried_out_and_counted_once(world: StructuralWorld) -> None:
    found = recourse.measure(world, firms=ASKING, paths=512)
    assert found["firms_asked"] == sum(found["answers"].values()) == sum(found["outcomes_before"].values()) <= ASKING
    assert found["plans"] == found["plans_on_risk"] + found["information_only"] == len(found["slack"]) > 0
    assert found["plans"] == sum(found["outcomes_promised"].values())
    assert found["lowered"] + found["unchanged"] + found["raised"] == found["plans_on_risk"]
    assert sum(group["plans"] for group in found["by_levers"].values()) == found["plans_on_risk"]
    assert found["flipped_share"] == 1.0
    assert found["rescores_inside"] > 0


def test_a_plan_without_a_difference_may_still_move_what_its_paths_cannot_show() -> None:
    seen = Effect(paths=1024, defaults=20, saved=6, ruined=1, means_gained=0.1)
    alike = Effect(paths=1024, defaults=20, saved=1, ruined=1, means_gained=-0.1)
    nothing = Effect(paths=8192, defaults=20, saved=0, ruined=0, means_gained=0.1)
    found = recourse._changes([seen, alike, nothing])
    assert (found["lowered"], found["unchanged"], found["unchanged_with_means_gained"]) == (1, 2, 1)
    assert found["unchanged_moves_at_most"] == pytest.approx(stats.beta.ppf(0.975, 3, 1022), abs=1e-6)
    assert recourse._changes([nothing])["unchanged_moves_at_most"] == pytest.approx(1 - 0.025 ** (1 / 8192), abs=1e-6)
    assert recourse._changes([seen])["unchanged_moves_at_most"] is None


def test_who_asks_is_settled_by_paths_that_judge_nothing(world: StructuralWorld) -> None:
    passed: Counter[str] = Counter()
    fates = dict(islice(recourse.who_asks(world, passed), ASKING))
    assert list(fates) == [name for name in world.living if name in fates]
    assert all(OPEN_FATE[0] <= fate.pd <= OPEN_FATE[1] for fate in fates.values())
    assert sum(passed.values()) + len(fates) == world.living.index(list(fates)[-1]) + 1
    fate = next(iter(fates.values()))
    judged = fate.effect({LeverName.COLLECT_OVERDUE: 1.0}, most=PART)
    again = [fate.part(number) for number in range(1, 1 + judged.paths // PART)]
    assert judged.defaults == sum(int(part.defaulted.sum()) for part in again)
    assert fate.pd == fate.part(0).pd


def test_every_strategy_is_priced_and_what_pays_gains_more_than_it_costs(world: StructuralWorld) -> None:
    found = cost_to_fake.measure(world, firms=2)
    assert found["strategies"].keys() == STRATEGIES.keys()
    paying = [name for name, own in found["strategies"].items() if own["gain_minor"] > own["cost_minor"]]
    assert (found["paying"], found["pays"], found["firms"]) == (paying, bool(paying), 2)
    for own in found["strategies"].values():
        lower, upper = own["net_interval_minor"]
        assert lower <= own["gain_minor"] - own["cost_minor"] + 1
        assert own["gain_minor"] - own["cost_minor"] - 1 <= upper


def test_nobody_earns_more_than_the_lender_who_knows_the_truth(tmp_path: Path) -> None:
    found = profit.measure(range(1, 3), OBLIGORS, tmp_path)
    earned = {name: item["value"] for name, item in found["earned_minor"].items()}
    for name, regret in found["regret_minor"].items():
        assert regret["value"] == pytest.approx(earned["truth"] - earned[name], abs=1e-3)
        assert regret["lower"] <= regret["value"] <= regret["upper"]
        assert regret["value"] >= 0
    assert found["granted_share"]["no_telemetry"]["value"] == 1.0
