"""Checks a Millgrade receipt offline, without trusting whoever made it.

    python verify.py RECEIPT --key KEY [--witness KEY]... [--answer FILE] [--json]

This one file runs alone: it needs Python 3.11 or later and the library `cryptography` (50 or later, for ML-DSA-44),
and nothing of Millgrade. KEY is the log's public key file; take it from somewhere that the log's operator cannot change
later. Every key in it must have signed (of an admission's receipt, which bears Ed25519 alone, every Ed25519 key). Exit
code 0: everything holds; 1: something does not, and it is said what; 2: it was called in another way.

A receipt proves that its statement stood in the log when the checkpoint was signed, and that what is opened beside it
is what the statement committed to. It does not prove that a sensor told the truth.
"""

from __future__ import annotations

import base64
import binascii
import getopt
import hashlib
import json
import struct
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

FORMAT = "millgrade-receipt/2"
OLD_FORMAT = "millgrade-receipt/1"  # each path spells its hashes out and does not name their places in `hashes`
PROOF_HEADER = "c2sp.org/tlog-proof@v1"
HASH_BYTES, MAXIMUM_BYTES = 32, 4 * 1024 * 1024
ED25519, ED25519_COSIGNATURE, ML_DSA_44_COSIGNATURE = 0x01, 0x04, 0x06
KEY_BYTES = {ED25519: 32, ED25519_COSIGNATURE: 32, ML_DSA_44_COSIGNATURE: 1312}
ALGORITHMS = {ED25519: "Ed25519", ED25519_COSIGNATURE: "Ed25519", ML_DSA_44_COSIGNATURE: "ML-DSA-44"}
SUFFICES = {"ingest_batch": {ED25519}}  # the kinds of keys that sign receipts of such records; of all others all do
BODIES = {"credit_decision": "decision", "premium_quote": "quote"}


class Invalid(Exception):
    """Something does not hold; the message says what, with its values."""


def hash_leaf(data: bytes) -> bytes:
    """The hash of a leaf."""
    return hashlib.sha256(b"\x00" + data).digest()


