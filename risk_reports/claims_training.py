"""What training on an insurer's own claims says in a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def claims_text(card: Mapping[str, Any]) -> str:
    """A model of claims: what it saw, how it did on groups it had not seen, and by decile."""
    metrics, tail = card["metrics"], card["tail"]
    lines = [
        f"model        {card['model_version']}",
        f"policies     {card['policies']:,} with {card['exposure']:,.1f} {card['exposure_unit']}s of exposure",
        f"claims       {card['claims']:,}, mean {card['mean_severity']:,.2f} ({card['currency']})",
        f"deviance     constant {metrics['deviance_of_constant']:.5f}, GLM {metrics['deviance_of_glm']:.5f}, "
        f"trees {metrics['deviance']:.5f}",
        f"gain         {_interval(metrics['gain_over_glm'])} hundredths over the GLM, paired",
        f"A/E          train {metrics['actual_to_expected_train']:.4f}, "
        f"test {_interval(metrics['actual_to_expected_test'])}",
        f"Gini         {metrics['gini']:.4f}, of the table to be filed {metrics['gini_of_table']:.4f} "
        f"({100 * metrics['table_difference']:.1f} % from the model)",
    ]
    if tail is not None:
        lines.append(
            f"tail         above {tail['threshold']:,.2f}: shape {tail['shape']:.3f} on {tail['excesses']} losses, "
            f"{100 * tail['large_loss_share']:.1f} % on top of capped claims"
        )
    lines += [f"decile {band['name']:>2}    A/E {_interval(band['ratio'])}" for band in metrics["deciles"]]
    if card["statement"]:
        lines.append(card["statement"])
    return "\n".join(lines)


def _interval(told: Mapping[str, float]) -> str:
    return f"{told['value']:.3f} ({told['lower']:.3f} to {told['upper']:.3f})"
