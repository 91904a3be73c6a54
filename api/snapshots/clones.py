"""Sweeps for machines that tell the same days at several obligors: made by a command, kept, and read by snapshots."""

from __future__ import annotations

import os
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path

from api.consents import repository as consents
from api.database.engine import reading
from api.home import Home, write_once
from data_contracts.errors import OperatingError
from data_contracts.observations.reader import ObservationReader
from data_contracts.observations.store import ObservationStore
from features.data_trust.clone_sweep import CloneSweep, parse_clone_sweep, sweep_clones
from features.settings import shipped_parameters

STALE_AFTER = timedelta(days=62)
"""What an older sweep found may long be explained, and what it did not find may have begun since."""
KEY_FILE, KEY_BYTES, OWNER_ONLY = "fingerprints.key", 32, 0o600
_STAMP = "%Y%m%dT%H%M%S%fZ"


def sweep_book(home: Home, *, as_of: datetime, now: datetime) -> CloneSweep:
    """Hold the machines of all who consent against each other's as known at `as_of`; kept under its hash."""
    with reading(home.engine) as connection:
        source = ObservationReader(connection, ObservationStore(home.observations))
        consenting = consents.all_in_force(
            connection, recipient=consents.PLATFORM, purpose=consents.Purpose.PLATFORM, now=now
        )
        made = sweep_clones(
            source,
            as_of=as_of,
            obligor_ids=sorted(consenting),
            parameters=shipped_parameters(),
            key=fingerprint_key(home),
        )
    stamp = made.as_of.strftime(_STAMP)
    write_once(home.clones / f"{stamp}-{made.sweep_id}.json", made.canonical())
    return made


def latest_clone_sweep(home: Home, *, as_of: datetime) -> CloneSweep | None:
    """The kept sweep of the latest instant up to `as_of`; None where there is none, or only stale ones."""
    if not home.clones.is_dir():
        return None
    first, last = ((as_of - age).astimezone(UTC).strftime(_STAMP) for age in (STALE_AFTER, timedelta()))
    kept = sorted(file for file in home.clones.glob("*.json") if first <= file.name.split("-")[0] <= last)
    return parse_clone_sweep(kept[-1].read_bytes()) if kept else None


def fingerprint_key(home: Home) -> bytes:
    """The home's secret key of fingerprints, made where there is none; of rivals one wins. Raises OperatingError."""
    path = home.clones / KEY_FILE
    if not path.exists():
        _make_key(path)
    key = path.read_bytes()
    if len(key) != KEY_BYTES:
        raise OperatingError(f"{path} holds {len(key)} bytes and no key of {KEY_BYTES}.", hint="Restore it.")
    return key


def _make_key(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY), "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        path.hardlink_to(draft)
    except FileExistsError:
        return
    finally:
        draft.unlink(missing_ok=True)
