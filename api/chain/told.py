"""How the terms of the chain's products read ledgers: of the applicant, and of buyers as far as these let them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from zoneinfo import ZoneInfo

import pandas as pd

from data_contracts.contract import RecordKind

ZONE = ZoneInfo("Asia/Shanghai")
REACH = timedelta(days=550)

Rows = Callable[..., pd.DataFrame]
"""Of a kind, and since when."""

BuyersSay = Callable[[RecordKind, Sequence[str]], pd.DataFrame]
"""Of a kind, what such of these buyers told of the applicant as consent to be shown to whoever asks."""
