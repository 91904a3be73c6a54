"""The golden reference portfolio: which world it is, as of when, and where its grades are kept."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

GOLDEN = Path(__file__).parent / "golden" / "reference_portfolio.json"
AS_OF = datetime(2026, 6, 30, 16, tzinfo=UTC)
NOW = datetime(2026, 11, 21, tzinfo=UTC)
WORLD = {"obligors": 320, "months": 46, "seed": 7, "samples_for": 1, "sample_days": 3}