def hash_children(left: bytes, right: bytes) -> bytes:
    """The hash of a node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of(leaves: Iterable[bytes]) -> bytes:
    """The root over leaf hashes: neighbours are paired level by level, and an odd last one is carried up."""
    level = list(leaves)
    while len(level) > 1:
        paired = [hash_children(level[place], level[place + 1]) for place in range(0, len(level) - 1, 2)]
        level = paired + level[2 * len(paired) :]
    return level[0] if level else hashlib.sha256(b"").digest()


def root_by_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """The root that an inclusion proof leads to (RFC 9162 section 2.1.3.2). Raises Invalid where its form is wrong."""
    if not 0 <= index < size:
        raise Invalid(f"Entry {index} cannot be in a tree of {size} entries.")
    node, last, digest = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            raise Invalid("The inclusion proof has too many hashes.")
        if node & 1 or node == last:
            digest = hash_children(sibling, digest)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            digest = hash_children(digest, sibling)
        node, last = node >> 1, last >> 1
    if last:
        raise Invalid("The inclusion proof has too few hashes.")
    return digest


def check_consistency(old: int, new: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]) -> None:
    """Raises Invalid unless the tree of size `new` continues that of size `old` (RFC 9162 section 2.1.4.2)."""
    if old > new:
        raise Invalid(f"A tree of {new} entries cannot continue one of {old}: the log was rolled back.")
    if old in {0, new}:
        if path or (old == new and old_root != new_root):
            raise Invalid(f"Two trees of {new} entries have different roots: the log was forked.")
        return
    hashes = list(path) if old & (old - 1) else [old_root, *path]
    if not hashes:
        raise Invalid("The consistency proof has too few hashes.")
    node, last = old - 1, new - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    old_found = new_found = hashes[0]
    for sibling in hashes[1:]:
        if last == 0:
            raise Invalid("The consistency proof has too many hashes.")
        if node & 1 or node == last:
            old_found, new_found = hash_children(sibling, old_found), hash_children(sibling, new_found)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            new_found = hash_children(new_found, sibling)
        node, last = node >> 1, last >> 1
    if last or old_found != old_root or new_found != new_root:
        raise Invalid(f"The tree of {new} entries does not continue the tree of {old}: what was logged was changed.")


class Key(NamedTuple):
    """A public key as `<name>+<key id>+<base64>` names it."""

    name: str
    key_id: bytes
    kind: int
    public: bytes

    @property
    def label(self) -> str:
        """Name and algorithm."""
        return f"{self.name} ({ALGORITHMS[self.kind]})"


def parse_key(line: str) -> Key:
    """The key of a line. Raises Invalid."""
    parts = line.split("+", 2)
    if len(parts) != 3 or not parts[0] or line.startswith("PRIVATE+"):
        raise Invalid("A line of the key file is no public key: <name>+<key id>+<base64>.")
    name, key_id, raw = parts[0], parts[1], _decoded(parts[2], "a key")
    kind, public = (raw[0], raw[1:]) if raw else (0, b"")
    if KEY_BYTES.get(kind) != len(public):
        raise Invalid(f"The key of {name} is of a kind that is not known here.")
    digest = hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4]
    if digest.hex() != key_id:
        raise Invalid(f"The key of {name} does not have the id {key_id} that its line says.")
    return Key(name, digest, kind, public)


def parse_keys(text: str) -> list[Key]:
    """The keys of a file, one a line. Raises Invalid."""
    keys = [parse_key(line.strip()) for line in text.splitlines() if line.strip()]
    if not keys:
        raise Invalid("The key file holds no key.")
    return keys


class Checkpoint(NamedTuple):
    """A signed note about a tree: `text` is what was signed, `signatures` are (name, key id, signature)."""

    text: str
    origin: str
    size: int
    root: bytes
    signatures: tuple[tuple[str, bytes, bytes], ...]


def parse_checkpoint(note: str) -> Checkpoint:
    """The checkpoint of a signed note. Raises Invalid."""
    text, blank, signed = note.rpartition("\n\n")
    lines = text.split("\n")
    if not blank or len(lines) < 3 or not all(lines) or not signed.endswith("\n"):
        raise Invalid("The checkpoint is no signed note: origin, size, root, an empty line, signatures.")
    size = _number(lines[1], "the size of a checkpoint")
    root = _hash(lines[2], "the root of a checkpoint")
    return Checkpoint(text + "\n", lines[0], size, root, tuple(map(_signature, signed.splitlines())))


def check_signatures(checkpoint: Checkpoint, keys: Sequence[Key]) -> list[tuple[Key, datetime | None]]:
    """The keys that signed the checkpoint, each with the time that it said. Raises Invalid where one is forged."""
    return [
        (key, _check_signature(checkpoint, key, signature))
        for key in keys
        for name, key_id, signature in checkpoint.signatures
        if (name, key_id) == (key.name, key.key_id)
    ]


def require_log_keys(checkpoint: Checkpoint, keys: Sequence[Key], kinds: Iterable[int] = KEY_BYTES) -> datetime | None:
    """When the log signed, if it said so. Raises Invalid unless every key of these kinds (where there is none, every
    key) signed, under its own name."""
    signed = check_signatures(checkpoint, keys)
    asked = [key for key in keys if key.kind in kinds] or keys
    for key in keys:
        if key in asked and key not in [signer for signer, _ in signed]:
            raise Invalid(f"The checkpoint bears no signature of {key.label}, key {key.key_id.hex()}.")
        if key.name != checkpoint.origin:
            raise Invalid(f"The checkpoint is of the log {checkpoint.origin}, the key of {key.name}.")
    return max((time for _, time in signed if time is not None), default=None)


def _check_signature(checkpoint: Checkpoint, key: Key, signature: bytes) -> datetime | None:
    """The time that the signature says, None for one without. Raises Invalid."""
    seconds = None
    if key.kind != ED25519:
        if len(signature) < 8:
            raise Invalid(f"The signature of {key.label} is cut short.")
        (seconds,), signature = struct.unpack(">Q", signature[:8]), signature[8:]
    try:
        if key.kind != ML_DSA_44_COSIGNATURE:
            text = checkpoint.text if seconds is None else f"cosignature/v1\ntime {seconds}\n{checkpoint.text}"
            Ed25519PublicKey.from_public_bytes(key.public).verify(signature, text.encode())
        else:
            names = [struct.pack(">B", len(raw)) + raw for raw in (key.name.encode(), checkpoint.origin.encode())]
            tree = struct.pack(">QQ", 0, checkpoint.size) + checkpoint.root
            message = b"subtree/v1\n\x00" + names[0] + struct.pack(">Q", seconds) + names[1] + tree
            MLDSA44PublicKey.from_public_bytes(key.public).verify(signature, message)
        return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
    except (InvalidSignature, ValueError, OverflowError) as error:
        raise Invalid(f"The signature of {key.label} is not over this checkpoint: it was changed or forged.") from error


class Proof(NamedTuple):
    """A tlog-proof: the place of an entry, the hashes that lead to the root, and the checkpoint."""

    place: int
    path: tuple[bytes, ...]
    checkpoint: Checkpoint


def parse_proof(text: str) -> Proof:
    """The proof of a C2SP tlog-proof. Raises Invalid."""
    head, blank, note = text.partition("\n\n")
    lines = head.split("\n")
    if not blank or lines[0] != PROOF_HEADER:
        raise Invalid(f"The proof does not begin with {PROOF_HEADER}.")
    lines = [line for number, line in enumerate(lines[1:]) if number or not line.startswith("extra ")]
    if not lines or not lines[0].startswith("index "):
        raise Invalid("The proof does not say the index of its entry.")
    index = _number(lines[0].removeprefix("index "), "an index")
    return Proof(index, tuple(_hash(line, "a proof") for line in lines[1:]), parse_checkpoint(note))


def check_entry(entry: dict[str, Any], index: int, path: Sequence[bytes], checkpoint: Checkpoint) -> dict[str, Any]:
    """The statement of an entry. Raises Invalid unless it stands at its place in the checkpoint's tree."""
    kind, statement = _text(entry, "kind"), _text(entry, "statement")
    leaf = hash_leaf(_salt(entry) + kind.encode() + b"\n" + statement.encode())
    found = root_by_inclusion(leaf, index, checkpoint.size, path)
    if found != checkpoint.root:
        led, said = found.hex()[:16], checkpoint.root.hex()[:16]
        raise Invalid(f"The {kind} is not what stands at entry {index} of the log, by its proof: {led}…, not {said}….")
    return _object(statement, f"the statement of the {kind}")


