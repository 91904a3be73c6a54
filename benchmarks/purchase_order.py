"""One order financed tranche by tranche on what the machines made, honestly and in four false ways.

python -m benchmarks.purchase_order          prints the page
python -m benchmarks.purchase_order --write  writes docs/exhibits/purchase-order.md

The order and its days are made up from a fixed seed; the rules, norms and amounts are those of the product.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from importlib.resources import files
from pathlib import Path

import numpy as np

from data_contracts.reference.dated import load_book
from scoring.supply_chain.purchase_order.exposure import Event, EventKind, exposure_of, staged_loss
from scoring.supply_chain.purchase_order.forecast import Forecast, forecast, prior_of
from scoring.supply_chain.purchase_order.order import Milestone, Order, OrderFile, Seen, Status, Work
from scoring.supply_chain.purchase_order.tranches import Release, release, tranche_terms

PAGE = Path(__file__).parents[1] / "docs" / "exhibits" / "purchase-order.md"
SEED = 101
START = date(2026, 3, 2)
WORKING_DAYS = 40
UNITS, KWH, HOURS, AMOUNT = 8_000, 0.9, 0.06, 96_000_000
PD = 0.03
LOOKS = (0, 3, 10, 20, 30, 40, 41)
"""Working days after the order was placed on which the lender looks; the day after the last, the goods are gone."""

ORDER = Order(
    order_id="PO-2026-0117",
    part_number="A-77",
    placed_on=START,
    units=UNITS,
    amount_minor=AMOUNT,
    currency="CNY",
    due_on=START + timedelta(days=57),
    kwh_per_unit=KWH,
    hours_per_unit=HOURS,
)
HISTORY = 100
"""Days before the order from which the prior of the firm's output comes."""


@dataclass(frozen=True)
class Days:
    """What was told of each working day of the order: parts, energy while executing, hours."""

    units: np.ndarray
    kwh: np.ndarray
    hours: np.ndarray

    def until(self, day: int) -> Work:
        """All work before a day."""
        return Work(units=self.units[:day].sum(), kwh=self.kwh[:day].sum(), hours=self.hours[:day].sum())


@dataclass(frozen=True)
class Story:
    """A way of working an order: what it is called, what is really made of it, what is told, and whether papers say that
    it was shipped and billed at the end."""

    name: str
    made: np.ndarray
    told: Days
    says_shipped: bool
    is_inspected: bool


@dataclass(frozen=True)
class Look:
    """One look of the lender: what it recommends to pay, and on what."""

    day: int
    release: Release
    forecast: Forecast | None
    drawn: int


def honest_days() -> Days:
    """Some 8 % more a day than is needed, from day to day apart by a seventh."""
    rng = np.random.default_rng(SEED)
    units = np.round(UNITS / (WORKING_DAYS - 3) * 1.08 * rng.lognormal(0.0, 0.14, WORKING_DAYS))
    units[:3] = 0.0  # material comes
    units = np.minimum(units, np.maximum(0.0, UNITS - np.concatenate([[0.0], np.cumsum(units)[:-1]])))
    return Days(
        units=units,
        kwh=units * KWH * rng.lognormal(0.0, 0.04, WORKING_DAYS),
        hours=units * HOURS * rng.lognormal(0.0, 0.03, WORKING_DAYS),
    )


def stories() -> Sequence[Story]:
    """The honest order, and the same machines when half of the work is only told."""
    whole = honest_days()
    half = Days(units=np.round(whole.units / 2), kwh=whole.kwh / 2, hours=whole.hours / 2)
    return (
        Story("honest", whole.units, whole, says_shipped=True, is_inspected=True),
        Story(
            "counter spoof (F4)", half.units, replace(half, units=whole.units), says_shipped=True, is_inspected=False
        ),
        Story("dummy load (F3)", half.units, replace(half, kwh=whole.kwh), says_shipped=True, is_inspected=False),
        Story(
            "counter and dummy load",
            half.units,
            replace(half, units=whole.units, kwh=whole.kwh),
            says_shipped=True,
            is_inspected=False,
        ),
        Story("billed above what was made (F8)", half.units, half, says_shipped=True, is_inspected=True),
    )


def tell(story: Story) -> list[Look]:
    """Every look at an order, each paid what the one before recommended."""
    values = load_book(files("scoring") / "supply_chain" / "parameters").at(START)
    terms = tranche_terms(values)
    before = np.random.default_rng(SEED + 1).lognormal(0.0, 0.14, HISTORY) * UNITS / (WORKING_DAYS - 3) * 1.05
    prior = prior_of(before.tolist(), worth_days=values["purchase_order"]["prior_days"])
    assert prior is not None, "a hundred days are enough"
    looks, drawn = [], 0
    for day in LOOKS:
        work = story.told.until(day)
        made = min(work.units or 0.0, (work.kwh or 0.0) / (KWH * 0.9), (work.hours or 0.0) / (HOURS * 0.9))
        daily = story.told.units[3:day] if day > 3 else []
        seen = forecast(prior, list(daily), remaining_units=UNITS - made, days_left=WORKING_DAYS - day)
        told = release(_file(story, day, work, drawn), seen if day >= 3 else None, terms)
        looks.append(Look(day=day, release=told, forecast=seen if day >= 3 else None, drawn=drawn))
        drawn += told.release_minor
    return looks


