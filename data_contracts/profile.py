"""The source profile: what of a mapping the numbers made from its rows depend on, named by its content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from data_contracts.contract import RecordKind
from data_contracts.errors import InvalidMapping
from data_contracts.identifiers import ProfileId
from data_contracts.vocabulary import DataOrigin, Silence

PROFILE_FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceProfile:
    """A mapping less its column names. Moduli are in stored units; `hold_seconds` is set for every sample source."""

    kind: RecordKind
    source_zone: str
    site_zone: str
    site_zone_assumed: bool
    hold_seconds: float | None
    silence: Silence | None
    units: Mapping[str, str]
    vocabulary: Mapping[str, Mapping[str, str]]
    part_count_modulus: float | None
    energy_register_modulus_kwh: float | None
    data_origin: DataOrigin
    recorded_time: str

    @property
    def coverage_basis(self) -> str:
        """`silence_means_off` where gaps count as observed by assumption, otherwise `observed`."""
        return "silence_means_off" if self.silence is Silence.OFF else "observed"

    def canonical(self) -> str:
        """Canonical JSON of the profile: sorted keys, no spaces. What `profile_id` hashes and the register stores."""
        body = {"format": PROFILE_FORMAT, **{name: getattr(self, name) for name in self.__dataclass_fields__}}
        return json.dumps(body, sort_keys=True, ensure_ascii=False, separators=(",", ":"))

    @property
    def profile_id(self) -> ProfileId:
        """SHA-256 of the canonical JSON, hex."""
        return ProfileId(hashlib.sha256(self.canonical().encode()).hexdigest())


def parse_profile(canonical: str) -> SourceProfile:
    """The profile that `SourceProfile.canonical` wrote. Raises InvalidMapping when it is of another form."""
    try:
        body = json.loads(canonical)
        version = body.pop("format")
        body["kind"] = RecordKind(body["kind"])
        body["silence"] = Silence(body["silence"]) if body["silence"] is not None else None
        body["data_origin"] = DataOrigin(body["data_origin"])
        profile = SourceProfile(**body)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidMapping(f"A stored source profile cannot be read: {error}.") from error
    if version != PROFILE_FORMAT:
        raise InvalidMapping(f"A stored source profile has format {version}, not {PROFILE_FORMAT}.")
    return profile
