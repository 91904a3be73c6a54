"""Machines of different obligors that tell the same days, found by keyed fingerprints and never by name.

A fingerprint is a keyed BLAKE2b hash of a calendar day and the cell of its vector (`traces.Days`): without the key
nobody can tell a day from it or guess one. Who told it stands beside it as a keyed pseudonym. A reference of
fingerprints can so be made of a whole platform, or shared between platforms, and each obligor's days be held against
it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from features.data_trust.chance import log_at_least
from features.data_trust.measured import NO_DAY, Bools, Floats, Ints, Measured
from features.data_trust.told import Told
from features.data_trust.traces import LARGEST_STRENGTH, TABLES, Days, days_of

LEAST_KEY_BYTES = 16
_DIGEST_BYTES = 8

Prints = NDArray[np.uint64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class KeyedTraces:
    """Fingerprints under a key, sorted, and the pseudonym of who told each; `holders` counts the pseudonyms."""

    key: bytes
    prints: Prints
    pseudonyms: Prints
    holders: int


def keyed_traces(books: Sequence[Told], key: bytes) -> KeyedTraces:
    """The fingerprints of every day of work of these books under a secret key of at least 16 bytes."""
    parts = [_printed(told, key) for told in books]
    names = [_pseudonyms(told.machine_uids, key)[part[1]] for told, part in zip(books, parts, strict=True)]
    return _sorted(key, [part[0] for part in parts], names)


def joined_traces(parts: Sequence[KeyedTraces]) -> KeyedTraces:
    """Fingerprints that were made apart, all under one key, as one reference; there is at least one part."""
    assert len({part.key for part in parts}) == 1, "prints under several keys never meet"
    return _sorted(parts[0].key, [part.prints for part in parts], [part.pseudonyms for part in parts])


def _sorted(key: bytes, prints: Sequence[Prints], names: Sequence[Prints]) -> KeyedTraces:
    together, pseudonyms = np.concatenate(prints), np.concatenate(names)
    order = np.lexsort((pseudonyms, together))
    holders = len(np.unique(pseudonyms)) if len(order) else 0
    return KeyedTraces(key=key, prints=together[order], pseudonyms=pseudonyms[order], holders=holders)


def cloned_between_obligors(told: Told, reference: KeyedTraces) -> Measured:
    """Days on which a machine tells what one machine of another obligor tells of the same days, as -log10 of chance.

    How often that happens by chance is read off all the other holders together.
    """
    prints, row, day = _printed(told, reference.key)
    own = _pseudonyms(told.machine_uids, reference.key)
    first = np.searchsorted(reference.prints, prints, side="left")
    count = np.searchsorted(reference.prints, prints, side="right") - first
    entry = np.repeat(np.arange(len(prints)), count)
    place = np.repeat(first, count) + np.arange(len(entry)) - np.repeat(np.cumsum(count) - count, count)
    holder = reference.pseudonyms[place]
    theirs = ~_is_own(told, own, row[entry], holder)
    seen = np.unique(np.stack([row[entry], holder.view(np.int64), day[entry]], axis=1)[theirs], axis=0)
    return _measured(told, seen, days_of(told), max(reference.holders - 1, 1))


def _measured(told: Told, seen: Ints, days: Days, holders: int) -> Measured:
    """From distinct (row, holder, day): the holder that each row shares most days with."""
    rows = len(told.machine_uids)
    pairs, pair_of, shared = np.unique(seen[:, :2], axis=0, return_inverse=True, return_counts=True)
    since = np.full(len(pairs), told.days)
    np.minimum.at(since, pair_of.ravel(), seen[:, 2])
    worked = days.works.sum(axis=1)
    chance = (len(seen) - _top(pairs, shared, rows).sum() + 1.0) / (max(int(worked.sum()), 1) * holders + 2.0)
    strength = -log_at_least(shared, worked[pairs[:, 0]], chance) / np.log(10.0) - np.log10(holders)
    order = np.argsort(strength, kind="stable")
    best, found = np.zeros(rows), np.full(rows, NO_DAY)
    days_shared = np.zeros(rows)
    best[pairs[order, 0]], found[pairs[order, 0]] = np.clip(strength[order], 0.0, LARGEST_STRENGTH), order
    days_shared[pairs[order, 0]] = shared[order]
    matched = found != NO_DAY
    holder = np.array(
        [f"{pairs[at, 1].view(np.uint64):016x}" if at != NO_DAY else "" for at in found.tolist()], dtype=object
    )
    return Measured(
        statistic=np.where(worked > 0, best, np.nan),
        since=np.where(matched, since[np.where(matched, found, 0)], NO_DAY) if len(pairs) else found,
        has_source=worked > 0,
        evidence={"same_days": days_shared, "days_of_work": worked.astype(np.float64), "other_machine": holder},
    )


def _top(pairs: Ints, shared: Ints, rows: int) -> Floats:
    """(row,): the days shared with the holder that most are shared with."""
    top = np.zeros(rows)
    np.maximum.at(top, pairs[:, 0], shared)
    return top


def _is_own(told: Told, own: Prints, row: Ints, holder: Prints) -> Bools:
    """Whether a holder is a machine of the row's own obligor."""
    mine = np.unique(np.stack([told.owner.astype(np.uint64), own], axis=1), axis=0)
    asked = np.stack([told.owner[row].astype(np.uint64), holder], axis=1)
    kind = np.dtype([("owner", np.uint64), ("name", np.uint64)])
    return np.isin(np.ascontiguousarray(asked).view(kind).ravel(), np.ascontiguousarray(mine).view(kind).ravel())


def _printed(told: Told, key: bytes) -> tuple[Prints, Ints, Ints]:
    """(fingerprint, row, column) of every day of work, under each table of cells."""
    assert len(key) >= LEAST_KEY_BYTES, "a key that cannot be guessed"
    days = days_of(told)
    row, column = days.worked
    prints = []
    for table, cells in enumerate(days.cells):
        head = np.stack([np.full(len(row), table), told.first_day + column], axis=1).astype(np.uint64)
        words = np.concatenate([head, cells[:, None]], axis=1)
        prints.append(_hashed([word.tobytes() for word in words], key))
    return np.concatenate(prints), np.tile(row, TABLES), np.tile(column, TABLES)


def _pseudonyms(machine_uids: Sequence[str], key: bytes) -> Prints:
    return _hashed([uid.encode() for uid in machine_uids], key)


def _hashed(texts: Sequence[bytes], key: bytes) -> Prints:
    digests = [blake2b(text, key=key, digest_size=_DIGEST_BYTES).digest() for text in texts]
    return np.frombuffer(b"".join(digests), dtype=np.uint64)
