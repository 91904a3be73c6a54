"""What is said of each firm week by week, and how weak it looks; nothing here knows the truth."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.early_warning.lived import LivedWorld
from scoring.monitoring.weakness import against_peers, signals, weighted

FIRST, LAST = date(2023, 6, 30), date(2026, 6, 30)
"""From the end of the world's first year on: before, nobody has half a year of past."""
STEP = timedelta(days=7)


def weeks(world: LivedWorld, defaulted_on: Mapping[str, date], values: Mapping[str, Any]) -> pd.DataFrame:
    """A row for each firm and week before its default: obligor_id, day, its weakness, and each signal less its peers'.

    Defaults come in only as what a lender has been told by then: who is in default is not watched any more.
    """
    terms = values["monitoring"]["weakness"]
    parts, today = list[pd.DataFrame](), FIRST
    while today <= LAST:
        firms = [firm for firm in world.industry if defaulted_on.get(firm, date.max) > today]
        watched = world.seen(today, firms, int(terms["long_days"]), "obligor_id")
        signs = signals(watched, terms, world.dues(today, int(terms["long_days"])))
        told = {name: against_peers(sign, watched.industry, terms) for name, sign in signs.items()}
        total = sum(weighted(signs, watched.industry, terms).values(), np.zeros(len(watched.units)))
        parts.append(pd.DataFrame({"obligor_id": watched.units, "day": today, "weakness": total, **told}))
        today += STEP
    return pd.concat(parts, ignore_index=True)