def check_opened(item: dict[str, Any], what: str, hashes: Sequence[bytes], *, root: str, count: int) -> str:
    """The content of an opened leaf. Raises Invalid unless it is one of those that the statement committed to."""
    content = _text(item, "content")
    leaf = hash_leaf(_salt(item) + content.encode())
    if root_by_inclusion(leaf, _count(item, "index"), count, _path(item, hashes)).hex() != root:
        raise Invalid(f"An opened part of the {what} is not what the statement committed to: {content[:200]}")
    return content


def check_receipt(
    text: str, keys: Sequence[Key], *, witnesses: Sequence[Key] = (), answer: str | None = None
) -> dict[str, Any]:
    """What the receipt proves. Raises Invalid at the first thing that does not hold."""
    receipt = _object(text, "the receipt")
    receipt = receipt["receipt"] if isinstance(receipt.get("receipt"), dict) else receipt  # as the API wraps it
    if receipt.get("format") != (FORMAT if "hashes" in receipt else OLD_FORMAT):
        raise Invalid(f"The file is no receipt of the format {FORMAT}.")
    joined = _decoded(_text(receipt, "hashes"), "the hashes") if "hashes" in receipt else b""
    hashes = [joined[start : start + HASH_BYTES] for start in range(0, len(joined), HASH_BYTES)]
    proof = parse_proof(_text(receipt, "proof"))
    checkpoint = proof.checkpoint
    signed_time = require_log_keys(checkpoint, keys, SUFFICES.get(_text(receipt, "kind"), KEY_BYTES))
    signers = [key for key, _ in check_signatures(checkpoint, keys)]
    cosigned = check_signatures(checkpoint, witnesses)
    if witnesses and not cosigned:
        raise Invalid("None of the given witnesses cosigned the checkpoint.")
    statement = check_entry(receipt, proof.place, proof.path, checkpoint)
    opened = receipt.get("opened", {})
    if not isinstance(opened, dict):
        raise Invalid("What is opened is no object.")
    if answer is not None:
        _check_answer(answer, _text(receipt, "kind"), statement)
    return {
        "kind": receipt["kind"],
        "statement": statement,
        "log": checkpoint.origin,
        "entry": proof.place,
        "tree_size": checkpoint.size,
        "signed_by": [f"{key.label} {key.key_id.hex()}" for key in signers],
        "not_signed_by": [f"{key.label} {key.key_id.hex()}" for key in keys if key not in signers],
        "signed_time": None if signed_time is None else signed_time.isoformat(),
        "witnesses": [f"{key.label} at {time.isoformat() if time else 'no time'}" for key, time in cosigned],
        "answer_matches": answer is not None,
        **_check_all_opened(opened, hashes, statement, checkpoint),
    }


