"""The page of every feature, written from the catalogue: `python -m features.documentation --write`."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from features.catalogue import FEATURES
from features.declaration import HISTORY_DAYS, Feature, FeatureDefinition
from features.feature_value import Missing
from features.history import Level
from features.settings import settings_at, shipped_parameters
from features.trade import QUANTITIES

PARAMETERS_AT = datetime(2026, 1, 1, tzinfo=UTC)
"""The page quotes parameters as in force then."""

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
    Missing.NO_BASIS: "there was nothing to divide by or to compare with",
    Missing.NO_PEERS: "no peers are known, or fewer than `features/parameters/peer_firms.yaml` asks for",
    Missing.LOW_COVERAGE: "less was observed than the feature needs (`features/parameters/minimum_coverage.yaml`)",
    Missing.NOT_OF_A_MACHINE: "the feature is of obligors only",
    Missing.NOT_CONSENTED: "the obligor has not consented to its use",
}

_INTRODUCTION = """# Features

Printed by `python -m features.documentation --write` from the catalogue (`features/catalogue.py`); do not edit.

A feature is a formula over daily sums of machine-days ([machine-days.md](machine-days.md)). A window of N days at
`as_of` is the last N complete local days before it, and sees what was recorded by then. Ratios divide sums: over days
and machines first, then the ratio. The key of a feature carries its window (`power_on_rate_90d`). Every feature is
computed for the obligor and for each machine that it owns.

Beside the sums over machines some features stand for the machine that matters: `_min`, `_max` and `_value_weighted`
after the key put together the machines' own values. A feature that rests on ledgers sees the rows recorded by `as_of`.

The sign is that of a monotone constraint: + means that more of it is more risk, − that more is less, 0 that the sign is
not settled and the feature is no input of that model. A bounded feature (`features/bounded.py`) carries the worst and
the best that it can be for credit, whatever the time that nobody observed would have shown
([withholding.md](withholding.md)).
"""

_SHARED = f"""## Missing is a reason

A feature has a value or a reason. First observed days are looked for in the last {HISTORY_DAYS} days; the share of a
window that must follow them is `features/parameters/minimum_history_share.yaml`.
"""

_HOW_TO_ADD = """## Add a feature

1. Write the formula in its family's file in `features/` with `@feature`: unit, windows, both signs with their reasons,
   labels in Chinese and English, the formula in words. Its docstring is its description here, and its label makes the
   sentences of its reasons; one that deserves words of its own gets them in `risk_reports/wording`.
2. Put it into the family's tuple at the end of that file; a new family goes into `FEATURES` in `features/catalogue.py`.
3. Work one example by hand in the family's table in `tests/features/families/`: a test fails for a feature without.
4. If it needs a new daily measure, add it to `DailyHistory` (`features/history.py`), and to `features/measures.py` or,
   from a ledger, to `features/ledger_measures.py`. If it shall be scored, say in `features/bounded.py` what unobserved
   time leaves of it.
5. Run `make docs`, and train again.
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
    plain = [item for item in declared.definitions if item.across is None]
    across = sorted({f"`_{item.across.value}`" for item in declared.definitions if item.across})
    windows = ", ".join(str(item.window_days) for item in plain) + (f"<br>{', '.join(across)}" if across else "")
    return (
        f"`{declared.name}`<br>{first.label_en} / {first.label_zh}",
        f"{first.description}<br>*{first.formula}*{_needs(first)}",
        first.unit,
        windows,
        _signed(first.credit_risk, first.credit_reason),
        _signed(first.insurance_risk, first.insurance_reason) + _mark(first),
        first.iso_22400,
    )


def _needs(definition: FeatureDefinition) -> str:
    """What it needs beside machine-days: ledgers, peers, coverage; and that it is of obligors only."""
    least = settings_at(shipped_parameters(), PARAMETERS_AT).minimum_coverage.get(definition.name)
    needs = [
        "Rests on ledgers." if definition.rests_on_ledgers else "",
        "Needs peers." if definition.needs_peers else "",
        f"Needs coverage of {least:g}." if least else "",
        "Of obligors only." if Level.MACHINE not in definition.levels else "",
    ]
    return "".join(f"<br>{text}" for text in needs if text)


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
