"""Few features read where they stand in a stored snapshot's bytes are what the whole snapshot says."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from data_contracts.evidence.levels import AttestationLevel
from data_contracts.identifiers import BatchId, MachineUid, ObligorId, ParametersVersion
from data_contracts.vocabulary import DataOrigin
from features.feature_value import FeatureValue, Missing
from features.machine_types import MachineTypes
from features.snapshot import FeatureSnapshot, observed_in, parse_snapshot
from features.trust import DataTrust, TrustGrade

NAMES = ("a_7d", "b_30d", "value", "values", "names", "null")
WORDS = st.sampled_from(["", "1", ',"values":{', '"names":[', '"value":[1]', "]", "\\", "号"])
VALUES = st.dictionaries(st.sampled_from(NAMES), st.none() | st.floats(allow_nan=False), max_size=4)


def stored(values: dict[str, float | None], word: str) -> FeatureSnapshot:
    """A snapshot of these values whose texts are a word that resembles its own structure."""
    features = {
        name: FeatureValue(
            value=value,
            unit=word,
            window_days=7,
            missing=Missing.NOT_OBSERVED if value is None else None,
            adverse_value=value,
        )
        for name, value in values.items()
    }
    return FeatureSnapshot(
        obligor_id=ObligorId(word),
        as_of=datetime(2026, 6, 30, 16, tzinfo=UTC),
        first_day=None,
        history_days=0,
        industry_division=word,
        subject_kind=word,
        values=features,
        quantities=dict(reversed(features.items())),
        machines={MachineUid("values"): features, MachineUid(word): features},
        data_origin=DataOrigin.SYNTHETIC,
        coverage_basis=word,
        data_trust=DataTrust(grade=TrustGrade.T1, attested={AttestationLevel.SEALED: 1.0}),
        batches={BatchId(word): AttestationLevel.SEALED},
        catalogue_version=word,
        parameters_version=ParametersVersion(word),
        machine_types=MachineTypes(machines={"values": 1}, untold=0) if word else None,
    )


@given(VALUES, WORDS)
def test_what_the_bytes_say_of_a_feature_is_what_the_snapshot_says(values: dict[str, float | None], word: str) -> None:
    raw = stored(values, word).canonical()
    whole = parse_snapshot(raw).values
    assert observed_in(raw, NAMES) == [whole[name].value if name in whole else None for name in NAMES]
