"""What a new seal says about its gateway's chain: forks, clones, replays, gaps and clocks that were set.

Seals may come in any order (a gateway stores and forwards). Whatever two seals contradict each other, the one that
comes later is judged against the other, so that a contradiction is found as soon as both are here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from data_contracts.evidence.seal import Seal

SKEW_US = 60_000_000
"""A gateway's clock may be so far ahead of ours: more is a clock that was set."""

STEP_US = 5_000_000
"""Within one start, wall and monotonic clock may part by so much, and by one part in `STEADY` of the time between."""

STEADY = 10_000
"""100 ppm: the 20 ppm of a watch crystal at 25 degrees, its parabola of 0.034 ppm per square degree down to -20 and up
to 70 degrees (69 ppm), and 5 ppm of ageing, rounded up (data sheets of 32.768 kHz tuning forks); crystals of a
processor's clock are within 50 ppm. A wall clock that is set right again and again may be off from the monotonic one by
no more than their oscillator is from the truth."""


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


DIVIDING = frozenset({FaultKind.FORK, FaultKind.CLONE})
"""From such a fault on nobody can say which of two histories is the gateway's."""


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
    (several after a fork); `same_body` is one with the same body. `starts` are the first and the last known seal of its
    own start and of those that its neighbours belong to, by boot id. `parted` is a seal of its own start, other than
    its neighbours, whose clocks its own are held against: the first; where it comes before that, one that contradicts
    it, if any.
    """

    same: Sequence[Seal]
    before: Sequence[Seal]
    after: Sequence[Seal]
    same_body: Seal | None
    starts: Mapping[str, tuple[Seal, Seal]]
    parted: Seal | None


def judge(seal: Seal, known: Known, *, received_us: int) -> list[Fault]:
    """Everything that is wrong with a seal whose signature holds, received at a time (microseconds since 1970)."""
    repeated = next((other for other in known.same if other.digest == seal.digest), None)
    if repeated is not None:
        return [Fault(kind=FaultKind.REPLAY, other=repeated, detail=f"The seal {seal.sequence} came before.")]
    found = (
        *_bodies(seal, known),
        *_collisions(seal, known),
        *_links(seal, known),
        *_clones(seal, known),
        *_clocks(seal, known, received_us),
    )
    once: dict[tuple[FaultKind, str | None], Fault] = {}
    for fault in found:  # two seals may contradict each other in two ways; one proof of a kind is enough
        once.setdefault((fault.kind, None if fault.other is None else fault.other.digest), fault)
    return list(once.values())


def continued(seal: Seal, known: Known) -> list[Seal]:
    """The seals that were waiting for this one: they name it as the one before."""
    return [other for other in known.after if other.sequence == seal.sequence + 1 and other.previous == seal.digest]


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
    """A start of the gateway ends when the next begins; two that overlap run side by side."""
    own = known.starts.get(seal.boot_id, (seal, seal))
    first, last = min(seal.sequence, own[0].sequence), max(seal.sequence, own[1].sequence)
    for boot_id, (begun, ended) in known.starts.items():
        if boot_id != seal.boot_id and begun.sequence <= last and first <= ended.sequence:
            detail = f"The start {seal.boot_id} runs beside the start {boot_id}."
            yield Fault(kind=FaultKind.CLONE, other=ended if first > begun.sequence else begun, detail=detail)


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
    if known.parted is not None:
        pair = sorted((seal, known.parted), key=lambda one: one.sequence)
        if wrong := _clock_problem(*pair):
            yield Fault(kind=FaultKind.CLOCK, other=known.parted, detail=wrong)


def _clock_problem(earlier: Seal, later: Seal) -> str | None:
    """What is wrong with the clocks between two seals of rising sequence."""
    wall = later.wall_us - earlier.wall_us
    if earlier.boot_id != later.boot_id:
        return None if wall >= -STEP_US else f"Its clock went back {-wall / 1e6:,.0f} s over a start."
    run = later.monotonic_us - earlier.monotonic_us
    if run <= 0:
        return f"Its monotonic clock does not rise from {earlier.sequence} to {later.sequence}."
    if abs(wall - run) > STEP_US + run // STEADY:
        return f"Its clock was set by {(wall - run) / 1e6:,.1f} s between {earlier.sequence} and {later.sequence}."
    return None
