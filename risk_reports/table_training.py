"""What training on a table showed, as lines for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def figures_text(told: Mapping[str, Any]) -> str:
    """The figures as lines."""
    lines = [
        f"Model {told['model_version'][:12]} on {told['rows']:,} rows with {told['events']:,} events: "
        f"AUC {told['auc']:.3f} ({told['auc_interval'][0]:.3f} to {told['auc_interval'][1]:.3f}).",
        *(_rung_text(rung) for rung in told["ladder"]),
        *(
            f"SUSPECTED LEAK: {leak['column']} ({leak['detector']} {leak['value']:.3f}, limit {leak['limit']}). "
            "Leave it out with --exclude unless it was known before the outcome."
            for leak in told["suspected_leaks"]
        ),
    ]
    if told["serving"]:
        lines.append(f"Credit model {told['serving']['model_version'][:12]} is promoted and answers from now on.")
    return "\n".join(lines)


def _rung_text(rung: Mapping[str, Any]) -> str:
    if rung["note"]:
        return f"  {rung['rung']:15} -      {rung['note']}"
    figures = f"AUC {rung['auc']['value']:.3f}  Brier {rung['brier']:.4f}  log-loss {rung['log_loss']:.4f}"
    return f"  {rung['rung']:15} {figures}"


def scores_of(scored: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows for a terminal: the probability, and each reason as column, own value and peers' value."""
    return [
        {"row": row, "pd": f"{score['pd']:.4f}", "reasons": "; ".join(map(_reason_text, score["reasons"])) or None}
        for row, score in enumerate(scored, 1)
    ]


def _reason_text(reason: Mapping[str, Any]) -> str:
    return f"{reason['column']} {reason['value']} (peers {reason['peers']}, {reason['contribution']:+.2f})"
