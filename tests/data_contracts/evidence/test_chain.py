"""Seals of gateways in any interleaving: honest ones are never accused, and every fraud is found in any order."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field, replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from data_contracts.errors import InvalidEvidence
from data_contracts.evidence.chain import DRIFT, STEP_US, Fault, FaultKind, Known, judge
from data_contracts.evidence.seal import NO_SEAL, Seal, check_signature, key_id_of, read_seal, signed

START_US = 1_790_000_000_000_000
RECEIVED_US = START_US + 10**13
MINUTE_US = 60_000_000


@dataclass
class Chains:
    """What a register knows: every seal that came in, and what was found."""

    seals: list[Seal] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def receive(self, seal: Seal) -> list[Fault]:
        """Judge a seal by what came before it, then keep it."""
        mine = [other for other in self.seals if other.key_id == seal.key_id]
        lower = [other.sequence for other in mine if other.sequence < seal.sequence]
        higher = [other.sequence for other in mine if other.sequence > seal.sequence]
        boot = [other.sequence for other in mine if other.boot_id == seal.boot_id]
        known = Known(
            same=[other for other in mine if other.sequence == seal.sequence],
            before=[other for other in mine if lower and other.sequence == max(lower)],
            after=[other for other in mine if higher and other.sequence == min(higher)],
            same_body=next(
                (o for o in mine if o.body_sha256 == seal.body_sha256 and o.sequence != seal.sequence), None
            ),
            boot_span=(min(boot), max(boot)) if boot else None,
        )
        found = judge(seal, known, received_us=RECEIVED_US)
        if seal not in self.seals:
            self.seals.append(seal)
        self.faults += found
        return found

    def missing(self) -> int:
        """How many seals of the chains are not here."""
        chains = {
            seal.key_id: {other.sequence for other in self.seals if other.key_id == seal.key_id} for seal in self.seals
        }
        return sum(max(numbers) + 1 - len(numbers) for numbers in chains.values())


def boot_name(gateway: int, number: int) -> str:
    return f"{gateway:016x}{number:016x}"


def body_of(gateway: int, sequence: int, branch: int = 0) -> str:
    return f"{gateway:02x}{branch:02x}{sequence:060x}"


def chain(
    gateway: int,
    lengths: list[int],
    *,
    seconds: list[int],
    branch: int = 0,
    after: list[Seal] | None = None,
    boot: int = 0,
) -> list[Seal]:
    """An honest gateway's seals: some for each start, so many seconds apart; `after` continues another's chain."""
    seals = list(after or [])
    wall, step = (seals[-1].wall_us if seals else START_US), iter(seconds * 1000)
    for start, length in enumerate(lengths, start=boot):
        monotonic = 0
        wall += 30_000_000
        for _ in range(length):
            passed = next(step) * 1_000_000
            monotonic, wall = monotonic + passed, wall + passed
            seals.append(
                Seal(
                    key_id=f"{gateway:016x}",
                    boot_id=boot_name(gateway, start),
                    sequence=len(seals),
                    monotonic_us=monotonic,
                    wall_us=wall,
                    previous=seals[-1].digest if seals else NO_SEAL,
                    body_sha256=body_of(gateway, len(seals), branch),
                )
            )
    return seals


lengths = st.lists(st.integers(1, 5), min_size=1, max_size=3)
seconds = st.lists(st.integers(1, 600), min_size=1, max_size=5)
worlds = st.lists(st.tuples(lengths, seconds), min_size=1, max_size=4).map(
    lambda drawn: [chain(number, starts, seconds=steps) for number, (starts, steps) in enumerate(drawn)]
)


def interleaved(draw: st.DrawFn, chains: list[list[Seal]], *, in_order: bool) -> list[Seal]:
    """All seals in one order of arrival: each gateway's own order is kept, or nothing is."""
    if not in_order:
        return list(draw(st.permutations([seal for seals in chains for seal in seals])))
    turns = draw(st.permutations([number for number, seals in enumerate(chains) for _ in seals]))
    waiting = [iter(seals) for seals in chains]
    return [next(waiting[number]) for number in turns]


@settings(max_examples=200, deadline=None)
@given(st.data(), worlds)
def test_honest_gateways_are_never_accused(data: st.DataObject, world: list[list[Seal]]) -> None:
    found = Chains()
    for seal in interleaved(data.draw, world, in_order=True):
        assert found.receive(seal) == []
    assert found.missing() == 0


@settings(max_examples=200, deadline=None)
@given(st.data(), worlds)
def test_out_of_order_leaves_gaps_that_close(data: st.DataObject, world: list[list[Seal]]) -> None:
    found = Chains()
    for seal in interleaved(data.draw, world, in_order=False):
        assert {fault.kind for fault in found.receive(seal)} <= {FaultKind.GAP}
    assert found.missing() == 0


