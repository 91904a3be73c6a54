"""How well the physics-consistency engine finds frauds: recall at 1 % false alarms, by fraud and strength.

`python -m benchmarks.data_trust` prints the tables of `docs/data-trust.md`; `--json` the figures; `--write` stores the
figures' page part and curves; `--calibrate` prints the nulls of `features/parameters/data_trust_nulls.yaml`. Thresholds
come from honest worlds of other seeds than those that are reported. In every world gateways fail, and now and then nobody
switches a machine's mode (`benchmarks.trust.mislabels`).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import yaml
from numpy.typing import NDArray

from benchmarks.trust.air import AirCut, air_cut, air_figures, smallest_detectable
from benchmarks.trust.calibrate import nulls, statistics
from benchmarks.trust.clones import Sweep, swept
from benchmarks.trust.figures import curves, page_part
from benchmarks.trust.gaps import confusion
from benchmarks.trust.gaps import figures as gap_figures
from benchmarks.trust.mislabels import SWITCHED, USUAL, Habit
from benchmarks.trust.shares import Share, share_of
from benchmarks.trust.worlds import COPYING, OBLIGORS, TrustWorld, build, simulated, told_in
from features.data_trust.engine import Examination, examine
from features.data_trust.settings import trust_settings_at
from features.data_trust.told import Told
from features.settings import shipped_parameters
from features.trust import Severity
from simulator.frauds.plan import Code
from simulator.world import PARAMETERS_AS_OF, VERSION

PAGE = Path(__file__).parent.parent / "docs" / "data-trust.md"
CODES = (
    Code.AIR_CUTTING,
    Code.REPLAYED_TELEMETRY,
    Code.DUMMY_LOAD,
    Code.COUNTER_SPOOF,
    Code.MOVED_GATEWAY,
    Code.OVER_INVOICING,
    Code.OFFLINE_BEFORE_INSPECTION,
    Code.HOUR_METER_ROLLBACK,
)
STRENGTHS = (0.25, 0.5, 1.0, 2.0)
EXACT = 0.0
"""Stands for replays and clones without any jitter."""
CALIBRATION_SEEDS, REPORTED_SEEDS = tuple(range(1, 11)), tuple(range(101, 111))
FRAUD_SEEDS = {EXACT: (101, 102), 0.25: (101, 102), 0.5: (101, 102), 1.0: (101, 102, 103), 2.0: (101, 102)}
"""By strength; at moderate strength one more."""
GAP_SEEDS, GAP_OBLIGORS = (101, 102, 103), 32
HABITS = {
    "never": SWITCHED,
    f"on {USUAL.per_day:.0%} of machine-days, as everywhere here": USUAL,
    "on 10% of machine-days": Habit(per_day=0.1),
    "on 30% of machine-days": Habit(per_day=0.3),
    "always, since a year before the last look": Habit(per_day=1.0, since=date(2025, 7, 1)),
}
"""How often operators of honest firms forget to switch the mode."""
FALSE_ALARMS = 0.01
WANTED_RECALL = 0.9
SETTINGS = trust_settings_at(shipped_parameters(), PARAMETERS_AS_OF)

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the engine makes of one world: by obligor the strongest of all comparisons and of each, at either look; the
    most severe finding; and who tells what falsely (empty where all are honest)."""

    strength: Mapping[str, float]
    by_check: Mapping[str, Mapping[str, float]]
    severity: Mapping[str, str]
    frauds: Mapping[str, str]
    executing: Mapping[str, Floats]
    """By obligor the executing hours told of each day, at the last look."""
    sweep: Sweep | None = None
    """Where all are honest: what a sweep for clones makes of them, with machines planted and without."""
    by_habit: Mapping[str, Floats] = field(default_factory=dict)
    """Where all are honest: the strongest comparison of each under every one of `HABITS`."""


