"""Rollbacks and forks after a checkpoint: what an old checkpoint cannot show, and a newer one or any receipt does."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from api.database.engine import unit_of_work
from api.evidence.claims import Kind
from api.home import Home, open_home
from api.operations import evidence
from api.operations.audit.examine import audit
from api.operations.evidence import read_checkpoint
from api.receipts.service import receipt, receipt_bytes
from benchmarks.tamper import small
from data_contracts.evidence import verify
from data_contracts.evidence.verify import Checkpoint, Key


@dataclass(frozen=True, kw_only=True)
class Later:
    """Of `trials` rollbacks and as many forks: how many passed the audit with the old checkpoint alone, and how many
    were found with a newer one of a witness, and with a receipt that was given in between."""

    trials: int
    rollbacks_passed_with_old_checkpoint: int
    rollbacks_found_with_newer_checkpoint: int
    rollbacks_found_with_receipt: int
    forks_passed_with_old_checkpoint: int
    forks_found_with_newer_checkpoint: int
    forks_found_with_receipt: int

    @property
    def is_as_it_should_be(self) -> bool:
        """Nothing is found without newer evidence, everything with it."""
        counts = (
            self.rollbacks_passed_with_old_checkpoint,
            self.rollbacks_found_with_newer_checkpoint,
            self.rollbacks_found_with_receipt,
            self.forks_passed_with_old_checkpoint,
            self.forks_found_with_newer_checkpoint,
            self.forks_found_with_receipt,
        )
        return counts == (self.trials,) * len(counts)


def roll_back_and_fork(home: Home, folder: Path, *, trials: int) -> Later:
    """Let copies of the home go on, hand out evidence, and then restore the state before; or another history."""
    counts = [0] * 6
    keys = verify.parse_keys((home.evidence / "log.pub").read_text(encoding="utf-8"))
    old = verify.parse_checkpoint(evidence.sign(home, since=None, now=small.SIGNED)["text"])
    for trial in range(trials):
        newer, given = _went_on(home, folder / f"grown-{trial}", amount=20_000_000 + trial)
        fork = _copy(home, folder / f"fork-{trial}")
        for extra in range(3):
            small.decide(fork, small.SECOND, now=_later(extra), amount_minor=30_000_000 + 3 * trial + extra)
        for first, victim in ((0, home), (3, fork)):
            counts[first] += not _is_found(victim, old, keys)
            counts[first + 1] += _is_found(victim, newer, keys)
            counts[first + 2] += _is_found(victim, given, keys)
        _discard(fork)
    return Later(
        trials=trials,
        rollbacks_passed_with_old_checkpoint=counts[0],
        rollbacks_found_with_newer_checkpoint=counts[1],
        rollbacks_found_with_receipt=counts[2],
        forks_passed_with_old_checkpoint=counts[3],
        forks_found_with_newer_checkpoint=counts[4],
        forks_found_with_receipt=counts[5],
    )


def _went_on(home: Home, folder: Path, *, amount: int) -> tuple[Checkpoint, Checkpoint]:
    """What a witness and a bank hold after one more decision: a checkpoint, and the one in a receipt."""
    grown = _copy(home, folder)
    body = small.decide(grown, small.FIRST, now=_later(0), amount_minor=amount)
    name = json.loads(body)["decision_id"]
    with unit_of_work(grown.engine) as connection:
        made = receipt_bytes(receipt(connection, grown, Kind.CREDIT_DECISION, name, now=_later(1)))
    file = folder / "receipt.json"
    file.write_bytes(made)
    newer = verify.parse_checkpoint(evidence.sign(grown, since=None, now=_later(2))["text"])
    given = read_checkpoint(file)
    _discard(grown)
    return newer, given


def _is_found(home: Home, checkpoint: Checkpoint, keys: list[Key]) -> bool:
    with unit_of_work(home.engine) as connection:
        return bool(audit(connection, home, checkpoint=checkpoint, keys=keys).discrepancies)


def _later(minutes: int) -> datetime:
    return small.SIGNED + timedelta(hours=1, minutes=minutes)


def _copy(home: Home, folder: Path) -> Home:
    shutil.copytree(home.root, folder)
    return open_home(folder)


def _discard(home: Home) -> None:
    home.engine.dispose()
    shutil.rmtree(home.root)
