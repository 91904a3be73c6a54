"""Supply-chain finance against the truth: pledges, tranches, circular trade, losses by supplier and losses averted.

python -m benchmarks.supply_chain_truth --json [--seeds 101 102] [--only pledges tranches circular recession averted]
                                               [--obligors 64]

Each part makes worlds of its own, of the size that it needs unless `--obligors` names another. Synthetic; effect sizes
are inputs, not findings.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks.supply_chain_truth import circular, losses, pledges, tranches
from simulator.summary import STATEMENT

SEEDS = tuple(range(101, 111))
Part = Callable[[Sequence[int], int], dict[str, Any]]
PARTS: Mapping[str, tuple[Part, int]] = {
    "pledges": (pledges.measure, 64),
    "tranches": (tranches.measure, 48),
    "circular": (circular.measure, 128),
    "recession": (losses.recession, 400),
    "averted": (losses.averted, 400),
}
"""What is measured, and with how many obligors a world."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--seeds", type=int, nargs="*", default=SEEDS)
    parser.add_argument("--obligors", type=int, help="firms of each world, in place of each part's own number")
    parser.add_argument("--only", nargs="*", choices=PARTS, default=list(PARTS))
    asked = parser.parse_args()
    told: dict[str, Any] = {"seeds": list(asked.seeds)}
    for name in asked.only:
        measure, usual = PARTS[name]
        obligors = asked.obligors or usual
        told[name] = {"obligors_a_world": obligors, **measure(asked.seeds, obligors)}
        print(f"{name} measured", file=sys.stderr, flush=True)
    told["statement"] = STATEMENT
    print(json.dumps(told, indent=2) if asked.json else "\n".join(f"{name}: {value}" for name, value in told.items()))


if __name__ == "__main__":
    main()