def frauds(draw: st.DrawFn, world: list[list[Seal]], kind: str) -> tuple[list[list[Seal]], set[FaultKind], str]:
    """The world with one gateway's fraud in it, what must be found, and of whom."""
    victim = draw(st.integers(0, len(world) - 1))
    seals = world[victim]
    place = draw(st.integers(0, len(seals) - 1))
    rest = [other for number, other in enumerate(world) if number != victim]
    begun = seals[:place]
    if kind == "fork":
        other = replace(seals[place], body_sha256=body_of(victim, place, branch=9))
        return [*rest, seals, [other]], {FaultKind.FORK}, seals[0].key_id
    if kind == "clone":
        twin = chain(victim, [draw(st.integers(1, 3))], seconds=[60], branch=7, after=begun, boot=900)[place:]
        return [*rest, seals, twin], {FaultKind.CLONE}, seals[0].key_id
    if kind == "replay":
        return [*rest, seals, [seals[place]]], {FaultKind.REPLAY}, seals[0].key_id
    if kind == "old body":
        last = seals[-1]
        again = chain(victim, [1], seconds=[60], after=seals, boot=901)[-1]
        return [*rest, [*seals, replace(again, body_sha256=last.body_sha256)]], {FaultKind.REPLAY}, seals[0].key_id
    jump = draw(st.sampled_from([-1, 1])) * draw(st.integers(10, 10_000)) * 1_000_000
    grown = chain(victim, [3], seconds=[1], after=begun, boot=902)
    if kind == "wall clock":
        changed = replace(grown[-1], wall_us=grown[-1].wall_us + jump)
    else:
        changed = replace(grown[-1], monotonic_us=grown[-2].monotonic_us)
    return [*rest, [*grown[:-1], changed]], {FaultKind.CLOCK}, seals[0].key_id


@settings(max_examples=400, deadline=None)
@given(
    st.data(),
    worlds,
    st.sampled_from(["fork", "clone", "replay", "old body", "wall clock", "monotonic clock"]),
    st.booleans(),
)
def test_every_fraud_is_found_in_any_interleaving(
    data: st.DataObject, world: list[list[Seal]], kind: str, in_order: bool
) -> None:
    told, expected, victim = frauds(data.draw, world, kind)
    found = Chains()
    for seal in interleaved(data.draw, told, in_order=in_order):
        found.receive(seal)
    assert {fault.kind for fault in found.faults} >= expected
    assert {fault.other.key_id for fault in found.faults if fault.other is not None} <= {victim}


@settings(deadline=None)
@given(st.data(), lengths, seconds)
def test_a_hidden_batch_leaves_a_gap(data: st.DataObject, starts: list[int], steps: list[int]) -> None:
    seals = chain(0, starts, seconds=steps)
    hidden = data.draw(st.integers(0, len(seals) - 1))
    found = Chains()
    for seal in (seal for seal in seals if seal.sequence != hidden):
        found.receive(seal)
    assert found.missing() == (hidden < len(seals) - 1)
    assert [fault.kind for fault in found.faults] == [FaultKind.GAP] * (hidden < len(seals) - 1)


def test_a_clock_may_drift_but_not_jump() -> None:
    first, second = chain(0, [2], seconds=[600])
    for off, expected in ((STEP_US, 0), (-STEP_US, 0), (STEP_US + int(DRIFT * 6e8) + 1, 1), (-7_000_000, 1)):
        found = Chains()
        found.receive(first)
        assert len(found.receive(replace(second, wall_us=second.wall_us + off))) == expected


def test_a_clock_ahead_of_ours_is_found_alone() -> None:
    (seal,) = chain(0, [1], seconds=[1])
    (fault,) = Chains().receive(replace(seal, wall_us=RECEIVED_US + 2 * MINUTE_US))
    assert (fault.kind, fault.detail) == (FaultKind.CLOCK, "Its clock is 120 s ahead of ours.")


KEY = Ed25519PrivateKey.from_private_bytes(b"g" * 32)
PUBLIC = KEY.public_key().public_bytes_raw()
SEAL = replace(chain(0, [1], seconds=[1])[0], key_id=key_id_of(PUBLIC))


def test_a_seal_survives_its_journey() -> None:
    seal, signature = read_seal(signed(SEAL, KEY))
    assert seal == SEAL
    check_signature(seal, signature, PUBLIC)
    with pytest.raises(InvalidEvidence, match="not signed by"):
        check_signature(replace(seal, sequence=1, previous="1" * 64), signature, PUBLIC)
    with pytest.raises(InvalidEvidence, match="not signed by"):
        check_signature(
            seal, signature, Ed25519PrivateKey.from_private_bytes(b"h" * 32).public_key().public_bytes_raw()
        )


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"[]",
        b"nothing",
        SEAL.canonical + b" ",
        SEAL.canonical.replace(b'"sequence":0', b'"sequence":true'),
        SEAL.canonical.replace(b'"sequence":0', b'"sequence":-1'),
        SEAL.canonical.replace(b'"sequence":0', b'"sequence":5'),
        SEAL.canonical.replace(b'"sequence":0', b'"sequence":0,"sequence":0'),
        SEAL.canonical.replace(b'"boot_id":"', b'"boot_id":"X'),
    ],
)
def test_a_malformed_seal_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidEvidence, match="cannot be read"):
        read_seal(f"{base64.b64encode(body).decode()}.{base64.b64encode(b's').decode()}")


@settings(deadline=None)
@given(st.text(max_size=200))
def test_no_text_breaks_the_reader(text: str) -> None:
    with pytest.raises(InvalidEvidence):
        read_seal(text)
