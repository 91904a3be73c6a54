"""The exhibit `docs/exhibits/loss-tails.md`: how heavy the tails of industrial losses are, and how well one law tells them.

`python -m benchmarks.loss_tails` prints the page; `--write` stores it with its pictures. Needs MILLGRADE_DATA. No
machine data is joined to these losses: they test the tail, not what telemetry adds.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import genpareto

from api.models.service import scoring_parameters
from benchmarks.insurance.other_books import large_losses
from benchmarks.real_insurance import AS_OF
from risk_reports.document import Picture
from risk_reports.paper_charts import Axes, curves
from scoring.insurance.tail import ParetoTail, fit_tail, mean_excesses, stable_threshold

PAGE = Path(__file__).parent.parent / "docs" / "exhibits" / "loss-tails.md"
BOOKS = {
    "danishmulti": "Danish fires 1980-1990, millions of DKK at prices of 1985",
    "asiacomrisk": "Large commercial risks in Asia, from the ground up, millions",
}
PLACES = 25
SHARES = (0.95, 0.98, 0.99, 0.995, 0.998)

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class BookTail:
    """A book's losses, the quantiles tried as thresholds, and the tail fitted above the one taken."""

    losses: Vector
    candidates: Vector
    tail: ParetoTail


def main() -> None:
    """Print the page, or write it with its pictures."""
    quantiles = scoring_parameters().at(AS_OF)["claims_model"]["tail_quantiles"]
    found = {name: book_tail(losses, np.array(quantiles)) for name, losses in large_losses().items()}
    text = page(found)
    if "--write" not in sys.argv:
        print(text)
        return
    PAGE.write_text(text, encoding="utf-8")
    folder = PAGE.parent / PAGE.stem
    folder.mkdir(parents=True, exist_ok=True)
    for name, book in found.items():
        (folder / f"{name}-exceedance.svg").write_text(exceedance(book).svg, encoding="utf-8")
        (folder / f"{name}-mean-excess.svg").write_text(mean_excess(book).svg, encoding="utf-8")


def book_tail(losses: Vector, quantiles: Vector) -> BookTail:
    """The tail above the lowest quantile of losses from which excesses look Pareto."""
    candidates = np.quantile(losses, quantiles)
    tail = fit_tail(losses, threshold=stable_threshold(losses, candidates))
    return BookTail(losses=losses, candidates=candidates, tail=tail)


def exceedance(book: BookTail) -> Picture:
    """The share of losses above each size, observed and fitted, on logarithmic axes: a power law is a straight line."""
    above = np.sort(book.losses[book.losses > book.tail.threshold])[::-1]
    ranks = np.unique(np.geomspace(1, len(above), PLACES).round().astype(np.int64))
    observed = [(float(above[rank - 1]), float(rank / len(book.losses))) for rank in ranks]
    sizes = np.geomspace(book.tail.threshold, above[0], PLACES)
    shares = book.tail.chance * genpareto.sf(sizes - book.tail.threshold, book.tail.shape, scale=book.tail.scale)
    fitted = list(zip(sizes.tolist(), shares.tolist(), strict=True))
    lines = {"observed": observed, "fitted": fitted}
    return curves(lines, across="loss", up="share of losses above", told="Exceedance", axes=Axes.LOGARITHMIC)


def mean_excess(book: BookTail) -> Picture:
    """The mean excess over each threshold tried, and the straight line that the fitted tail has."""
    thresholds, tail = book.candidates, book.tail
    observed = mean_excesses(book.losses, thresholds)
    line = (tail.scale + tail.shape * (thresholds - tail.threshold)) / (1 - tail.shape)
    lines = {
        name: list(zip(thresholds.tolist(), values.tolist(), strict=True))
        for name, values in (("observed", observed), ("fitted", line))
    }
    return curves(lines, across="threshold", up="mean excess", told="Mean excess")


def page(found: dict[str, BookTail]) -> str:
    """The exhibit in Markdown."""
    parts = [
        "# The tails of industrial losses",
        "",
        "Printed by `python -m benchmarks.loss_tails --write`, every figure and picture. The losses are real (CASdatasets); no machine data is joined to them. Above a threshold excesses follow a generalised Pareto law; the threshold is the lowest of "
        "those tried above which they look Pareto (`scoring/insurance/tail.py`).",
    ]
    for name, book in found.items():
        parts += ["", f"## {BOOKS[name]}", "", *_said(book), "", *_quantiles(book), ""]
        parts += [
            f"![The share of losses above each size, observed and fitted, both axes logarithmic](loss-tails/{name}-exceedance.svg)",
            "",
            f"![The mean excess over each threshold tried, observed and fitted](loss-tails/{name}-mean-excess.svg)",
        ]
    return "\n".join(parts) + "\n"


def _said(book: BookTail) -> list[str]:
    tail, above = book.tail, book.losses[book.losses > book.tail.threshold]
    share = float((above - tail.threshold).sum() / book.losses.sum())
    heavy = "finite" if tail.shape < 0.5 else "infinite"
    return [
        f"{tail.losses:,} losses ({above.max():,.1f} the largest), {tail.excesses} above {tail.threshold:,.2f}; what lies beyond that threshold is {share:.1%} of all that was lost. Shape {tail.shape:.3f}: the variance is {heavy}. "
        f"Mean excess fitted {tail.mean_excess:,.2f}, observed {float((above - tail.threshold).mean()):,.2f}. Kolmogorov's distance {tail.distance:.4f}, times the root of the number of excesses {tail.distance * tail.excesses**0.5:.2f} (at most 0.9 looks Pareto).",
    ]


def _quantiles(book: BookTail) -> list[str]:
    rows = ["| share of losses below | fitted | observed | fitted / observed |", "|---:|---:|---:|---:|"]
    for share in SHARES:
        fitted, observed = book.tail.quantile(share), float(np.quantile(book.losses, share))
        rows.append(f"| {share:.1%} | {fitted:,.2f} | {observed:,.2f} | {fitted / observed:.2f} |")
    return rows


if __name__ == "__main__":
    main()
