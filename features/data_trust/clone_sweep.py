"""Every obligor's machines held against those of all others: a job over the whole book, whose findings snapshots read.

Days are compared by keyed fingerprints (`fingerprints.py`). A finding names the other machine by its pseudonym under
the home's key, never by its name or its owner's.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from data_contracts.identifiers import ObligorId
from data_contracts.reference.dated import ParameterBook
from features.data_trust.codes import TrustCode
from features.data_trust.engine import examine_between
from features.data_trust.fingerprints import KeyedTraces, joined_traces, keyed_traces
from features.data_trust.loading import OBLIGORS_TOGETHER, TAKES, told_blocks
from features.data_trust.settings import trust_settings_at
from features.data_trust.told import Told
from features.declaration import HISTORY_DAYS
from features.ledger_reading import read_ledgers
from features.loading import history_begins, load_machine_days
from features.trust import CheckState, TrustFinding, parse_finding, plain_finding

if TYPE_CHECKING:
    from data_contracts.observations.reader import ObservationReader

SWEEP_FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class CloneSweep:
    """What a sweep as of an instant found: findings by obligor, and what became of the comparison for each obligor."""

    as_of: datetime
    findings: Mapping[str, Sequence[TrustFinding]]
    states: Mapping[str, CheckState]

    def canonical(self) -> bytes:
        """Canonical JSON bytes."""
        body = {
            "format": SWEEP_FORMAT,
            "as_of": self.as_of.astimezone(UTC).isoformat(),
            "findings": {who: [plain_finding(item) for item in found] for who, found in self.findings.items()},
            "states": {who: state.value for who, state in self.states.items()},
        }
        return json.dumps(body, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()

    @property
    def sweep_id(self) -> str:
        """SHA-256 of the canonical bytes, hex."""
        return hashlib.sha256(self.canonical()).hexdigest()

    def checks(self, obligor_id: str) -> dict[str, CheckState]:
        """What became of the comparison for an obligor; empty where the sweep did not know it."""
        state = self.states.get(obligor_id)
        return {} if state is None else {TrustCode.CLONED_BETWEEN_OBLIGORS.value: state}


def parse_clone_sweep(raw: bytes) -> CloneSweep:
    """What `CloneSweep.canonical` wrote."""
    body: dict[str, Any] = json.loads(raw)
    assert body["format"] == SWEEP_FORMAT, "a sweep of another format"
    return CloneSweep(
        as_of=datetime.fromisoformat(body["as_of"]),
        findings={who: tuple(parse_finding(item) for item in found) for who, found in body["findings"].items()},
        states={who: CheckState(state) for who, state in body["states"].items()},
    )


def sweep_clones(
    reader: ObservationReader,
    *,
    as_of: datetime,
    obligor_ids: Sequence[ObligorId],
    parameters: ParameterBook,
    key: bytes,
) -> CloneSweep:
    """Hold the machines of these obligors against each other's, as known at `as_of`, under a secret key.

    Machine-days are read twice, a block of obligors at a time: once for the fingerprints of all, once to be compared
    with them. The strength of a finding is after as many comparisons as the obligor has machines that were compared.
    """
    traces: KeyedTraces = joined_traces([keyed_traces([told], key) for told in _book(reader, obligor_ids, as_of)])
    settings = trust_settings_at(parameters, as_of)
    findings: dict[str, Sequence[TrustFinding]] = {}
    states: dict[str, CheckState] = {}
    for told in _book(reader, obligor_ids, as_of):
        found = examine_between(told, settings, traces)
        findings |= found.findings
        states |= {who: made[TrustCode.CLONED_BETWEEN_OBLIGORS] for who, made in found.checks.items()}
    return CloneSweep(as_of=as_of.astimezone(UTC), findings=findings, states=states)


def _book(reader: ObservationReader, obligor_ids: Sequence[ObligorId], as_of: datetime) -> Iterator[Told]:
    machines = reader.machines(as_of=as_of)
    begins = history_begins(as_of, HISTORY_DAYS)
    for first in range(0, len(obligor_ids), OBLIGORS_TOGETHER):
        block = obligor_ids[first : first + OBLIGORS_TOGETHER]
        days, _ = load_machine_days(reader, as_of=as_of, obligor_ids=block, first_day=begins, machines=machines)
        ledgers = read_ledgers(reader, as_of=as_of, obligor_ids=block, takes=TAKES)
        yield from told_blocks(days, ledgers, block, as_of)
