"""Sealed batches over HTTP: what a seal is worth, what refuses it, and what stays as proof."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from http_world import NOW, World, samples

from api.database.engine import unit_of_work
from api.evidence.claims import Kind
from api.operations import evidence
from api.operations.audit.examine import audit
from data_contracts.evidence import levels, log, verify
from data_contracts.evidence.seal import NO_SEAL, Seal, check_signature, key_id_of, read_seal, signed
from data_contracts.observations.tables import to_microseconds

PATH = "/v1/telemetry?mapping=canonical_sample"


@dataclass
class Gateway:
    """A gateway with a key of its own that seals what it sends, a minute apart."""

    world: World
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    boot_id: str = "a1" * 16
    last: Seal | None = None
    sent: int = 0

    @property
    def public(self) -> bytes:
        return self.key.public_key().public_bytes_raw()

    def register(self, *, key: str = "obligor-a") -> httpx.Response:
        body = {"obligor_id": self.world.own, "gateway": "G1", "public_key": base64.b64encode(self.public).decode()}
        return self.world.ask("POST", "/v1/gateway-keys", key=key, json=body)

    def body(self) -> bytes:
        """Another minute of samples each time."""
        self.sent += 1
        machine = f"{self.public.hex()[:8]}-{self.sent}"
        return json.dumps(samples(machine)).encode()

    def seal(self, body: bytes, **changes: Any) -> Seal:
        sequence = 0 if self.last is None else self.last.sequence + 1
        seal = Seal(
            key_id=key_id_of(self.public),
            boot_id=self.boot_id,
            sequence=sequence,
            monotonic_us=60_000_000 * (sequence + 1),
            wall_us=to_microseconds(NOW - timedelta(hours=1)) + 60_000_000 * sequence,
            previous=NO_SEAL if self.last is None else self.last.digest,
            body_sha256=hashlib.sha256(body).hexdigest(),
        )
        return replace(seal, **changes)

    def send(self, *, body: bytes | None = None, seal: Seal | None = None, key: str = "gateway-a") -> httpx.Response:
        content = self.body() if body is None else body
        made = self.seal(content) if seal is None else seal
        headers = {"Millgrade-Seal": signed(made, self.key), "Content-Type": "application/json"}
        answer = self.world.ask("POST", PATH, key=key, content=content, headers=headers)
        if answer.status_code == 201:
            self.last = made
        return answer


@pytest.fixture
def gateway(world: World) -> Gateway:
    made = Gateway(world)
    assert made.register().status_code == 201
    return made


def told(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 201, answer.text
    attestation: dict[str, Any] = answer.json()["attestation"]
    return attestation


def faults(world: World, gateway: Gateway) -> list[str]:
    listed = world.ask("GET", "/v1/gateway-keys", key="obligor-a").json()["faults"]
    return [fault["kind"] for fault in listed if fault["key_id"] == key_id_of(gateway.public)]


def refusals(world: World, gateway: Gateway) -> list[dict[str, Any]]:
    listed = world.ask("GET", "/v1/gateway-keys", key="obligor-a").json()["refusals"]
    return [proof for proof in listed if proof["key_id"] == key_id_of(gateway.public)]


def test_a_chain_of_seals_is_worth_l2_and_no_seal_l1(world: World, gateway: Gateway) -> None:
    for _ in range(3):
        answer = gateway.send()
        assert told(answer)["level"] == "L2"
        assert told(answer)["faults"] == []
    statement = json.loads(answer.json()["receipt"]["statement"])
    assert statement["attestation"] == {"level": "L2", "seal_digest": gateway.last and gateway.last.digest}
    plain = world.ask("POST", PATH, key="gateway-a", json=samples("UNSEALED"))
    assert told(plain) == {"level": "L1", "seal": None, "faults": []}
    assert faults(world, gateway) == []


def test_what_is_wrong_with_a_chain_refuses_nothing_and_is_kept_as_proof(world: World, gateway: Gateway) -> None:
    told(gateway.send())
    first = gateway.last
    assert first is not None
    told(gateway.send())
    body = gateway.body()
    fork = replace(gateway.seal(body), sequence=1, previous=first.digest)
    assert told(gateway.send(body=body, seal=fork))["level"] == "L1"
    clone = replace(fork, boot_id="c1" * 16, body_sha256=hashlib.sha256(b := gateway.body()).hexdigest())
    assert "clone: There are two seals 1." in told(gateway.send(body=b, seal=clone))["faults"]
    gap = replace(gateway.seal(c := gateway.body()), sequence=7, monotonic_us=60_000_000 * 9, boot_id="a1" * 16)
    assert "gap: The seals 2 to 6 are missing." in told(gateway.send(body=c, seal=gap))["faults"]
    again = replace(gap, sequence=8, previous=gap.digest, monotonic_us=gap.monotonic_us + 60_000_000)
    repeated = gateway.send(body=c, seal=again)
    assert "replay: The body of 8 is that of 7." in told(repeated)["faults"]
    assert repeated.json()["batch"]["rows_duplicate"] == 2
    ahead = replace(again, sequence=9, previous=again.digest, wall_us=to_microseconds(NOW + timedelta(days=1)))
    ahead = replace(ahead, body_sha256=hashlib.sha256(d := gateway.body()).hexdigest())
    assert any(
        "clock: Its clock is 86,400 s ahead of ours." in text
        for text in told(gateway.send(body=d, seal=ahead))["faults"]
    )
    assert {"fork", "clone", "gap", "replay", "clock"} <= set(faults(world, gateway))
    key = next(
        key
        for key in world.ask("GET", "/v1/gateway-keys", key="operator-a").json()["gateway_keys"]
        if key["key_id"] == key_id_of(gateway.public)
    )
    assert key["missing_seals"] == 5


def test_a_batch_whose_gap_closes_is_worth_what_it_would_have_been(world: World, gateway: Gateway) -> None:
    told(gateway.send())
    missed, body = gateway.seal(early := gateway.body()), gateway.body()
    ahead = replace(gateway.seal(body), sequence=2, previous=missed.digest, monotonic_us=180_000_000)
    ahead = replace(ahead, wall_us=ahead.wall_us + 60_000_000)
    answer = gateway.send(body=body, seal=ahead)
    assert told(answer)["level"] == "L1"
    batch_id = answer.json()["batch"]["batch_id"]
    assert told(gateway.send(body=early, seal=missed))["level"] == "L2"
    with unit_of_work(world.home.engine) as connection:
        assert levels.levels(connection, [batch_id]) == {batch_id: "L2"}
        assert log.find(connection, Kind.ATTESTATION, f"{batch_id}/1")


def test_after_a_fork_the_sender_is_told_that_its_chain_divides(world: World, gateway: Gateway) -> None:
    told(gateway.send())
    honest = gateway.send().json()["batch"]["batch_id"]
    second = gateway.last
    assert second is not None
    fork = replace(second, body_sha256=hashlib.sha256(body := gateway.body()).hexdigest())
    other = gateway.send(body=body, seal=fork).json()["batch"]["batch_id"]
    gateway.last = second
    assert told(gateway.send()) == {
        "level": "L1",
        "seal": gateway.last and gateway.last.digest,
        "faults": ["divided: Two histories were signed with this key from the seal 1 on."],
    }
    with unit_of_work(world.home.engine) as connection:
        assert levels.levels(connection, [honest, other]) == {honest: "L1", other: "L1"}


def test_the_same_seal_twice_is_a_replay(world: World, gateway: Gateway) -> None:
    body = gateway.body()
    seal = gateway.seal(body)
    told(gateway.send(body=body, seal=seal))
    again = gateway.send(body=body, seal=seal)
    assert told(again)["faults"] == ["replay: The seal 0 came before."]
    assert again.json()["batch"]["rows_admitted"] == 0


def test_what_is_not_the_gateways_is_refused(world: World, gateway: Gateway) -> None:
    body = gateway.body()
    good = gateway.seal(body)

    def refused(content: bytes, header: str, key: str = "gateway-a") -> tuple[int, str]:
        headers = {"Millgrade-Seal": header, "Content-Type": "application/json"}
        answer = world.ask("POST", PATH, key=key, content=content, headers=headers)
        return answer.status_code, answer.json()["code"]

    assert refused(body, "nonsense") == (422, "seal_refused")
    assert refused(body + b" ", signed(good, gateway.key)) == (422, "seal_refused")
    assert refused(body, signed(good, Ed25519PrivateKey.generate())) == (422, "seal_refused")
    assert refused(body, signed(good, gateway.key), key="gateway-b") == (422, "seal_refused")
    assert refused(body, signed(good, gateway.key), key="live-gateway-a") == (422, "seal_refused")
    unknown = replace(good, key_id="0" * 16)
    assert refused(body, signed(unknown, gateway.key)) == (422, "seal_refused")
    assert told(gateway.send(body=body, seal=good))["level"] == "L2"
    (proof,) = refusals(world, gateway)  # what its own key signed; what anybody can make up proves nothing
    assert (proof["reason"], proof["body_sha256"]) == ("other_body", hashlib.sha256(body + b" ").hexdigest())
    seal, signature = read_seal(proof["seal"])
    check_signature(seal, signature, gateway.public)


def test_a_revoked_key_counts_for_nothing_from_its_time_on(world: World, gateway: Gateway) -> None:
    batch_id = gateway.send().json()["batch"]["batch_id"]
    path = f"/v1/gateway-keys/{key_id_of(gateway.public)}/revocation"
    stolen = (NOW - timedelta(days=2)).isoformat()
    told = world.ask("POST", path, key="obligor-a", json={"effective_time": stolen}).json()["gateway_key"]
    assert told["revoked_from"] == stolen
    later = world.ask("POST", path, key="obligor-a", json={}).json()["gateway_key"]
    assert later == told  # it ends for good
    earlier = (NOW - timedelta(days=3)).isoformat()
    told = world.ask("POST", path, key="obligor-a", json={"effective_time": earlier}).json()["gateway_key"]
    assert (told["revoked_from"], told["revoked_time"]) == (earlier, later["revoked_time"])
    answer = gateway.send()
    assert (answer.status_code, answer.json()["code"]) == (409, "gateway_key_revoked")
    assert [proof["reason"] for proof in refusals(world, gateway)] == ["revoked_key"]
    with unit_of_work(world.home.engine) as connection:
        assert levels.levels(connection, [batch_id, "b0"]) == {batch_id: "L1", "b0": "L0"}


def test_a_key_belongs_to_one_gateway(world: World, gateway: Gateway) -> None:
    assert gateway.register().status_code == 201
    body = {"obligor_id": world.own, "gateway": "G2", "public_key": base64.b64encode(gateway.public).decode()}
    answer = world.ask("POST", "/v1/gateway-keys", key="obligor-a", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_evidence")
    assert world.ask("POST", "/v1/gateway-keys", key="live-obligor-a", json=body).status_code == 422
    path = f"/v1/gateway-keys/{key_id_of(gateway.public)}/revocation"
    assert world.ask("POST", path, key="live-obligor-a", json={}).status_code == 404


def test_everything_about_gateways_is_logged(world: World, gateway: Gateway) -> None:
    told(gateway.send())
    signed_now = evidence.sign(world.home, since=None, now=NOW)
    keys = verify.parse_keys("\n".join(signed_now["keys"]))
    with unit_of_work(world.home.engine) as connection:
        found = audit(
            connection, world.home, checkpoint=verify.parse_checkpoint(signed_now["text"]), keys=keys
        ).discrepancies
    assert list(found) == []
