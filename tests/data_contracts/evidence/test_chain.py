"""Seals of gateways in any interleaving, on the tables of a home: honest ones are never accused, every fraud is found in
any order, and what a batch was worth at a time is told of that time for good."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from api.home import Home, open_home
from data_contracts.errors import InvalidEvidence
from data_contracts.evidence import gateways, levels
from data_contracts.evidence.chain import STEADY, STEP_US, Fault, FaultKind
from data_contracts.evidence.levels import AttestationLevel
from data_contracts.evidence.seal import NO_SEAL, Seal, check_signature, key_id_of, read_seal, signed

OBLIGOR = "91999999MA0000001N"
SEALED, AUTHENTICATED = AttestationLevel.SEALED, AttestationLevel.AUTHENTICATED
START_US = 1_790_000_000_000_000
RECEIVED_US = START_US + 10**13
MINUTE_US = 60_000_000


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    made = open_home(tmp_path_factory.mktemp("chains"))
    yield made
    made.engine.dispose()


@dataclass
class Chains:
    """What the tables of a home know: seals of registered keys, each with a batch of its own, a microsecond apart."""

    connection: sa.Connection
    came: list[tuple[Seal, str]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    levels_then: list[dict[str, AttestationLevel]] = field(default_factory=list)

    @property
    def now_us(self) -> int:
        return RECEIVED_US + len(self.came)

    def receive(self, seal: Seal) -> list[Fault]:
        """Examine a seal by what came before it, then keep it, as a door does."""
        now_us, batch_id, gateway = self.now_us, f"b{len(self.came)}", int(seal.boot_id[:16], 16)
        text = signed(seal, key_of(gateway))
        body = BODIES[seal.body_sha256]
        owner = {"obligor_id": OBLIGOR, "livemode": False, "now_us": now_us}
        sealed = gateways.examine(self.connection, text, body=body, **owner)
        rest = {"seal_digest": seal.digest, "by": "door", "now_us": now_us}
        levels.attest(self.connection, batch_id, sealed.level, **rest)
        gateways.keep(self.connection, sealed, batch_id, now_us=now_us)
        self.came.append((seal, batch_id))
        self.faults += sealed.faults
        self.levels_then.append(self.levels())
        return list(sealed.faults)

    def levels(self, as_of_us: int | None = None) -> dict[str, AttestationLevel]:
        """The level of every batch, now or as was known at a time."""
        return levels.levels(self.connection, [batch_id for _, batch_id in self.came], as_of_us=as_of_us)

    def levels_of(self, key_id: str, *, since: int = 0) -> set[AttestationLevel]:
        """The levels of a gateway's batches from a sequence on."""
        found = self.levels()
        return {found[name] for seal, name in self.came if seal.key_id == key_id and seal.sequence >= since}

    def missing(self) -> int:
        """How many seals of the chains are not here."""
        return sum(gateways.missing(self.connection, key_id) for key_id in {seal.key_id for seal, _ in self.came})

    def never_unsays(self) -> bool:
        """Whether what was known at each moment is still told of that moment."""
        return all(
            {name: self.levels(RECEIVED_US + moment)[name] for name in then} == then
            for moment, then in enumerate(self.levels_then)
        )


@contextmanager
def chains(home: Home, world: list[list[Seal]]) -> Iterator[Chains]:
    """The home's tables with the keys of some gateways, and as they were afterwards."""
    with home.engine.connect() as connection:
        for gateway in {int(seal.boot_id[:16], 16) for seals in world for seal in seals}:
            public = key_of(gateway).public_key().public_bytes_raw()
            told = {"gateway": f"G{gateway}", "obligor_id": OBLIGOR, "livemode": False, "by": "test", "now_us": 0}
            gateways.register_key(connection, public_key=public, **told)
        yield Chains(connection)
        connection.rollback()


@cache
def key_of(gateway: int) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(gateway.to_bytes(32, "big"))


