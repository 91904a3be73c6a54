"""Who commits which fraud, from when until when. Kinds and prevalence are those of `frauds.yaml`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from data_contracts.errors import InputError
from simulator.block import Block, Laws

ALL = "all"
WHOLE_FIRM = -1
FRAUDS_PER_BLOCK = 5
"""About so many at the usual prevalence: where the turns of the next block begin."""

Ints = NDArray[np.int64]


class Code(StrEnum):
    """The twelve frauds."""

    AIR_CUTTING = "F1"
    REPLAYED_TELEMETRY = "F2"
    DUMMY_LOAD = "F3"
    COUNTER_SPOOF = "F4"
    MOVED_GATEWAY = "F5"
    PLEDGED_TWICE = "F6"
    CIRCULAR_TRADE = "F7"
    OVER_INVOICING = "F8"
    LEASED_TWICE = "F9"
    OFFLINE_BEFORE_INSPECTION = "F10"
    HOUR_METER_ROLLBACK = "F11"
    STAGED_SHUTDOWN = "F12"


class UnknownFraud(InputError):
    """No fraud has that code."""

    code = "unknown_fraud"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fraud:
    """One fraud: by a firm of a block, with one of its machines or all, on the days [`from_day`, `to_day`).

    `others` are rows or firms that the fraud needs besides: the machine whose data a moved gateway tells, the related
    firms of a ring. `strength` is the number that the labels bear.
    """

    code: Code
    number: int
    """Position among the block's frauds."""
    firm: int
    machine: int
    others: tuple[int, ...]
    from_day: int
    to_day: int
    strength: float

    @property
    def is_by_several_firms(self) -> bool:
        """Whether `others` are firms, which commit it together."""
        return self.code is Code.CIRCULAR_TRADE


def parse_codes(codes: Sequence[str]) -> tuple[Code, ...]:
    """The frauds that these codes name, in their order; `all` names the twelve. Raises UnknownFraud."""
    if ALL in codes:
        return tuple(Code)
    known = {code.value for code in Code}
    if unknown := sorted(set(codes) - known):
        raise UnknownFraud(f"No fraud is called {', '.join(unknown)}.", hint=f"There are {', '.join(Code)}, and all.")
    return tuple(code for code in Code if code.value in codes)


def plan_frauds(block: Block, codes: Sequence[Code], laws: Laws) -> tuple[Fraud, ...]:
    """The frauds of a block: each firm commits one with the chance of `prevalence`; the codes take turns.

    Who commits one does not depend on the firms that follow.
    """
    parameters = laws.parameters.frauds
    uniform = laws.streams.of("fraud.firm", block.number).random((len(block.firms), 3))
    found: list[Fraud] = []
    if not codes:
        return ()
    for firm in np.flatnonzero(uniform[:, 0] < parameters.prevalence).tolist():
        first = FRAUDS_PER_BLOCK * block.number + len(found)
        turns = (codes[(first + turn) % len(codes)] for turn in range(len(codes)))
        code = next((code for code in turns if _can(block, firm, code, laws)), None)
        if code is not None:
            found.append(_fraud(block, firm, code, uniform[firm, 1:], laws, number=len(found)))
    return tuple(found)


def _can(block: Block, firm: int, code: Code, laws: Laws) -> bool:
    """Whether a firm has what the fraud needs."""
    machines = _machines(block, firm)
    match code:
        case Code.MOVED_GATEWAY:
            return len(machines) > 1
        case Code.CIRCULAR_TRADE:
            return firm + 1 >= laws.parameters.frauds.strengths[code]["firms_in_ring"]
        case _:
            return len(machines) > 0


def _fraud(block: Block, firm: int, code: Code, uniform: NDArray[np.float64], laws: Laws, *, number: int) -> Fraud:
    parameters, end = laws.parameters.frauds, laws.calendar.day_count
    strength = parameters.strengths[code]
    span = parameters.latest_share_of_world - parameters.quiet_share_of_world
    first = int(end * (parameters.quiet_share_of_world + span * uniform[0]))
    machines = _machines(block, firm)
    chosen = int(uniform[1] * len(machines))
    machine, last = WHOLE_FIRM, end
    others: tuple[int, ...] = ()
    match code:
        case Code.MOVED_GATEWAY:
            machine, others = int(machines[chosen]), (int(machines[(chosen + 1) % len(machines)]),)
        case Code.HOUR_METER_ROLLBACK | Code.LEASED_TWICE:
            machine = int(machines[chosen])
        case Code.CIRCULAR_TRADE:
            others = tuple(range(firm + 1 - int(strength["firms_in_ring"]), firm))
        case Code.REPLAYED_TELEMETRY:
            last = min(end, first + int(strength["replayed_days"]))
        case Code.STAGED_SHUTDOWN:
            last = min(end, first + int(strength["shutdown_days"]))
        case _:
            pass
    return Fraud(
        code=code,
        number=number,
        firm=firm,
        machine=machine,
        others=others,
        from_day=first,
        to_day=last,
        strength=float(next(iter(strength.values()))),
    )


def _machines(block: Block, firm: int) -> Ints:
    """Rows of the firm's machines that are ever reported."""
    return np.flatnonzero((block.machines.firm == firm) & (block.machines.last_day > 0))
