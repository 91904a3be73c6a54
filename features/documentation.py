"""The page of every feature, written from the catalogue: `python -m features.documentation --write`."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from features.catalogue import FEATURES
from features.declaration import HISTORY_DAYS, Feature, FeatureDefinition
from features.snapshot import Missing
from features.trade import QUANTITIES

PAGE = Path(__file__).parent.parent / "docs" / "features.md"

_SIGNS = {-1: "−", 0: "0", 1: "+"}

_REASONS = {
    Missing.NOT_ENOUGH_HISTORY: "too few of the window's days lie on or after the unit's first observed one",
    Missing.NOT_OBSERVED: "no second of the window was observed",
    Missing.NO_FAILURE: "there was no fault to divide by",
    Missing.NO_EXECUTION: "the machines were never powered or never executed",
    Missing.NO_POWER_METER: "no machine said power or energy",
    Missing.NO_COUNTER: "no machine counted parts",
    Missing.NO_SOURCE: "no source says it",
    Missing.NOT_CONSENTED: "the obligor has not consented to its use",
}

_INTRODUCTION = """# Features

Printed by `python -m features.documentation --write` from the catalogue (`features/catalogue.py`); do not edit.

A feature is a formula over daily sums of machine-days ([machine-days.md](machine-days.md)). A window of N days at
`as_of` is the last N complete local days before it, and sees what was recorded by then. Ratios divide sums: over days
and machines first, then the ratio. The key of a feature carries its window (`power_on_rate_90d`). Every feature is
computed for the obligor and for each machine that it owns.

The sign is that of a monotone constraint: + means that more of it is more risk, − that more is less, 0 that the sign is
not settled and the feature is no input of that model. The adverse value is the same feature with every unknown second
taken as off, and with only sampled time as covered.
"""

_SHARED = f"""## Missing is a reason

A feature has a value or a reason. First observed days are looked for in the last {HISTORY_DAYS} days; the share of a
window that must follow them is `features/parameters/minimum_history_share.yaml`.
"""

_HOW_TO_ADD = """## Add a feature

1. Write the formula in its family's file in `features/` with `@feature`: unit, windows, both signs with their reasons,
   labels in Chinese and English, the formula in words. Its docstring is its description here.
2. Put it into the family's tuple at the end of that file; a new family goes into `FEATURES` in `features/catalogue.py`.
3. If it needs a new daily measure, add it to `DailyHistory` (`features/history.py`) and to `features/daily.py`, and say
   in `DailyHistory.adverse` what a pessimist makes of it.
4. Work one example by hand in `tests/features/`.
5. Add its sentences to `risk_reports/wording`, run `make docs`, and train again.
"""


def page() -> str:
    """The whole page as Markdown."""
    families = dict.fromkeys(declared.definitions[0].family for declared in FEATURES)
    sections = [
        _INTRODUCTION,
        *(_family(family, [item for item in FEATURES if item.definitions[0].family == family]) for family in families),
        _quantities(),
        _SHARED + "\n" + _table(("reason", "is said where"), ((f"`{key}`", text) for key, text in _REASONS.items())),
        _HOW_TO_ADD,
    ]
    return "\n".join(sections)


def _family(family: str, members: Sequence[Feature]) -> str:
    head = ("feature", "is", "unit", "windows", "credit", "insurance", "beside ISO 22400")
    return f"## Family `{family}`\n\n" + _table(head, (_row(member) for member in members))


def _row(declared: Feature) -> tuple[str, ...]:
    first = declared.definitions[0]
    return (
        f"`{declared.name}`<br>{first.label_en} / {first.label_zh}",
        f"{first.description}<br>*{first.formula}*",
        first.unit,
        ", ".join(str(definition.window_days) for definition in declared.definitions),
        _signed(first.credit_risk, first.credit_reason),
        _signed(first.insurance_risk, first.insurance_reason) + _mark(first),
        first.iso_22400,
    )


def _signed(sign: int, reason: str) -> str:
    return f"**{_SIGNS[sign]}** {reason}"


def _mark(definition: FeatureDefinition) -> str:
    return "" if definition.actionable else "<br>(not actionable)"


def _quantities() -> str:
    head = ("quantity", "is", "unit", "window")
    rows = (
        (
            f"`{item.name}`<br>{item.label_en} / {item.label_zh}",
            item.formula,
            item.unit,
            f"{item.window_days} days" if item.window_days else "as of",
        )
        for item in QUANTITIES.values()
    )
    return (
        "## Quantities\n\nAmounts that limits rest on, of the obligor, under the same rules of missing. Money is in "
        "minor units; a snapshot names the currency (`CNY_minor`).\n\n" + _table(head, rows)
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines) + "\n"


def main(arguments: Sequence[str]) -> None:
    """Print the page, or write it to where it belongs."""
    if list(arguments) == ["--write"]:
        PAGE.write_text(page(), encoding="utf-8")
    else:
        sys.stdout.write(page())


if __name__ == "__main__":
    main(sys.argv[1:])