@cache
def name_of(gateway: int) -> str:
    return key_id_of(key_of(gateway).public_key().public_bytes_raw())


def boot_name(gateway: int, number: int) -> str:
    return f"{gateway:016x}{number:016x}"


BODIES: dict[str, bytes] = {}


def body_of(gateway: int, sequence: int, branch: int = 0) -> str:
    """The hash of a body that no other batch has."""
    body = f"{gateway} {branch} {sequence}".encode()
    digest = hashlib.sha256(body).hexdigest()
    BODIES[digest] = body
    return digest


def chain(
    gateway: int,
    lengths: list[int],
    *,
    seconds: list[int],
    branch: int = 0,
    after: list[Seal] | None = None,
    boot: int = 0,
    slew_us: int = 0,
) -> list[Seal]:
    """A gateway's seals: some for each start, so many seconds apart; `after` continues another's chain.

    Honest clocks part a little: by up to 90 ppm of the run, and by up to 2 s for a moment. With `slew_us` the wall
    clock is set by so much between two batches.
    """
    seals = list(after or [])
    wall, step = (seals[-1].wall_us if seals else START_US), iter(seconds * 1000)
    for start, length in enumerate(lengths, start=boot):
        monotonic = 0
        wall += 30_000_000
        for number in range(length):
            passed = next(step)
            monotonic, wall = monotonic + passed * 1_000_000, wall + passed * 1_000_000 + slew_us
            off = (passed % 19 - 9) * monotonic // 100_000 + (passed + number) % 5 * 800_000 - 1_600_000
            seals.append(
                Seal(
                    key_id=name_of(gateway),
                    boot_id=boot_name(gateway, start),
                    sequence=len(seals),
                    monotonic_us=monotonic,
                    wall_us=wall + (0 if slew_us else off),
                    previous=seals[-1].digest if seals else NO_SEAL,
                    body_sha256=body_of(gateway, len(seals), branch),
                )
            )
    return seals


lengths = st.lists(st.integers(1, 4), min_size=1, max_size=3)
seconds = st.lists(st.integers(10, 600), min_size=1, max_size=5)
worlds = st.lists(st.tuples(lengths, seconds), min_size=1, max_size=3).map(
    lambda drawn: [chain(number, starts, seconds=steps) for number, (starts, steps) in enumerate(drawn)]
)


def interleaved(draw: st.DrawFn, chains: list[list[Seal]], *, in_order: bool) -> list[Seal]:
    """All seals in one order of arrival: each gateway's own order is kept, or nothing is."""
    if not in_order:
        return list(draw(st.permutations([seal for seals in chains for seal in seals])))
    turns = draw(st.permutations([number for number, seals in enumerate(chains) for _ in seals]))
    waiting = [iter(seals) for seals in chains]
    return [next(waiting[number]) for number in turns]


FEW = settings(max_examples=60, deadline=None)


@FEW
@given(st.data(), worlds)
def test_honest_gateways_are_never_accused(home: Home, data: st.DataObject, world: list[list[Seal]]) -> None:
    with chains(home, world) as found:
        for seal in interleaved(data.draw, world, in_order=True):
            assert found.receive(seal) == []
        assert found.missing() == 0
        assert set(found.levels().values()) == {SEALED}


@FEW
@given(st.data(), worlds)
def test_out_of_order_leaves_gaps_that_close(home: Home, data: st.DataObject, world: list[list[Seal]]) -> None:
    """And with its gap closed a batch is worth what it would have been in order, from then on and not before."""
    with chains(home, world) as found:
        for seal in interleaved(data.draw, world, in_order=False):
            assert {fault.kind for fault in found.receive(seal)} <= {FaultKind.GAP}
        assert found.missing() == 0
        assert set(found.levels().values()) == {SEALED}
        assert found.never_unsays()