def _check_all_opened(
    opened: dict[str, Any], hashes: Sequence[bytes], statement: dict[str, Any], checkpoint: Checkpoint
) -> dict[str, list[dict[str, Any]]]:
    """Everything that is opened, by what it is; what the statement does not commit to is Invalid."""
    basis = statement.get("basis")
    basis = basis if isinstance(basis, dict) else {}
    found: dict[str, list[dict[str, Any]]] = {"features": [], "batches": [], "chunks": [], "entries": []}
    if unknown := sorted(opened.keys() - found.keys()):
        raise Invalid(f"The receipt opens {unknown[0]!r}, which is not known here.")
    for name in ("features", "batches"):
        for item in _list(opened, name, absent=True, of=dict):
            root, count = _text(basis, f"{name}_root"), _count(basis, f"{name}_count")
            content = check_opened(item, name, hashes, root=root, count=count)
            found[name].append(_object(content, f"an opened part of the {name}"))
    for item in _list(opened, "entries", absent=True, of=dict):
        entry = check_entry(item, _count(item, "index"), _path(item, hashes), checkpoint)
        found["entries"].append({"kind": item["kind"], "index": item["index"], "statement": entry})
    roots = {_text(batch, "merkle_root") for batch in (*found["batches"], statement) if "merkle_root" in batch}
    for item in _list(opened, "chunks", absent=True, of=dict):
        found["chunks"].append(_check_chunk(item, hashes, roots))
    return found


def _check_chunk(item: dict[str, Any], hashes: Sequence[bytes], roots: set[str]) -> dict[str, Any]:
    """Rows of one machine and day, in their canonical bytes; an erased chunk shows its leaf alone."""
    content = item.get("bytes")
    if content is None:
        leaf = _bytes(_text(item, "leaf"), "a leaf")
    else:
        leaf = hash_leaf(_salt(item) + _decoded(str(content), "a chunk"))
    found = root_by_inclusion(leaf, _count(item, "index"), _count(item, "count"), _path(item, hashes)).hex()
    if found not in roots:
        raise Invalid(f"An opened chunk is not of a batch that the receipt opens: its proof leads to {found[:16]}….")
    return {"index": item["index"], "merkle_root": found, "is_erased": content is None}


