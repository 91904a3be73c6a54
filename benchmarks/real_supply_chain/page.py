"""The figures as docs/real-supply-chain.md."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Told = Mapping[str, Any]

MEANING = {
    "order_cover": "months of output on order (`order_cover_90d`)",
    "filled": "delivered over ordered, four weeks",
    "issued": "issued over produced, four weeks",
    "last_to_usual": "output of four weeks over the usual (own reversal)",
}


def page(found: Told) -> str:
    """The whole page."""
    graph = found["supplygraph"]
    return "\n".join(
        [
            "# Supply-chain tables from outside",
            "",
            "Printed by `python -m benchmarks.real_supply_chain --write`; the data is found through `MILLGRADE_DATA` and is no part of the project. Neither table knows a machine, a loan or a default, and nothing is joined to them.",
            "",
            *_late_payment(found["ibm_receivables"]),
            *_order_cover(graph["order_cover"]),
            *_network(graph["network"]),
            "## What these tables cannot tell",
            "",
            "* **Invoices**: they are simulated by their author, of one seller, small, due after 30 days and all paid. Nothing is said of default, of dilution, of invoices that were never paid, or of when a dispute was raised: so a dispute counts from the day on which its invoice was paid. The share paid late falls from quarter to quarter; whether late ones of the end are left out of the file cannot be seen.",
            "* **Products**: 221 days of one maker hold no second year, no price, no due day and no buyer. On-time delivery, seasons, receivables and losses cannot be measured, and what was ordered before the first day is not known. Products of one maker are no firms: that order cover tells *output* here says nothing yet of *default*.",
            "* **Network**: which plants handle a product is told, how much each makes is not, nor whether a plant makes it or stores it. Output levels rest on equal parts; the bounds beside them hold for any parts, and are wide.",
            "",
        ]
    )


def _late_payment(told: Told) -> list[str]:
    quarters = told["late_share_by_quarter"]
    return [
        "## Late payment: `ibm_receivables`",
        "",
        f"{told['rows']:,} invoices (simulated by their author) to {told['buyers']} buyers, {told['late']:,} paid late. Learnt from invoices issued at least {told['embargo_months']} months before each block that is tested, of which every outcome was known then. What may be learnt from is known on the day of issue: the invoice's own terms, and how its buyer paid before ([`features/payment_behaviour.py`](../features/payment_behaviour.py)). The intervals of the areas draw buyers with all of their invoices.",
        "",
        f"Left out: {_names(told['left_out'])}, known only later. With them the leak detectors name {_leaks(told['suspected_leaks_with_them'])}; without them, {_leaks(told['suspected_leaks'])}. (`disputed` passes the detector and is left out all the same: a detector finds what tells too much, not what was not known.)",
        "",
        "| learnt from | rung | AUC | Brier | calibration in the large | calibration slope |",
        "|---|---|---|---|---|---|",
        *_rungs("terms alone", told["terms_alone"]),
        *_rungs("terms and buyer behaviour", told["terms_and_behaviour"]),
        "",
        "The model with behaviour, invoices in five bands of what it said:",
        "",
        "| invoices | said | paid late |",
        "|---|---|---|",
        *(
            f"| {band['rows']} | {band['said']:.1%} | {band['late']:.1%} |"
            for band in told["terms_and_behaviour"]["model"]["bands"]
        ),
        "",
        "Block by block: "
        + "; ".join(
            f"{block['tested'][0]} to {block['tested'][1]}: {block['rows']} invoices, {block['late']} late, AUC {block['auc']:.3f}"
            for block in told["terms_and_behaviour"]["blocks"]
        )
        + ".",
        "",
        "Paid late by quarter of issue: "
        + ", ".join(f"{quarter} {share:.0%} of {size}" for quarter, (size, share) in quarters.items())
        + ".",
        "",
    ]


def _rungs(name: str, told: Told) -> list[str]:
    lines = []
    for rung in ("intercept", "scorecard", "model"):
        figures = told[rung]
        lower, upper = figures["auc_interval"]
        slope = "" if figures["calibration_slope"] is None else _estimate(figures["calibration_slope"])
        area = f"{figures['auc']:.3f} ({lower:.3f} to {upper:.3f})"
        large = _estimate(figures["calibration_in_the_large"])
        lines.append(f"| {name} | {rung} | {area} | {figures['brier']:.4f} | {large} | {slope} |")
    return lines


def _order_cover(told: Told) -> list[str]:
    months, stock = told["order_cover_months"], told["opening_stock_days"]
    ahead, beyond = told["tells_output_ahead"], told["order_cover_beyond_own_reversal"]
    return [
        "## Order cover: `supplygraph`",
        "",
        f"A maker's {told['products']} products, {told['products_made']} of them made, on {told['days']} days ({told['first_day']} to {told['last_day']}): {told['delivered_of_ordered']:.1%} of what was ordered was delivered, {told['issued_of_produced']:.1%} of what was produced was issued. Each product stands as a unit of a daily history, so that the feature of the catalogue is what is measured. Order cover: a tenth of the {told['rows']} product-weeks have less than {months['p10']:.2f} months of output on order, half less than {months['p50']:.2f}, nine tenths less than {months['p90']:.2f}.",
        "",
        f"Does it tell the change of output over the next {told['ahead_days']} days? Rank correlations over {told['as_of_days']} as-of days a week apart; the intervals draw products with all of their days:",
        "",
        "| as of the day | rank correlation with the change ahead |",
        "|---|---|",
        *(f"| {MEANING[name]} | {_estimate(ahead[name])} |" for name in MEANING),
        f"| order cover at equal own reversal | {_estimate(beyond)} |",
        "",
        f"Opening stock: what was issued before it was made takes {stock['median']:.1f} days of output at the start for the median product and {stock['most']:.1f} for the one with most. A rule that compares what is billed with what was made (`E09_not_produced`) must know it, or it would refuse honest invoices of about that much.",
        "",
    ]


def _network(told: Told) -> list[str]:
    together = told["moves_together"]
    return [
        "## A stress on the product network: `supplygraph`",
        "",
        f"{told['products']} products that were delivered, {told['plants']} plants (half of the products are handled by {told['plants_a_product_median']:.0f} or more), {told['groups']} groups. Plants stand as the suppliers of the products and products as those of their group, and the shock is that of `millgrade stress --orders {told['orders']}`, by tonnes delivered. No equity, cash, score or loan is known, and so no loss is told.",
        "",
        "| orders of a group cut by 40 % | its share of the weight | products struck | plants struck | lowest plant | output of all plants |",
        "|---|---|---|---|---|---|",
        *(
            f"| {cut['group']} | {cut['share_of_weight']:.1%} | {cut['products_struck']} | {cut['plants_struck']} | {cut['lowest_plant_level']:.1%} | {cut['output_of_all_plants']:.1%} |"
            for cut in told["orders_cut"]
        ),
        "",
        "| plant that stops | products | output lost, by equal parts | at least | at most |",
        "|---|---|---|---|---|",
        *(
            f"| {stop['plant']} | {stop['products']} | {stop['lost']:.1%} | {stop['lost_at_least']:.1%} | {stop['lost_at_most']:.1%} |"
            for stop in told["plants_stopped"]
        ),
        "",
        f"Is the network more than a drawing? Over {together['pairs']} pairs of products and {together['weeks']} weeks, the more plants two products share the more their output moves together: rank correlation {together['rank_correlation']:.3f}; {together['share_of_shuffles_as_high']:.1%} of networks with shuffled products have as much.",
        "",
    ]


def _leaks(leaks: list[Told]) -> str:
    return ", ".join(f"`{leak['column']}` ({leak['value']:.3f})" for leak in leaks) or "nothing"


def _names(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _estimate(estimate: Told) -> str:
    return f"{estimate['value']:.3f} ({estimate['lower']:.3f} to {estimate['upper']:.3f})"
