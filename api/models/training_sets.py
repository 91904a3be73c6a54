"""A training set as a file: who was at risk at each month's end, with what was known then, and what became of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from api.database.engine import reading
from api.home import Home
from api.models.service import book_zone, provenance, scoring_parameters
from api.processes import processes_of
from api.snapshots.service import feature_parameters, reader
from data_contracts.errors import InputError
from data_contracts.observations.reader import ObservationReader
from data_contracts.reference.calendars import add_months
from features.as_of import CreditObservations, InsuranceTrainingSet, credit_observations, insurance_training_set
from features.blocks import Processes
from features.catalogue import catalogue_version
from features.labels import REPORTING_LAG_MONTHS, WINDOW_MONTHS
from scoring.cards import statement_of
from scoring.training.leakage import Finding
from scoring.training.suspects import suspected_in_credit, suspected_in_insurance

FORMAT = 1
METADATA = b"millgrade"
"""Key of the Parquet schema's metadata: a JSON object."""

CENSORED = "censored"
"""Column of the rows of a credit set whose outcome is not known yet."""
DIVISION = "industry_division"
"""Column of the industries of a credit set's rows."""
MACHINE_TYPES = "machine_types"
"""Column of the types of their machines."""

_DAY = timedelta(days=1)
_STAMP = pa.timestamp("us", tz="UTC")


class Purpose(StrEnum):
    """What a training set is for."""

    CREDIT = "credit"
    INSURANCE = "insurance"


class Every(StrEnum):
    """How far observation times lie apart."""

    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


