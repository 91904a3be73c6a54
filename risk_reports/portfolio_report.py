"""The book at a glance: how many obligors stand in each grade, and what they rest on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from scoring.records import ScoreRecord, ScoreSource


def text(records: Sequence[ScoreRecord]) -> str:
    """Grades from best to worst with their number of obligors and mean probability of default."""
    by_grade = Counter(record.rating_grade for record in records)
    lines = [f"{len(records):,} obligors scored", f"{'grade':>6} {'obligors':>9} {'mean PD':>9}"]
    for grade in sorted(by_grade, key=lambda name: (len(name), name)):
        members = [record.pd_12m for record in records if record.rating_grade == grade]
        lines.append(f"{grade:>6} {len(members):>9,} {sum(members) / len(members):>9.4%}")
    thin = sum(record.source is ScoreSource.THIN_HISTORY for record in records)
    return "\n".join([*lines, f"{thin:,} of them on thin history."])


def model_lines(card: Mapping[str, Any]) -> list[str]:
    """How the credit model did on its test slice, which lies an embargo after all it was fitted and calibrated on."""
    metrics, test = card["metrics"], card["test"]
    auc = metrics["auc"]
    return [
        f"Credit model {card['model_version'][:12]}, tested on {test['obligors']:,} obligors as of "
        f"{test['as_ofs'][0][:10]}: {test['events']} of them defaulted within 12 months.",
        f"AUC {auc['value']:.3f} (95 % {auc['lower']:.3f} to {auc['upper']:.3f}); mean PD "
        f"{metrics['mean_pd']:.2%} against {metrics['default_rate']:.2%} observed. {card['statement'] or ''}",
    ]