def frauds(draw: st.DrawFn, world: list[list[Seal]], kind: str) -> tuple[list[list[Seal]], set[FaultKind], Seal]:
    """The world with one gateway's fraud in it, what must be found, and where it begins."""
    victim = draw(st.integers(0, len(world) - 1))
    seals = world[victim]
    place = draw(st.integers(0, len(seals) - 1))
    rest = [other for number, other in enumerate(world) if number != victim]
    begun = seals[:place]
    if kind == "fork":
        other = replace(seals[place], body_sha256=body_of(victim, place, branch=9))
        return [*rest, seals, [other]], {FaultKind.FORK}, seals[place]
    if kind == "clone":
        twin = chain(victim, [draw(st.integers(1, 3))], seconds=[60], branch=7, after=begun, boot=900)[place:]
        return [*rest, seals, twin], {FaultKind.CLONE}, seals[place]
    if kind == "replay":
        return [*rest, seals, [seals[place]]], {FaultKind.REPLAY}, seals[place]
    if kind == "old body":
        last = seals[-1]
        again = chain(victim, [1], seconds=[60], after=seals, boot=901)[-1]
        return [*rest, [*seals, replace(again, body_sha256=last.body_sha256)]], {FaultKind.REPLAY}, last
    if kind == "slewed clock":
        slew_us = draw(st.sampled_from([-1, 1])) * draw(st.integers(2_500_000, 4_900_000))
        slewed = chain(victim, [4], seconds=[60], after=begun, boot=903, slew_us=slew_us)
        return [*rest, slewed], {FaultKind.CLOCK}, slewed[-1]
    jump = draw(st.sampled_from([-1, 1])) * draw(st.integers(10, 10_000)) * 1_000_000
    grown = chain(victim, [3], seconds=[1], after=begun, boot=902)
    if kind == "wall clock":
        changed = replace(grown[-1], wall_us=grown[-1].wall_us + jump)
    else:
        changed = replace(grown[-1], monotonic_us=grown[-2].monotonic_us)
    return [*rest, [*grown[:-1], changed]], {FaultKind.CLOCK}, changed


KINDS = ("fork", "clone", "replay", "old body", "wall clock", "monotonic clock", "slewed clock")


@settings(max_examples=140, deadline=None)
@given(st.data(), worlds, st.sampled_from(KINDS), st.booleans())
def test_every_fraud_is_found_in_any_interleaving(
    home: Home, data: st.DataObject, world: list[list[Seal]], kind: str, in_order: bool
) -> None:
    told, expected, where = frauds(data.draw, world, kind)
    with chains(home, told) as found:
        for seal in interleaved(data.draw, told, in_order=in_order):
            found.receive(seal)
        assert {fault.kind for fault in found.faults} >= expected
        assert {fault.other.key_id for fault in found.faults if fault.other is not None} <= {where.key_id}
        for key_id in {seal.key_id for seal, _ in found.came} - {where.key_id}:
            assert found.levels_of(key_id) == {SEALED}, "an honest gateway beside it keeps its level"
        if kind in {"fork", "clone"}:
            assert found.levels_of(where.key_id, since=where.sequence) == {AUTHENTICATED}, "on both sides"
            if in_order:
                assert found.levels_of(where.key_id) - {AUTHENTICATED} == ({SEALED} if where.sequence else set())
        assert found.never_unsays()


@FEW
@given(st.data(), lengths, seconds)
def test_a_hidden_batch_leaves_a_gap(home: Home, data: st.DataObject, starts: list[int], steps: list[int]) -> None:
    seals = chain(0, starts, seconds=steps)
    hidden = data.draw(st.integers(0, len(seals) - 1))
    with chains(home, [seals]) as found:
        for seal in (seal for seal in seals if seal.sequence != hidden):
            found.receive(seal)
        assert found.missing() == (hidden < len(seals) - 1)
        assert [fault.kind for fault in found.faults] == [FaultKind.GAP] * (hidden < len(seals) - 1)


