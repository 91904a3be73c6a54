"""What a new seal says about its gateway's chain: forks, clones, replays, gaps and clocks that were set.

Seals may come in any order (a gateway stores and forwards). Whatever two seals contradict each other, the one that
comes later is judged against the other, so that a contradiction is found as soon as both are here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from data_contracts.evidence.seal import Seal

SKEW_US = 60_000_000
"""A gateway's clock may be so far ahead of ours: more is a clock that was set."""

STEP_US = 5_000_000
"""Between two batches of one start, wall and monotonic clock may part by so much and `DRIFT` of the time between."""

DRIFT = 0.001


class FaultKind(StrEnum):
    """What is wrong with a chain."""

    REPLAY = "replay"
    """A seal, or the body of one, came before."""

    FORK = "fork"
    """Two seals cannot both be in one chain: whoever holds the key signed two histories."""

    CLONE = "clone"
    """Two starts of the gateway run side by side: its key is in two places."""

    GAP = "gap"
    """Seals before this one are missing."""

    CLOCK = "clock"
    """The gateway's clock was set, or its monotonic clock went back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that is wrong, with the seal that shows it beside the new one (None where that alone shows it)."""

    kind: FaultKind
    other: Seal | None
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of the gateway's chain around a new seal.

    `same`, `before` and `after` are the seals of the same, the next lower and the next higher sequence that is known
    (several after a fork); `same_body` is one with the same body; `boot_span` the first and last sequence of its start.
    """

    same: Sequence[Seal]
    before: Sequence[Seal]
    after: Sequence[Seal]
    same_body: Seal | None
    boot_span: tuple[int, int] | None


def judge(seal: Seal, known: Known, *, received_us: int) -> list[Fault]:
    """Everything that is wrong with a seal whose signature holds, received at a time (microseconds since 1970)."""
    repeated = next((other for other in known.same if other.digest == seal.digest), None)
    if repeated is not None:
        return [Fault(kind=FaultKind.REPLAY, other=repeated, detail=f"The seal {seal.sequence} came before.")]
    return [
        *_bodies(seal, known),
        *_collisions(seal, known),
        *_links(seal, known),
        *_clones(seal, known),
        *_clocks(seal, known, received_us),
    ]


def _bodies(seal: Seal, known: Known) -> Iterator[Fault]:
    if known.same_body is not None:
        detail = f"The body of {seal.sequence} is that of {known.same_body.sequence}."
        yield Fault(kind=FaultKind.REPLAY, other=known.same_body, detail=detail)


def _collisions(seal: Seal, known: Known) -> Iterator[Fault]:
    for other in known.same:
        kind = FaultKind.FORK if other.boot_id == seal.boot_id else FaultKind.CLONE
        yield Fault(kind=kind, other=other, detail=f"There are two seals {seal.sequence}.")


def _links(seal: Seal, known: Known) -> Iterator[Fault]:
    """Neighbours in the sequence must name each other; where one is missing, nobody knows."""
    if known.before and known.before[0].sequence == seal.sequence - 1:
        if seal.previous not in {other.digest for other in known.before}:
            detail = f"The seal {seal.sequence} continues another {seal.sequence - 1} than came in."
            yield Fault(kind=FaultKind.FORK, other=known.before[0], detail=detail)
    elif seal.sequence > 0:
        first = known.before[0].sequence + 1 if known.before else 0
        detail = f"The seals {first} to {seal.sequence - 1} are missing."
        yield Fault(kind=FaultKind.GAP, other=None, detail=detail)
    if (
        known.after
        and known.after[0].sequence == seal.sequence + 1
        and seal.digest not in {other.previous for other in known.after}
    ):
        detail = f"The seal {seal.sequence + 1} continues another {seal.sequence} than this."
        yield Fault(kind=FaultKind.FORK, other=known.after[0], detail=detail)


def _clones(seal: Seal, known: Known) -> Iterator[Fault]:
    """A start of the gateway ends when the next begins; one that comes again runs beside it."""
    if known.boot_span is None:
        return
    first, last = known.boot_span
    between = [other for other in known.before if other.boot_id != seal.boot_id and first < other.sequence]
    between += [other for other in known.after if other.boot_id != seal.boot_id and last > other.sequence]
    for other in between[:1]:
        detail = f"The start {seal.boot_id} goes on at {seal.sequence}, though another began in between."
        yield Fault(kind=FaultKind.CLONE, other=other, detail=detail)


def _clocks(seal: Seal, known: Known, received_us: int) -> Iterator[Fault]:
    if seal.wall_us > received_us + SKEW_US:
        ahead = (seal.wall_us - received_us) / 1e6
        yield Fault(kind=FaultKind.CLOCK, other=None, detail=f"Its clock is {ahead:,.0f} s ahead of ours.")
    for other in known.before:
        if wrong := _clock_problem(other, seal):
            yield Fault(kind=FaultKind.CLOCK, other=other, detail=wrong)
    for other in known.after:
        if wrong := _clock_problem(seal, other):
            yield Fault(kind=FaultKind.CLOCK, other=other, detail=wrong)


def _clock_problem(earlier: Seal, later: Seal) -> str | None:
    """What is wrong with the clocks between two seals of rising sequence."""
    wall = later.wall_us - earlier.wall_us
    if earlier.boot_id != later.boot_id:
        return None if wall >= -STEP_US else f"Its clock went back {-wall / 1e6:,.0f} s over a start."
    run = later.monotonic_us - earlier.monotonic_us
    if run <= 0:
        return f"Its monotonic clock does not rise from {earlier.sequence} to {later.sequence}."
    if abs(wall - run) > STEP_US + DRIFT * run:
        return f"Its clock was set by {(wall - run) / 1e6:,.0f} s between {earlier.sequence} and {later.sequence}."
    return None
