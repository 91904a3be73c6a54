"""Whether the time of a refusal tells whose pledge it collided with, since when it stands, or how large it is.

`python -m benchmarks.pledge_answers --json [--asked 400]`. One home on loopback storage, one bank that asks in turns, in
a random order, for a machine that is pledged small (one item, reserved just now, by a second bank) and for one that is
pledged large (fifty items, confirmed a year ago, by a third). The area under the curve of telling the two apart by the
time of one answer is 0.5 where nothing is told; its 95 % interval is by DeLong's variance as the U statistic has it.
The bytes of the answers, but for ids and times, are compared too. Synthetic; effect sizes are inputs, not findings.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from api.database.engine import unit_of_work
from api.database.tables import partner
from api.home import Home, open_home
from api.obligors import service as registration
from api.pledges.service import PledgeRequest, confirm, reserve
from benchmarks.small_home import NOW
from data_contracts.identifiers import ObligorId, PartnerId
from scoring.supply_chain.pledges.items import ItemKind, MachineItem
from simulator.summary import STATEMENT

FIRM = ObligorId("91999999MA0001000T")
ASKER, SMALL, LARGE = PartnerId("asker"), PartnerId("small"), PartnerId("large")
MANY = 50
ASKED = 400
WARM_UP = 20
A_YEAR = timedelta(days=365)
Z_95 = 1.959964
VARIES = ("pledge_id", "reserved_time", "expires_time")


def main(arguments: Sequence[str] | None = None) -> None:
    """Ask and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--asked", type=int, default=ASKED, help="refusals of each of the two")
    told = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        found = measured(Path(folder), asked=told.asked)
    print(json.dumps(found, indent=2) if told.json else "\n".join(f"{name}: {value}" for name, value in found.items()))


def measured(folder: Path, *, asked: int) -> dict[str, Any]:
    """The figures of one run; times in milliseconds."""
    home = _prepared(folder)
    order = np.random.default_rng(20261128).permutation(np.repeat([0, 1], asked))
    for is_large in order[:WARM_UP]:
        _refused(home, is_large=bool(is_large))
    times: tuple[list[float], list[float]] = ([], [])
    bodies: set[str] = set()
    for is_large in order:
        seconds, body = _refused(home, is_large=bool(is_large))
        times[int(is_large)].append(seconds)
        bodies.add(body)
    home.engine.dispose()
    small, large = np.array(times[0]), np.array(times[1])
    auc, half = _auc(small, large)
    return {
        "auc": round(auc, 4),
        "auc_interval": [round(auc - half, 4), round(auc + half, 4)],
        "different_bodies": len(bodies),
        "median_small_ms": round(1000 * float(np.median(small)), 3),
        "median_large_ms": round(1000 * float(np.median(large)), 3),
        "asked_each": asked,
        "statement": STATEMENT,
    }


def _prepared(folder: Path) -> Home:
    """A home in which one machine is pledged alone just now and another with many others a year ago."""
    home = open_home(folder / "home")
    with unit_of_work(home.engine) as connection:
        registration.register(connection, [FIRM], now=NOW - A_YEAR)
        for name in (ASKER, SMALL, LARGE):
            connection.execute(partner.insert().values(partner_id=name, name=name, kind="bank", created_time=NOW))
    _pledged(home, LARGE, ["L0", *(f"X{number}" for number in range(MANY - 1))], now=NOW - A_YEAR)
    _pledged(home, SMALL, ["S0"], now=NOW, is_confirmed=False)
    return home


def _pledged(
    home: Home, holder: PartnerId, plates: Sequence[str], *, now: datetime, is_confirmed: bool = True
) -> dict[str, Any]:
    request = PledgeRequest(
        obligor_id=FIRM,
        kinds=[ItemKind.MACHINE] * len(plates),
        items=[MachineItem(maker="Maker", serial_number=plate, machine_uid=None) for plate in plates],
    )
    with unit_of_work(home.engine) as connection:
        told = reserve(connection, home, request, partner=holder, livemode=False, now=now)
        if is_confirmed:
            told = confirm(connection, told["pledge_id"], review=None, now=now)
    return told


def _refused(home: Home, *, is_large: bool) -> tuple[float, str]:
    """Seconds of a refusal, and what it said but for ids and times."""
    begun = time.perf_counter()
    told = _pledged(home, ASKER, ["L0" if is_large else "S0"], now=NOW, is_confirmed=False)
    seconds = time.perf_counter() - begun
    assert told["status"] == "refused", told["status"]
    return seconds, json.dumps({name: value for name, value in told.items() if name not in VARIES}, sort_keys=True)


def _auc(small: NDArray[np.float64], large: NDArray[np.float64]) -> tuple[float, float]:
    """The probability that a large pledge's refusal takes longer than a small one's, ties half; half a 95 % interval by
    DeLong, DeLong and Clarke-Pearson (Biometrics 44, 1988)."""
    beaten = (large[:, None] > small[None, :]) + 0.5 * (large[:, None] == small[None, :])
    variance = np.var(beaten.mean(axis=1), ddof=1) / len(large) + np.var(beaten.mean(axis=0), ddof=1) / len(small)
    return float(beaten.mean()), Z_95 * float(np.sqrt(variance))


if __name__ == "__main__":
    main()
