"""How a feature is declared: its name, unit, windows and signs as data, beside a formula over a daily history."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from features.columns import Column
from features.history import DailyHistory, Level, Window
from features.peer_reference import PeerReference

LONGEST_WINDOW_DAYS = 365

HISTORY_DAYS = 730
RECENT_DAYS = 365
MACHINE_DAYS = 180
"""Days of history that features are computed from: of an obligor's long measures (two years, so that a year can be
compared with the one before), of its other measures, and of a machine. Whether a unit's history is long enough for a
window is judged within them, so that one obligor and a whole book, read in whatever way, get the same values."""

NO_INDICATOR = "no such indicator"
BOTH_LEVELS = (Level.OBLIGOR, Level.MACHINE)


Formula = Callable[[DailyHistory, Window], Column]
PeerFormula = Callable[[DailyHistory, Window, PeerReference], Column]


class Across(StrEnum):
    """How an obligor's figure is made of its machines' own, beside the sum over machines: one dead bottleneck matters.

    The least, the largest, or the mean weighted by what the machines were worth when they were acquired.
    """

    MIN = "min"
    MAX = "max"
    VALUE_WEIGHTED = "value_weighted"


ACROSS_LABELS = {
    Across.MIN: ("最低单机", "lowest of the machines"),
    Across.MAX: ("最高单机", "highest of the machines"),
    Across.VALUE_WEIGHTED: ("按设备价值加权", "weighted by value of the machines"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureDefinition:
    """One column of every feature matrix. `credit_risk` and `insurance_risk` are the signs of monotone constraints:
    +1 when more of it means more risk, -1 when less, 0 when the sign is not settled.

    `levels` says of what it is made: an obligor, a machine, or both. `across` is set where the machines' own values of
    the feature `base_key` are put together. `rests_on_ledgers` and `needs_peers` say what it needs beside machine-days.
    """

    name: str
    key: str
    family: str
    unit: str
    window_days: int
    credit_risk: int
    insurance_risk: int
    credit_reason: str
    insurance_reason: str
    actionable: bool
    label_zh: str
    label_en: str
    formula: str
    description: str
    iso_22400: str
    needs_observation: bool
    levels: tuple[Level, ...]
    rests_on_ledgers: bool
    needs_peers: bool
    across: Across | None
    base_key: str | None
    compute: Formula | PeerFormula


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """A declared feature with a definition for each of its windows, and for each way across machines."""

    name: str
    definitions: tuple[FeatureDefinition, ...]


def feature(
    *,
    family: str,
    unit: str,
    credit_risk: int,
    insurance_risk: int,
    credit_reason: str,
    insurance_reason: str,
    actionable: bool,
    label_zh: str,
    label_en: str,
    formula: str,
    iso_22400: str = NO_INDICATOR,
    windows_days: Sequence[int] = (7, 30, 90),
    needs_observation: bool = True,
    levels: Sequence[Level] = BOTH_LEVELS,
    rests_on_ledgers: bool = False,
    needs_peers: bool = False,
    across_machines: Sequence[Across] = (),
    across_windows_days: Sequence[int] = (90,),
) -> Callable[[Formula | PeerFormula], Feature]:
    """Declare the decorated formula as a feature; its docstring becomes the description.

    `unit` follows the last part of a quantity's name ("1" for shares); `iso_22400` remarks how the feature relates to
    an indicator of that standard. Where `needs_observation` is false, a window without any observation still has a
    value; what `rests_on_ledgers` asks neither for observation nor for a length of history. `across_machines` declares
    `<name>_<window>d_<how>` beside the sums over machines: inputs of credit models with the sign of the feature itself,
    and told of a machine as the machine's own figure.
    """
    assert {credit_risk, insurance_risk} <= {-1, 0, 1}, "a sign is -1, 0 or +1"

    def declare(compute: Formula | PeerFormula) -> Feature:
        """The feature of one formula, a definition for each window."""
        name, description = compute.__name__, " ".join((compute.__doc__ or "").split())
        assert description, f"feature {name} has no docstring"
        definitions = [
            FeatureDefinition(
                name=name,
                key=f"{name}_{days}d",
                family=family,
                unit=unit,
                window_days=days,
                credit_risk=credit_risk,
                insurance_risk=insurance_risk,
                credit_reason=credit_reason,
                insurance_reason=insurance_reason,
                actionable=actionable,
                label_zh=label_zh,
                label_en=label_en,
                formula=formula,
                description=description,
                iso_22400=iso_22400,
                needs_observation=needs_observation and not rests_on_ledgers,
                levels=tuple(levels),
                rests_on_ledgers=rests_on_ledgers,
                needs_peers=needs_peers,
                across=None,
                base_key=None,
                compute=compute,
            )
            for days in windows_days
        ]
        longest = LONGEST_WINDOW_DAYS if Level.MACHINE not in levels or rests_on_ledgers else MACHINE_DAYS
        assert all(0 < days <= longest for days in windows_days), f"{name}: a window that no history is read for"
        based = [item for item in definitions if item.window_days in across_windows_days]
        across = [_across(item, how) for item in based for how in across_machines]
        return Feature(name=name, definitions=(*definitions, *across))

    return declare


def _across(base: FeatureDefinition, how: Across) -> FeatureDefinition:
    """The same feature as its machines' least, largest or weighted mean."""
    zh, en = ACROSS_LABELS[how]
    return replace(
        base,
        name=f"{base.name}_{how.value}",
        key=f"{base.key}_{how.value}",
        insurance_risk=0,
        insurance_reason="told, not scored: of a machine it is the machine's own figure, which is scored",
        label_zh=f"{base.label_zh}（{zh}）",
        label_en=f"{base.label_en}, {en}",
        formula=f"{how.value.replace('_', ' ')} over machines of: {base.formula}",
        description=f"{base.description} Here the {en}, each over the window.",
        across=how,
        base_key=base.key,
    )
