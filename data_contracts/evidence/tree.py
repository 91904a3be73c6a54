"""The shape of an RFC 6962 tree: which complete subtrees its roots and proofs are made of. Pure arithmetic.

A tree over n leaves is never stored whole. Complete subtrees (a power of two leaves, at a multiple of that power) do
not change once they are full, so they are kept by (level, position); roots and hashes of proofs are folds of some.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from data_contracts.evidence.commitment import node_hash

Span = tuple[int, int]
"""Leaves from a start up to, not including, a stop."""

Node = tuple[int, int]
"""A complete subtree: its level (it holds 2**level leaves) and its position among those of its level."""


def pieces(span: Span) -> list[Node]:
    """The complete subtrees that the leaves of `span` fall into, from left to right.

    The span starts at a multiple of a power of two that is at least its length, as those of RFC 6962 do.
    """
    start, stop = span
    found = []
    while start < stop:
        level = (stop - start).bit_length() - 1
        found.append((level, start >> level))
        start += 1 << level
    return found


def fold(hashes: Sequence[bytes]) -> bytes:
    """The hash over neighbouring complete subtrees, from left to right; of none, SHA-256 of nothing."""
    if not hashes:
        return hashlib.sha256(b"").digest()
    folded = hashes[-1]
    for left in reversed(hashes[:-1]):
        folded = node_hash(left, folded)
    return folded


def inclusion_spans(index: int, size: int) -> list[Span]:
    """What the hashes of an inclusion proof are over, the leaf's sibling first (RFC 6962 section 2.1.1)."""
    assert 0 <= index < size, "a leaf of the tree"
    spans = []
    start, stop = 0, size
    while stop - start > 1:
        middle = start + _split(stop - start)
        if index < middle:
            spans.append((middle, stop))
            stop = middle
        else:
            spans.append((start, middle))
            start = middle
    return spans[::-1]


def consistency_spans(old: int, new: int) -> list[Span]:
    """What the hashes of a consistency proof are over, in its order (RFC 6962 section 2.1.2)."""
    assert 0 <= old <= new, "the older tree is the smaller one"
    spans = []
    start, stop = 0, new
    is_whole = True  # whether the old tree is everything left of the span: then the verifier knows its root
    while 0 < old < stop:
        middle = start + _split(stop - start)
        if old <= middle:
            spans.append((middle, stop))
            stop = middle
        else:
            spans.append((start, middle))
            start, is_whole = middle, False
    return spans[::-1] if is_whole else [(start, stop), *spans[::-1]]


def grown(frontier: Sequence[bytes], size: int, leaves: Sequence[bytes]) -> dict[Node, bytes]:
    """The subtrees above the leaves that become complete when `leaves` follow a tree of `size`.

    `frontier` are the hashes of `pieces((0, size))`.
    """
    waiting = {level: digest for (level, _), digest in zip(pieces((0, size)), frontier, strict=True)}
    made: dict[Node, bytes] = {}
    for position, leaf in enumerate(leaves, start=size):
        level, digest = 0, leaf
        while level in waiting:
            digest = node_hash(waiting.pop(level), digest)
            level += 1
            made[level, position >> level] = digest
        waiting[level] = digest
    return made


def _split(length: int) -> int:
    """The largest power of two smaller than `length`."""
    power: int = 1 << ((length - 1).bit_length() - 1)
    return power
