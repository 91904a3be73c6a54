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
        _referred_text(told["familiarity"]),
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


def _referred_text(told: Mapping[str, float]) -> str:
    return (
        f"Of such rows {told['referred']:.2%} would be referred to a person: {told['too_far_out']:.2%} too far out, "
        f"{told['missing_a_family']:.2%} without columns that hardly a row lacks, "
        f"{told['of_an_unknown_category']:.2%} for a text that is too rare to be learnt."
    )


def scores_of(scored: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows for a terminal: the probability, why a person must decide (empty where none must), and each reason as
    column, own value and peers' value."""
    return [
        {
            "row": row,
            "pd": f"{score['pd']:.4f}",
            "referred": "; ".join(_unfamiliar(score["familiarity"])) or None,
            "reasons": "; ".join(map(_reason_text, score["reasons"])) or None,
        }
        for row, score in enumerate(scored, 1)
    ]


def _unfamiliar(told: Mapping[str, Any] | None) -> list[str]:
    """What makes a row unlike those that the model learnt from."""
    if told is None:
        return []
    return [
        *(f"{new['name']} {new['value']!r} is unknown" for new in told["unknown_categories"]),
        *(f"{family} is missing" for family in told["missing_families"]),
        *(
            f"{far['feature']} {far['value']:.6g} is far out (usually {far['usual_lower']:.6g} to "
            f"{far['usual_upper']:.6g})"
            for far in told["furthest"]
        ),
    ]


def _reason_text(reason: Mapping[str, Any]) -> str:
    return f"{reason['column']} {reason['value']} (peers {reason['peers']}, {reason['contribution']:+.2f})"