def test_after_a_fork_no_batch_of_that_key_is_worth_more(home: Home) -> None:
    seals = chain(0, [4], seconds=[60])
    other = replace(seals[1], body_sha256=body_of(0, 1, branch=9))
    with chains(home, [seals]) as found:
        for seal in (*seals[:3], other):
            found.receive(seal)
        before, after = found.levels(found.now_us - 2), found.levels()
        assert [before[name] for _, name in found.came[:3]] == [SEALED] * 3
        assert [after[name] for _, name in found.came] == [SEALED, *[AUTHENTICATED] * 3]
        assert found.receive(seals[3]) == []
        assert found.levels()[found.came[-1][1]] is AUTHENTICATED


def test_a_key_can_be_dated_further_back_and_never_forward(home: Home) -> None:
    seals = chain(0, [4], seconds=[60])
    key_id = seals[0].key_id
    with chains(home, [seals]) as found:
        for seal in seals:
            found.receive(seal)
        said = [(3, 100, True), (1, 200, True), (2, 300, False), (1, 400, False)]
        for first, after_us, says in said:
            moments = {"from_us": RECEIVED_US + first, "now_us": RECEIVED_US + after_us}
            assert gateways.revoke_key(found.connection, key_id, **moments) is says
        names = [name for _, name in found.came]
        for as_of_us, sealed in ((99, 4), (100, 3), (200, 1), (None, 1)):
            then = found.levels(None if as_of_us is None else RECEIVED_US + as_of_us)
            assert [then[name] for name in names] == [SEALED] * sealed + [AUTHENTICATED] * (4 - sealed)


def test_a_seal_that_is_refused_is_kept_once_and_not_without_end(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    (seal,) = chain(0, [1], seconds=[60])
    text, owner = signed(seal, key_of(0)), {"obligor_id": OBLIGOR, "livemode": False, "now_us": RECEIVED_US}
    monkeypatch.setattr(gateways, "MOST_REFUSALS", 2)
    with chains(home, [[seal]]) as found:
        kept = []
        for body in (b"1", b"1", b"2", b"3"):
            with pytest.raises(gateways.ProvenRefusal) as refusal:
                gateways.examine(found.connection, text, body=body, **owner)
            told = refusal.value.refused
            assert (told.reason, told.body_sha256) == ("other_body", hashlib.sha256(body).hexdigest())
            kept.append(gateways.keep_refusal(found.connection, told, by="test", now_us=RECEIVED_US))
        assert [name is not None for name in kept] == [True, False, True, False]
        gateways.revoke_key(found.connection, seal.key_id, from_us=RECEIVED_US, now_us=RECEIVED_US)
        with pytest.raises(gateways.ProvenRefusal, match="revoked"):
            gateways.examine(found.connection, text, body=BODIES[seal.body_sha256], **owner)
        forged = signed(seal, key_of(1))
        with pytest.raises(InvalidEvidence, match="not signed by") as forgery:
            gateways.examine(found.connection, forged, body=b"1", **owner)
        assert not isinstance(forgery.value, gateways.ProvenRefusal)


def test_a_clock_may_drift_but_not_jump(home: Home) -> None:
    first, second = (replace(seal, wall_us=START_US) for seal in chain(0, [2], seconds=[600]))
    run = second.monotonic_us - first.monotonic_us
    allowed = STEP_US + run // STEADY
    for off, expected in ((allowed, 0), (-allowed, 0), (allowed + 1, 1), (-allowed - 1, 1)):
        with chains(home, [[first]]) as found:
            found.receive(first)
            later = replace(second, wall_us=START_US + run + off, previous=first.digest)
            assert len(found.receive(later)) == expected


def test_a_clock_ahead_of_ours_is_found_alone(home: Home) -> None:
    (seal,) = chain(0, [1], seconds=[60])
    with chains(home, [[seal]]) as found:
        (fault,) = found.receive(replace(seal, wall_us=RECEIVED_US + 2 * MINUTE_US))
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
