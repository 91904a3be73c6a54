"""The evidence log against itself, its keys, and some of what was logged."""

from __future__ import annotations

import random
import stat
from collections.abc import Iterator

import sqlalchemy as sa

from api.evidence.claims import READERS
from api.evidence.keys import PRIVATE_FILE, log_signers
from api.home import Home
from api.operations.audit.discrepancy import Discrepancy
from api.operations.audit.examine import examine_log
from api.operations.audit.records import examine_records
from api.operations.audit.tree import LogEntries, entries_of
from api.operations.doctor.finding import Finding, few, fine, warning, wrong
from data_contracts.evidence import log, verify

CHECK = "evidence"


def evidence(connection: sa.Connection, home: Home, *, sample: int) -> Iterator[Finding]:
    """Whether the log is whole, its key is the owner's alone, and `sample` records of each kind say what was logged."""
    private = home.evidence / PRIVATE_FILE
    entries = entries_of(connection)
    if not private.exists():
        yield warning(CHECK, f"The log has {len(entries):,} entries and no key yet.", "Run: millgrade checkpoint")
        keys = []
    else:
        if stat.S_IMODE(private.stat().st_mode) & 0o077:
            yield wrong(CHECK, f"{private} can be read by others.", f"Run: chmod 600 {private}")
        keys = [verify.parse_key(signer.public_line) for signer in log_signers(home)]
    found = [*(examine_log(connection, entries, keys) if keys else ()), *_sampled(connection, entries, sample)]
    if found:
        yield wrong(CHECK, f"{len(found):,} things are not as logged: {few(list(map(_told, found)))}", _AUDIT)
    else:
        yield fine(CHECK, f"{len(entries):,} entries of the log hold together; records agree with them")


_AUDIT = "Run: millgrade audit with a checkpoint that you kept elsewhere."


def _sampled(connection: sa.Connection, entries: LogEntries, sample: int) -> Iterator[Discrepancy]:
    """What differs among some entries of each kind that the database holds."""
    for kind, reader in READERS.items():
        of_kind = [row for row in entries if row.kind == kind]
        chosen = of_kind if len(of_kind) <= sample else random.sample(of_kind, sample)
        named = {(row.kind, row.subject) for row in chosen}
        about = [row.subject.partition("/")[0].partition(".")[0] for row in chosen]
        claims = {(claim.kind.value, claim.subject): claim for claim in reader(connection, about)}
        said = {name: claim for name, claim in claims.items() if name in named}
        ended = [row for row in entries if row.kind in log.ENDINGS]
        yield from examine_records([*chosen, *ended], said, size=len(entries), signed_time=None)


def _told(found: Discrepancy) -> str:
    return f"{found.kind} {found.subject} ({found.verdict})"
