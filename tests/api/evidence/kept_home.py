"""What an auditor kept elsewhere (the key and a checkpoint), and the home that is audited."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from api.home import Home
from api.operations.audit.discrepancy import Discrepancy
from api.operations.audit.examine import audit
from benchmarks.tamper import small
from data_contracts.evidence.verify import Checkpoint, Key

SIGNED = small.SIGNED


@dataclass(frozen=True)
class Kept:
    """The home, the log's public keys, and a checkpoint that covers all of it."""

    home: Home
    keys: list[Key]
    checkpoint: Checkpoint

    def audited(self, connection: sa.Connection) -> list[Discrepancy]:
        """Everything that is not as it was logged."""
        return list(audit(connection, self.home, checkpoint=self.checkpoint, keys=self.keys).discrepancies)
