"""The labels of frauds, for the truth: what was told falsely, by whom, on which days."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from simulator.block import Block, Laws
from simulator.frauds.forge import Spell
from simulator.frauds.plan import WHOLE_FIRM


def label_table(block: Block, spells: Sequence[Spell], laws: Laws) -> pa.Table:
    """A row a spell of a fraud; `to_day` is its last day, `machine_uid` null where it is all of the firm's.

    `strength` is the first number that `frauds.yaml` names for the fraud. Firms of a ring have a row each.
    """
    rows = [
        (spell, firm)
        for spell in spells
        for firm in (spell.fraud.firm, *(spell.fraud.others if spell.fraud.is_by_several_firms else ()))
    ]
    dates = [laws.calendar.date_of(np.array([spell.from_day, spell.to_day - 1])) for spell, _ in rows]
    machines = [
        None if spell.fraud.machine == WHOLE_FIRM else block.machines.uids[spell.fraud.machine] for spell, _ in rows
    ]
    return pa.table(
        {
            "obligor_id": pa.array([block.firms.obligor_ids[firm] for _, firm in rows], pa.string()),
            "machine_uid": pa.array(machines, pa.string()),
            "fraud": pa.array([spell.fraud.code.value for spell, _ in rows], pa.string()),
            "from_day": pa.array([day[0].item() for day in dates], pa.date32()),
            "to_day": pa.array([day[1].item() for day in dates], pa.date32()),
            "strength": pa.array([spell.fraud.strength for spell, _ in rows], pa.float64()),
        }
    )