_MONTHS = {Every.MONTH: 1, Every.QUARTER: 3, Every.YEAR: 12}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The dates to observe at, from `first` to `last`, and what for."""

    first: date
    last: date
    every: Every
    purpose: Purpose


def write_training_set(home: Home, asked: Asked, out: Path, *, known_until: datetime) -> dict[str, Any]:
    """Build the set of everything known at `known_until`, write it to `out` and say what is in it and what is suspect.

    Raises InputError for dates in the wrong order or ahead of `known_until`, and for a file that cannot be written.
    """
    _check(asked, out)
    with reading(home.engine) as connection:
        source = reader(connection, home)
        as_ofs = _instants(asked, zone=book_zone(source, as_of=known_until), known_until=known_until)
        table, about, suspected = _built(source, processes_of(home), asked.purpose, as_ofs, known_until)
        told = provenance(connection, as_of=known_until)
    about |= {
        "format": FORMAT,
        "purpose": asked.purpose.value,
        "every": asked.every.value,
        "as_ofs": len(as_ofs),
        "rows": table.num_rows,
        "catalogue_version": catalogue_version(),
        "parameters_version": feature_parameters().version,
        "data_cut": {"as_of": known_until.astimezone(UTC).isoformat(), "batches": told["data_cut"].batches},
        "data_origin": told["data_origin"].value,
        "statement": statement_of(told["data_origin"]),
        "suspected_leaks": [asdict(finding) for finding in suspected],
    }
    metadata = {METADATA: json.dumps(about, sort_keys=True, ensure_ascii=False).encode()}
    pq.write_table(table.replace_schema_metadata(metadata), out, compression="zstd")
    return {"out": str(out), **about}


def training_set_metadata(path: Path) -> dict[str, Any] | None:
    """What a training set for credit says of itself; None for any other file."""
    if path.suffix != ".parquet" or not path.is_file():
        return None
    try:
        told = (pq.read_schema(path).metadata or {}).get(METADATA)
    except pa.ArrowInvalid:
        return None  # whoever reads it as a table says what is wrong with it
    about: dict[str, Any] | None = None if told is None else json.loads(told)
    return about if about and about["purpose"] == Purpose.CREDIT.value else None


def _built(
    source: ObservationReader,
    processes: Processes,
    purpose: Purpose,
    as_ofs: Sequence[datetime],
    known_until: datetime,
) -> tuple[pa.Table, dict[str, Any], list[Finding]]:
    """The table, what its metadata say of it, and what the leak detectors suspect."""
    asked: dict[str, Any] = {
        "as_ofs": as_ofs,
        "parameters": feature_parameters(),
        "known_until": known_until,
        "processes": processes,
    }
    if purpose is Purpose.CREDIT:
        credit = credit_observations(source, **asked)
        return _credit_table(credit), _about_credit(credit), suspected_in_credit(source, credit, feature_parameters())
    insurance = insurance_training_set(source, **asked)
    about = {
        "features": list(insurance.names),
        "machines": len(set(insurance.machine_uids)),
        "claims": int(insurance.claim_counts.sum()),
        "exposure_machine_years": float(insurance.exposure_years.sum()),
    }
    return _insurance_table(insurance), about, suspected_in_insurance(source, insurance, known_until)


def _credit_table(data: CreditObservations) -> pa.Table:
    thin = data.history_days < scoring_parameters().at(_last(data))["minimum_history_days"] if len(data.as_of) else []
    return pa.table(
        {
            "obligor_id": pa.array(list(data.obligor_ids), pa.string()),
            "as_of": _stamps(data.as_of),
            "observed_until": _stamps(data.observed_until),
            CENSORED: data.censored,
            "observed_months": data.observed_months,
            "defaulted": data.defaulted,
            "default_time": _stamps(data.default_times),
            "rule_version": pa.array(list(data.rule_versions), pa.string()),
            **{f"past_due_30_{months}m": _tri_state(found) for months, found in data.warnings.items()},
            "history_days": data.history_days,
            "thin_history": pa.array(thin, pa.bool_()),
            DIVISION: pa.array(list(data.industry_divisions), pa.string()),
            MACHINE_TYPES: pa.array([types and types.text() for types in data.machine_types], pa.string()),
            **_features(data.names, data.values),
        }
    )


def _insurance_table(data: InsuranceTrainingSet) -> pa.Table:
    return pa.table(
        {
            "machine_uid": pa.array(list(data.machine_uids), pa.string()),
            "obligor_id": pa.array(list(data.obligor_ids), pa.string()),
            "as_of": _stamps(data.as_of),
            "observed_until": _stamps(data.observed_until),
            "exposure_years": data.exposure_years,
            "claim_count": data.claim_counts,
            "claim_amount_minor": data.claim_amounts_minor,
            "sum_insured_minor": data.sums_insured_minor,
            "currency": pa.array(list(data.currencies), pa.string()),
            **_features(data.names, data.values),
        }
    )


def _about_credit(data: CreditObservations) -> dict[str, Any]:
    return {
        "features": list(data.names),
        "obligors": len(set(data.obligor_ids)),
        "defaults": int((data.defaulted & ~data.censored).sum()),
        "censored_rows": int(data.censored.sum()),
        "window_months": WINDOW_MONTHS,
        "reporting_lag_months": REPORTING_LAG_MONTHS,
        "default_rules": sorted({rule for rule in data.rule_versions if rule is not None}),
    }


def _features(names: Sequence[str], values: np.ndarray) -> dict[str, pa.Array]:
    """Each feature as a column; null where it is missing."""
    return {name: pa.array(values[:, at], from_pandas=True) for at, name in enumerate(names)}


def _stamps(stamps: np.ndarray) -> pa.Array:
    return pa.array(stamps.astype("datetime64[us]"), pa.timestamp("us")).cast(_STAMP)


def _tri_state(found: np.ndarray) -> pa.Array:
    return pa.array(found == 1, mask=found < 0)


def _last(data: CreditObservations) -> datetime:
    stamp: datetime = data.as_of.max().astype("datetime64[us]").item()
    return stamp.replace(tzinfo=UTC)


def _check(asked: Asked, out: Path) -> None:
    if asked.first > asked.last:
        raise InputError(f"The set would begin {asked.first} and end {asked.last}.", hint="Give --from before --to.")
    if out.suffix != ".parquet" or not out.parent.is_dir():
        raise InputError(f"{out} cannot be written.", hint="Name a .parquet file in a folder that exists.")


def _instants(asked: Asked, *, zone: str, known_until: datetime) -> list[datetime]:
    """Local midnights of the dates: of month ends, where the first date is one. Raises InputError for dates ahead."""
    instants = [datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)) for day in _dates(asked)]
    if instants[-1] > known_until:
        raise InputError(
            f"{instants[-1].date()} lies after {known_until.isoformat()}, up to which everything is known.",
            hint="Let --to be earlier.",
        )
    return instants


def _dates(asked: Asked) -> Iterator[date]:
    """The dates; after a month's end follow months' ends."""
    start = datetime(asked.first.year, asked.first.month, asked.first.day, tzinfo=UTC)
    is_end = (start + _DAY).day == 1
    anchor = start.replace(day=1) if is_end else start
    for step in range(0, 12_000, _MONTHS[asked.every]):
        day = add_months(anchor, step)
        day = add_months(day, 1) - _DAY if is_end else day
        if day.date() > asked.last:
            return
        yield day.date()