def _check_answer(text: str, kind: str, statement: dict[str, Any]) -> None:
    """Raises Invalid unless the answer that came over the API is the one that was logged, to the last byte."""
    answer = _object(text, "the answer")
    body = answer.get(BODIES.get(kind, ""), answer)  # over the API the answer is wrapped, on the command line it is not
    plain = json.dumps(body, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    found = hashlib.sha256(plain.encode()).hexdigest()
    if found != statement.get("body_sha256"):
        said = str(statement.get("body_sha256"))[:16]
        raise Invalid(f"The answer is not the one that was logged: its SHA-256 is {found[:16]}…, not {said}….")


def _signature(line: str) -> tuple[str, bytes, bytes]:
    parts = line.split(" ")
    if len(parts) != 3 or parts[0] != "—" or not parts[1]:
        raise Invalid("A signature line is not of the form: — <name> <base64>.")
    raw = _decoded(parts[2], "a signature")
    return parts[1], raw[:4], raw[4:]


def _decoded(text: str, what: str) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Invalid(f"The base64 of {what} cannot be read.") from error
    if base64.b64encode(raw).decode() != text:
        raise Invalid(f"The base64 of {what} is not written as it must be.")
    return raw


def _path(item: dict[str, Any], hashes: Sequence[bytes]) -> list[bytes]:
    """The hashes beside the way up: by their places among those of the receipt, or spelled out as before."""
    found = []
    for step in _list(item, "path"):
        if isinstance(step, str):
            found.append(_bytes(step, "a path") if len(step) == 2 * HASH_BYTES else _hash(step, "a path"))
        elif type(step) is int and 0 <= step < len(hashes):
            found.append(hashes[step])
        else:
            raise Invalid("A path names a hash that the receipt does not have.")
    return found


def _hash(text: Any, what: str) -> bytes:
    raw = _decoded(str(text), what)
    if len(raw) != HASH_BYTES:
        raise Invalid(f"A hash of {what} has {len(raw)} bytes.")
    return raw


def _bytes(text: Any, what: str) -> bytes:
    try:
        raw = bytes.fromhex(str(text))
    except ValueError as error:
        raise Invalid(f"A hexadecimal text of {what} cannot be read.") from error
    if raw.hex() != text:
        raise Invalid(f"A hexadecimal text of {what} is not written as it must be.")
    return raw


def _number(text: str, what: str) -> int:
    if not text.isascii() or not text.isdigit() or (text[0] == "0" and text != "0") or len(text) > 18:
        raise Invalid(f"{text[:20]!r} cannot be {what}.")
    return int(text)


def _object(text: str, what: str) -> dict[str, Any]:
    try:
        value = json.loads(text, object_pairs_hook=_no_doubles)
    except (ValueError, RecursionError) as error:
        raise Invalid(f"The JSON of {what} cannot be read: {error}.") from error
    if not isinstance(value, dict):
        raise Invalid(f"The JSON of {what} is no object.")
    return value


def _no_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member is there twice")
    return members


def _text(members: dict[str, Any], name: str) -> str:
    value = members.get(name)
    if not isinstance(value, str):
        raise Invalid(f"The member {name!r} is missing or no text.")
    return value


def _count(members: dict[str, Any], name: str) -> int:
    value = members.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << 60:
        raise Invalid(f"The member {name!r} is missing or no number.")
    return value


def _list(members: dict[str, Any], name: str, *, absent: bool = False, of: type | None = None) -> list[Any]:
    """A list, of some type."""
    value = members.get(name, [] if absent else None)
    if not isinstance(value, list) or (of is not None and not all(isinstance(item, of) for item in value)):
        raise Invalid(f"The member {name!r} is missing or of another form.")
    return value


def _salt(members: dict[str, Any]) -> bytes:
    text = _text(members, "salt")
    salt = _decoded(text, "a salt") if text.endswith("==") else _bytes(text, "a salt")
    if len(salt) != 16:
        raise Invalid(f"A salt has {len(salt)} bytes, not 16.")
    return salt


def lines_of(report: dict[str, Any]) -> list[str]:
    """The report as a person reads it."""
    lines = [f"{report['kind']}: entry {report['entry']} of the log {report['log']}, {report['tree_size']} entries"]
    lines += [f"signed by {name}" for name in report["signed_by"]]
    lines += [f"not signed by {name}, which this receipt does without" for name in report["not_signed_by"]]
    lines += [f"signed at {report['signed_time']}"] if report["signed_time"] else []
    lines += [f"witnessed by {name}" for name in report["witnesses"]]
    lines += ["the answer is the one that was logged"] if report["answer_matches"] else []
    lines += [f"  {name}: {json.dumps(value, ensure_ascii=False)}" for name, value in report["statement"].items()]
    for name in ("features", "batches", "chunks", "entries"):
        lines += [f"opened {name}: {json.dumps(item, ensure_ascii=False)}" for item in report[name]]
    return [*lines, "Everything holds."]


def main(arguments: Sequence[str] | None = None) -> int:
    """Check a receipt; print what it proves or what does not hold."""
    asked = _asked(sys.argv[1:] if arguments is None else arguments)
    try:
        keys = parse_keys(_read(asked["--key"][-1]))
        witnesses = [key for path in asked.get("--witness", ()) for key in parse_keys(_read(path))]
        answer = _read(asked["--answer"][-1]) if "--answer" in asked else None
        report = check_receipt(_read(asked["RECEIPT"][0]), keys, witnesses=witnesses, answer=answer)
    except Invalid as error:
        told: dict[str, Any] = {"valid": False, "message": str(error)}
        lines = [f"INVALID: {error}"]
    else:
        told, lines = {"valid": True, **report}, lines_of(report)
    sys.stdout.write((json.dumps(told, ensure_ascii=False, indent=2) if "--json" in asked else "\n".join(lines)) + "\n")
    return 0 if told["valid"] else 1


def _asked(words: Sequence[str]) -> dict[str, list[str]]:
    """What was asked for, by option; argparse takes as long to load as many receipts to check."""
    try:
        options, files = getopt.gnu_getopt(list(words), "", ["key=", "witness=", "answer=", "json", "help"])
    except getopt.GetoptError:
        options, files = [], []
    asked = {"RECEIPT": files, **{name: [value for other, value in options if other == name] for name, _ in options}}
    if len(files) != 1 or "--key" not in asked or "--help" in asked:
        sys.stderr.write(str(__doc__))
        sys.exit(2)
    return asked


def _read(path: str) -> str:
    try:
        with open(path, "rb") as file:  # noqa: PTH123 (pathlib takes longer to load than a receipt to check)
            raw = file.read(MAXIMUM_BYTES + 1)
        if len(raw) > MAXIMUM_BYTES:
            raise Invalid(f"{path} has more than {MAXIMUM_BYTES} bytes, which is too much.")
        return raw.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"{path} cannot be read: {error}.") from error


if __name__ == "__main__":
    sys.exit(main())