def _file(story: Story, day: int, work: Work, drawn: int) -> OrderFile:
    met = {Milestone.ACCEPTED: "the buyer's confirmation of the order"}
    if day >= 3:
        met |= {Milestone.MATERIAL: "the mill's invoice and its delivery note", Milestone.STARTED: "first machine-day"}
    is_gone = day > WORKING_DAYS and story.says_shipped
    if is_gone:
        met |= {Milestone.SHIPPED: "delivery note", Milestone.INVOICED: "invoice"}
    if is_gone and story.is_inspected:
        met |= {Milestone.INSPECTED: "the buyer's inspection record"}
    return OrderFile(
        order=ORDER,
        seen={milestone: Seen(status=Status.MET, evidence=(evidence,)) for milestone, evidence in met.items()},
        work=work,
        inspected_units=UNITS if is_gone and story.is_inspected else None,
        shipped_minor=AMOUNT if is_gone else 0,
        invoiced_minor=AMOUNT if is_gone else 0,
        drawn_minor=drawn,
        cost_minor=None,
    )


def page() -> str:
    """The exhibit."""
    told = [(story, tell(story)) for story in stories()]
    parts = [_INTRODUCTION, *(_story(story, looks) for story, looks in told), _sum(told), _life(told[0][1])]
    return "\n".join(parts)


def _story(story: Story, looks: Sequence[Look]) -> str:
    lines = [
        f"\n## {story.name[0].upper()}{story.name[1:]}\n",
        "| day | parts | energy | hours | verified | on time | pays, CNY | drawn, CNY | held for |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for look in looks:
        made = look.release.progress
        shares = (made.by_units, made.by_energy, made.by_hours, made.verified)
        chance = "–" if look.forecast is None else f"{look.forecast.probability_on_time:.0%}"
        held = ", ".join(hold.value for hold in look.release.holds) or "–"
        figures = " | ".join("–" if share is None else f"{share:.0%}" for share in shares)
        paid, drawn = _yuan(look.release.release_minor), _yuan(look.release.exposure_minor)
        lines.append(f"| {look.day} | {figures} | {chance} | {paid} | {drawn} | {held} |")
    return "\n".join(lines)


def _sum(told: Sequence[tuple[Story, Sequence[Look]]]) -> str:
    lines = [
        "\n## What was lent on what was made\n",
        "| order | really made | drawn on the machines, CNY | a lender on papers would have paid, CNY | not paid on what was not made, CNY |",
        "|---|---|---|---|---|",
    ]
    on_papers = int(AMOUNT * 0.85)
    for story, looks in told:
        drawn = looks[-1].release.exposure_minor
        made = story.made.sum() / UNITS
        lines.append(
            f"| {story.name} | {made:.0%} | {_yuan(drawn)} | {_yuan(on_papers)} | {_yuan(on_papers - drawn)} |"
        )
    lines.append(
        "\nWhat is paid before the machines have worked (here 40 % of the order) is lent on the buyer's acceptance and on a start"
        " that was seen; no later look takes it back. That is why it is small, and why its loss given default is high."
    )
    return "\n".join(lines)


def _life(looks: Sequence[Look]) -> str:
    values = load_book(files("scoring") / "supply_chain" / "parameters").at(START)
    stages = (
        Milestone.ACCEPTED, Milestone.STARTED, *[Milestone.EARNED] * 4, Milestone.INVOICED,
    )  # fmt: skip
    events = []
    lines = [
        "\n## One exposure\n",
        f"Loss given default falls from stage to stage; expected loss at a PD of {PD:.0%}. In the end the order is carried over into its receivable, which adds nothing.\n",
        "| day | stage | on the order, CNY | on the receivable, CNY | LGD | expected loss, CNY |",
        "|---|---|---|---|---|---|",
    ]
    for look, stage in zip(looks, stages, strict=True):
        events.append(Event(kind=EventKind.DRAWN, amount_minor=look.release.release_minor))
        if stage is Milestone.INVOICED:
            events.append(Event(kind=EventKind.CARRIED_OVER, amount_minor=exposure_of(events).on_order_minor))
        now = exposure_of(events)
        loss = staged_loss(now, stage, undrawn_committed_minor=0, pd=PD, values=values)
        amounts = f"{_yuan(now.on_order_minor)} | {_yuan(now.on_receivables_minor)}"
        lines.append(f"| {look.day} | {stage.value} | {amounts} | {loss.lgd} | {_yuan(loss.expected_loss_minor)} |")
    return "\n".join(lines) + "\n"


def _yuan(minor: int) -> str:
    return f"{minor / 100:,.2f}"


_INTRODUCTION = f"""# An order financed on what machines made

`python -m benchmarks.purchase_order --write` writes this page. The order and its days are made up from a fixed seed and show how the rules work; they measure nothing of the world. The rules are in [supply-chain.md](../supply-chain.md).

An order of {UNITS:,} parts for CNY {AMOUNT / 100:,.2f}, due after {WORKING_DAYS} working days; a part takes {KWH} kWh and {HOURS} hours. A lender looks on days {", ".join(map(str, LOOKS))}: the material comes on day 3, and on the day after the
last the papers say that all was shipped and billed. *Verified* is the least of parts, energy and hours, of which energy and hours may fall a tenth short of their norms.

In the four false stories the machines make half of the order, and the rest is told: by the counter, by a load that makes nothing, by both, or on the invoice alone."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    text = page()
    if parser.parse_args().write:
        PAGE.write_text(text, encoding="utf-8")
    else:
        print(text)


if __name__ == "__main__":
    main()