def main() -> None:
    """Print, write or calibrate."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--calibrate", action="store_true")
    parser.add_argument("--obligors", type=int, default=OBLIGORS)
    parser.add_argument("--processes", type=int, default=2)
    asked = parser.parse_args()
    with ProcessPoolExecutor(asked.processes) as pool:
        if asked.calibrate:
            found = nulls(
                world for pair in pool.map(partial(_statistics, asked.obligors), CALIBRATION_SEEDS) for world in pair
            )
            print(yaml.safe_dump(found, sort_keys=False, default_flow_style=None))
            return
        figures = measure(pool, asked.obligors)
    if asked.write:
        curves(figures, PAGE.parent / "data-trust")
        PAGE.write_text(page_part(PAGE.read_text(encoding="utf-8"), figures), encoding="utf-8")
    print(json.dumps(figures, indent=None if asked.json else 1))


def measure(pool: ProcessPoolExecutor, obligors: int) -> dict[str, Any]:
    """Everything that is reported."""
    looks = [(seed, (), 1.0) for seed in (*CALIBRATION_SEEDS, *REPORTED_SEEDS)]
    looks += [(seed, CODES, strength) for strength in (EXACT, *STRENGTHS) for seed in FRAUD_SEEDS[strength]]
    seen = dict(zip(looks, pool.map(partial(_seen, obligors), looks), strict=True))
    calibration = [seen[look] for look in looks[: len(CALIBRATION_SEEDS)]]
    honest = [seen[look] for look in looks[len(CALIBRATION_SEEDS) : len(CALIBRATION_SEEDS) + len(REPORTED_SEEDS)]]
    threshold = float(np.quantile(_strengths(calibration), 1.0 - FALSE_ALARMS))
    # A sweep makes one comparison, and that for all: its strengths are less reduced than those of many comparisons.
    of_sweep = float(np.quantile(_swept(calibration, "honest"), 1.0 - FALSE_ALARMS))
    by_strength = {
        strength: [seen[look] for look in looks if look[1] and look[2] == strength] for strength in (EXACT, *STRENGTHS)
    }
    planted = _swept(honest, "planted")
    exact = {code: _recall(by_strength[EXACT], code, threshold) for code in COPYING}
    gaps = list(pool.map(partial(confusion, obligors=min(obligors, GAP_OBLIGORS)), GAP_SEEDS))
    return {
        "world": VERSION,
        "statement": "synthetic; effect sizes are inputs, not findings",
        "honest_obligors": len(_strengths(honest)),
        "mislabels_per_machine_day": USUAL.per_day,
        "threshold_strength": threshold,
        "false_alarm_rate": share_of(_strengths(honest) > threshold).value,
        "false_alarm_rate_interval": share_of(_strengths(honest) > threshold).interval,
        "false_alarms_by_habit": {name: _alarms(honest, name, threshold) for name in HABITS},
        "honest_with_findings": {
            severity.value: float(
                np.mean([_rank(one) >= severity.rank for world in honest for one in world.severity.values()])
            )
            for severity in Severity
        },
        "frauds": {code.value: _fraud(code, by_strength, threshold) for code in CODES},
        "exact": {code.value: shares.value for code, shares in exact.items()},
        "exact_intervals": {code.value: shares.interval for code, shares in exact.items()},
        "clones_threshold_strength": of_sweep,
        "clones_between_obligors": share_of(planted > of_sweep).value,
        "clones_between_obligors_interval": share_of(planted > of_sweep).interval,
        "clones_planted": len(planted),
        "clones_false_alarm_rate": share_of(_swept(honest, "honest") > of_sweep).value,
        "clones_false_alarm_rate_interval": share_of(_swept(honest, "honest") > of_sweep).interval,
        "air_cutting_with_effect": _air(dict(zip(REPORTED_SEEDS, honest, strict=True)), seen, threshold),
        "gaps": gap_figures(gaps),
    }


def _fraud(code: Code, by_strength: Mapping[float, Sequence[Seen]], threshold: float) -> dict[str, Any]:
    recalls = {strength: _recall(by_strength[strength], code, threshold) for strength in STRENGTHS}
    smallest = smallest_detectable(
        {strength: recall.value for strength, recall in recalls.items()}, wanted_recall=WANTED_RECALL
    )
    return {
        "recall_at_1pct": recalls[1.0].value,
        "recall_at_1pct_interval": recalls[1.0].interval,
        "smallest_detectable": smallest,
        "smallest_detectable_is_lowest_swept": smallest == min(STRENGTHS),
        "recall_by_strength": {str(strength): recall.value for strength, recall in recalls.items()},
        "interval_by_strength": {str(strength): recall.interval for strength, recall in recalls.items()},
        "found_by_strength": {str(strength): recall.found for strength, recall in recalls.items()},
        "frauds_by_strength": {str(strength): recall.of for strength, recall in recalls.items()},
        "found_by": _found_by(by_strength[1.0], code, threshold),
    }


def _air(honest: Mapping[int, Seen], seen: Mapping[Any, Seen], threshold: float) -> dict[str, Any]:
    """Air-cutters by whether they had added executing time, against the honest world of their seed, before the last
    look: the label counts whoever meant to, also where a machine that works round the clock leaves no room for it."""
    cut: dict[float, list[AirCut]] = {strength: [] for strength in STRENGTHS}
    for (seed, codes, strength), world in seen.items():
        if codes and strength in cut:
            cut[strength] += [
                air_cut(honest[seed].executing[who], world.executing[who], world.strength.get(who, 0.0) > threshold)
                for who in _who(world, Code.AIR_CUTTING)
            ]
    return air_figures(cut, wanted_recall=WANTED_RECALL)


def _recall(worlds: Sequence[Seen], code: Code, threshold: float) -> Share:
    """Share of those who commit the fraud that are found."""
    return share_of(world.strength.get(obligor, 0.0) > threshold for world in worlds for obligor in _who(world, code))


def _alarms(honest: Sequence[Seen], habit: str, threshold: float) -> dict[str, Any]:
    """False alarms where operators of honest firms have this habit."""
    alarms = share_of(np.concatenate([world.by_habit[habit] for world in honest]) > threshold)
    return {"false_alarm_rate": alarms.value, "interval": alarms.interval, "obligors": alarms.of}


def _found_by(worlds: Sequence[Seen], code: Code, threshold: float) -> dict[str, float]:
    """By comparison the share that it alone finds, largest first."""
    who = [(world, obligor) for world in worlds for obligor in _who(world, code)]
    shares = {
        check: float(np.mean([world.by_check[check].get(obligor, 0.0) > threshold for world, obligor in who]))
        for check in worlds[0].by_check
    }
    return dict(sorted(((check, share) for check, share in shares.items() if share > 0), key=lambda item: -item[1]))


def _who(world: Seen, code: Code) -> Iterator[str]:
    return (obligor for obligor, fraud in world.frauds.items() if fraud == code)


def _strengths(worlds: Sequence[Seen]) -> Floats:
    return np.array([strength for world in worlds for strength in world.strength.values()])


def _swept(worlds: Sequence[Seen], which: Literal["planted", "honest"]) -> Floats:
    return np.concatenate([getattr(world.sweep, which) for world in worlds if world.sweep is not None])


def _rank(severity: str) -> int:
    return Severity(severity).rank if severity else -1


def _statistics(obligors: int, seed: int) -> list[dict[str, Floats]]:
    return [statistics(told) for told in build(seed=seed, obligors=obligors).told]


def _seen(obligors: int, look: tuple[int, Sequence[Code], float]) -> Seen:
    seed, codes, strength = look
    with simulated(seed=seed, codes=codes, strength=strength, obligors=obligors) as folder:
        world = told_in(folder, habit=USUAL, seed=seed)
        seen = _examined(world)
        if codes:
            return seen
        habits = HABITS if seed in REPORTED_SEEDS else {}
        others = {name: _examined(told_in(folder, habit=habit, seed=seed)) for name, habit in habits.items()}
    return replace(
        seen,
        sweep=swept(world.told[-1], SETTINGS, seed=seed),
        by_habit={name: np.array(list(other.strength.values())) for name, other in others.items()},
    )


def _examined(world: TrustWorld) -> Seen:
    return seen_of(world, [examine(told, SETTINGS) for told in world.told])


def seen_of(world: TrustWorld, examinations: Sequence[Examination]) -> Seen:
    """The strongest that was seen at any look, of obligors of whom anything could be compared."""
    heard = sorted(
        {
            obligor
            for found in examinations
            for number, obligor in enumerate(found.obligor_ids)
            if any(not np.isnan(values[number]) for values in found.strengths.values())
        }
    )
    by_check: dict[str, dict[str, float]] = {name: {} for name in examinations[0].strengths}
    severity = dict.fromkeys(heard, "")
    for found in examinations:
        for name, values in found.strengths.items():
            for obligor, value in zip(found.obligor_ids, np.nan_to_num(values).tolist(), strict=True):
                by_check[name][obligor] = max(value, by_check[name].get(obligor, 0.0))
        for obligor, findings in found.findings.items():
            worst = max((finding.severity for finding in findings), key=lambda item: item.rank)
            severity[obligor] = max(severity.get(obligor, ""), worst.value, key=_rank)
    return Seen(
        strength={obligor: max(values[obligor] for values in by_check.values()) for obligor in heard},
        by_check=by_check,
        severity=severity,
        frauds=dict(zip(world.labels["obligor_id"], world.labels["fraud"], strict=True)),
        executing=_executing(world.told[-1]),
    )


def _executing(told: Told) -> dict[str, Floats]:
    hours = told.by_obligor(told.measures["executing_seconds"]) / 3600.0
    return dict(zip(told.obligor_ids, hours, strict=True))


if __name__ == "__main__":
    main()
