"""Insurance models on real books, beside published figures: `python -m benchmarks.real_insurance --json`.

`--only NAME` measures one part. The data is found through MILLGRADE_DATA. No
machine data is joined to these claims: they test the engine, not what telemetry adds.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from api.models.service import scoring_parameters
from benchmarks.insurance import cmapss, fremtpl2, other_books

AS_OF = date(2026, 1, 1)
SPLITS = 10


def main() -> None:
    """Measure what was asked for and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--only", choices=sorted(PARTS), action="append", help="measure only this part (repeatable)")
    parser.add_argument("--splits", type=int, default=SPLITS, help="grouped splits of freMTPL2 (10)")
    arguments = parser.parse_args()
    settings = dict(scoring_parameters().at(AS_OF)["claims_model"])
    found: dict[str, Any] = {}
    for name in arguments.only or PARTS:
        found |= PARTS[name](settings, arguments.splits)
    print(json.dumps(found, indent=2) if arguments.json else text(found))


def text(found: Mapping[str, Any]) -> str:
    """The headline of each part, a line each."""
    return "\n".join(f"{name}: {json.dumps(part)}" for name, part in found.items())


def _fremtpl2(settings: dict[str, Any], _: int) -> dict[str, Any]:
    return {"fremtpl2_a": fremtpl2.convention_a(fremtpl2.load(), settings)}


def _fremtpl2_grouped(settings: dict[str, Any], splits: int) -> dict[str, Any]:
    return {"fremtpl2_grouped": fremtpl2.grouped(fremtpl2.load(), settings, splits=splits)}


PARTS: dict[str, Callable[[dict[str, Any], int], dict[str, Any]]] = {
    "fremtpl2": _fremtpl2,
    "fremtpl2_grouped": _fremtpl2_grouped,
    "fremtpl2_severity": lambda settings, _: {"fremtpl2_severity": fremtpl2.severity(settings)},
    "norauto": lambda settings, _: {"norauto": other_books.norauto(settings)},
    "pg17": lambda settings, _: {"pg17": other_books.pg17(settings)},
    "msha": lambda settings, _: {"msha": other_books.msha(settings)},
    "tails": lambda settings, _: {"tails": other_books.tails(settings)},
    "cmapss": lambda settings, _: {"cmapss": {name: cmapss.measure(name) for name in cmapss.PUBLISHED}},
}


if __name__ == "__main__":
    main()
