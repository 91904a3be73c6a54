"""What we knew about an obligor as of a time: frozen, with its sources, named by its content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_contracts.evidence.levels import AttestationLevel
from data_contracts.identifiers import BatchId, MachineUid, ObligorId, ParametersVersion, SnapshotId
from data_contracts.vocabulary import DataOrigin
from features.feature_value import (
    FeatureRow,
    FeatureValue,
    Missing,
    feature_row,
    parse_columns,
    parse_row,
    plain_columns,
    plain_feature,
    plain_row,
)
from features.machine_types import MachineTypes
from features.trust import DataTrust, parse_trust, plain_trust

SNAPSHOT_FORMAT = 6
UNTYPED_FORMAT = 5
"""Of a snapshot that tells no types of machines: the format before there were any, so that its bytes are the same."""

__all__ = ["FeatureSnapshot", "FeatureValue", "Missing", "parse_snapshot", "plain_feature"]


@dataclass(frozen=True, kw_only=True)  # without slots: its name is worked out once
class FeatureSnapshot:
    """Features of one obligor and of each of its machines as of an instant, with the versions of what they came from.

    `history_days` counts the local days from the first observed one to `as_of`; `batches` are the admitted batches
    whose rows could be seen, each with its level of attestation as known then; `quantities` are amounts that limits
    rest on (capacities), under the same rules of missing as features.
    """

    obligor_id: ObligorId
    as_of: datetime
    first_day: date | None
    history_days: int
    industry_division: str | None
    subject_kind: str | None
    values: Mapping[str, FeatureValue]
    quantities: Mapping[str, FeatureValue]
    machines: Mapping[MachineUid, Mapping[str, FeatureValue]]
    data_origin: DataOrigin
    coverage_basis: str
    data_trust: DataTrust
    batches: Mapping[BatchId, AttestationLevel]
    catalogue_version: str
    parameters_version: ParametersVersion
    peer_reference_id: str | None = None
    """The `PeerReference` that it was compared with."""
    machine_types: MachineTypes | None = None
    """Those of the machines that it owns; None where nobody told the type of any."""

    def canonical(self) -> bytes:
        """Canonical JSON bytes: sorted keys, UTC instants, shortest round-trip floats."""
        return json.dumps(_plain(self), sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()

    @cached_property
    def snapshot_id(self) -> SnapshotId:
        """SHA-256 of the canonical bytes, hex."""
        return _name(self.canonical())

    def vector(self, names: Sequence[str], *, machine: MachineUid | None = None) -> NDArray[np.float64]:
        """The named features as float64, NaN where missing; of the obligor, or of one of its machines."""
        row = self._of(machine)
        return row.observed[row.columns.at(names)]

    def adverse_vector(self, names: Sequence[str], *, machine: MachineUid | None = None) -> NDArray[np.float64]:
        """The worst that the named features can be, external gaps excused; NaN where nothing is ruled out."""
        row = self._of(machine)
        return row.adverse[row.columns.at(names)]

    def unexcused_vector(self, names: Sequence[str], *, machine: MachineUid | None = None) -> NDArray[np.float64]:
        """The worst that the named features can be, no gap excused; NaN where nothing is ruled out."""
        row = self._of(machine)
        return row.unexcused[row.columns.at(names)]

    def _of(self, machine: MachineUid | None) -> FeatureRow:
        return feature_row(self.values if machine is None else self.machines[machine])


def parse_snapshot(raw: bytes) -> FeatureSnapshot:
    """The snapshot that `FeatureSnapshot.canonical` wrote."""
    body = json.loads(raw)
    assert body.pop("format") in (SNAPSHOT_FORMAT, UNTYPED_FORMAT), "a snapshot of another format"
    types = body.get("machine_types")
    snapshot = FeatureSnapshot(
        obligor_id=ObligorId(body["obligor_id"]),
        as_of=datetime.fromisoformat(body["as_of"]),
        first_day=date.fromisoformat(body["first_day"]) if body["first_day"] else None,
        history_days=body["history_days"],
        industry_division=body["industry_division"],
        subject_kind=body["subject_kind"],
        values=_parse_features(body["values"]),
        quantities=_parse_features(body["quantities"]),
        machines=_parse_machines(body["machines"]),
        data_origin=DataOrigin(body["data_origin"]),
        coverage_basis=body["coverage_basis"],
        data_trust=parse_trust(body["data_trust"]),
        batches={BatchId(batch): AttestationLevel(level) for batch, level in body["batches"].items()},
        catalogue_version=body["catalogue_version"],
        parameters_version=ParametersVersion(body["parameters_version"]),
        peer_reference_id=body["peer_reference_id"],
        machine_types=None if types is None else MachineTypes(**types),
    )
    vars(snapshot)["snapshot_id"] = _name(raw)  # these are its canonical bytes, which need not be written again
    return snapshot


def observed_in(raw: bytes, names: Sequence[str]) -> list[float | None]:
    """The values of some features of the obligor in what `FeatureSnapshot.canonical` wrote, in order of these names;
    None where one has no value or the snapshot does not tell it.

    The same as `parse_snapshot(raw).values` says, at a twentieth of its cost: whoever follows few features over years
    of snapshots reads them where they stand in the bytes. Keys are sorted, so that `values` comes last, and in it
    `names` before `value`; neither list holds a bracket within.
    """
    start = raw.index(_NAMES, raw.rindex(_VALUES)) + len(_NAMES)
    end = raw.index(b"]", start)
    positions = _positions(raw[start:end])
    start = raw.index(_VALUE, end) + len(_VALUE)
    told = raw[start : raw.index(b"]", start)].split(b",")
    found = (told[positions[name]] if name in positions else _NULL for name in names)
    return [None if value == _NULL else float(value) for value in found]


_VALUES, _NAMES, _VALUE, _NULL = b',"values":{', b'"names":[', b'"value":[', b"null"


@lru_cache(maxsize=16)
def _positions(names: bytes) -> Mapping[str, int]:
    """The position of each of these names: snapshots of one catalogue have the same."""
    return {name: position for position, name in enumerate(json.loads(b"[" + names + b"]"))}


def _name(canonical: bytes) -> SnapshotId:
    return SnapshotId(hashlib.sha256(canonical).hexdigest())


def _plain(snapshot: FeatureSnapshot) -> dict[str, Any]:
    types = snapshot.machine_types
    told = {} if types is None else {"machine_types": {"machines": dict(types.machines), "untold": types.untold}}
    return {
        "format": UNTYPED_FORMAT if types is None else SNAPSHOT_FORMAT,
        "obligor_id": snapshot.obligor_id,
        "as_of": snapshot.as_of.isoformat(),
        "first_day": snapshot.first_day.isoformat() if snapshot.first_day else None,
        "history_days": snapshot.history_days,
        "industry_division": snapshot.industry_division,
        "subject_kind": snapshot.subject_kind,
        "values": _plain_features(snapshot.values),
        "quantities": _plain_features(snapshot.quantities),
        "machines": _plain_machines(snapshot.machines),
        "data_origin": snapshot.data_origin.value,
        "coverage_basis": snapshot.coverage_basis,
        "data_trust": plain_trust(snapshot.data_trust),
        "batches": {batch: level.value for batch, level in sorted(snapshot.batches.items())},
        "catalogue_version": snapshot.catalogue_version,
        "parameters_version": snapshot.parameters_version,
        "peer_reference_id": snapshot.peer_reference_id,
        **told,
    }


def _plain_features(features: Mapping[str, FeatureValue]) -> dict[str, Any]:
    row = feature_row(features)
    return plain_columns(row.columns) | plain_row(row)


def _parse_features(body: Mapping[str, Any]) -> FeatureRow:
    return parse_row(parse_columns(body), body)


def _plain_machines(machines: Mapping[MachineUid, Mapping[str, FeatureValue]]) -> dict[str, Any]:
    """The features of every machine under one header: they all have the same."""
    rows = {uid: feature_row(features) for uid, features in machines.items()}
    headers = {row.columns for row in rows.values()}
    assert len(headers) <= 1, "the machines of a snapshot have the same features"
    header = plain_columns(headers.pop()) if headers else {}
    return header | {"rows": {uid: plain_row(row) for uid, row in rows.items()}}


def _parse_machines(body: Mapping[str, Any]) -> dict[MachineUid, FeatureRow]:
    rows = body["rows"]
    columns = parse_columns(body) if rows else None
    return {MachineUid(uid): parse_row(columns, row) for uid, row in rows.items() if columns is not None}
