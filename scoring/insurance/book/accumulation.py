"""Where a book could lose most at once: sums beside the limits set for them, and what lies above one as a finding."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from scoring.insurance.book.holdings import HeldPolicy, Position, insured_minor
from scoring.money import ONE_MINOR_UNIT, apportion
from scoring.portfolio.loans import UNKNOWN


class Accumulation(StrEnum):
    """What may not grow beyond a limit (keys of parameter `insurance_accumulation`)."""

    IDLE_INDUSTRY = "idle_industry"
    IDLE_TAIL = "idle_tail"
    REGION = "region"
    OBLIGOR = "obligor"
    CORE_ENTERPRISE = "core_enterprise"
    GUARANTEE_INDUSTRY = "guarantee_industry"


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What of a limit is used under a name: the most of it on any day from the report's on, by what is bound."""

    kind: Accumulation
    name: str
    used_minor: int
    limit_minor: int | None

    @property
    def left_minor(self) -> int | None:
        """What may still be taken on; 0 where the limit is passed."""
        return None if self.limit_minor is None else max(0, self.limit_minor - self.used_minor)

    @property
    def over_minor(self) -> int:
        """What lies above the limit."""
        return 0 if self.limit_minor is None else max(0, self.used_minor - self.limit_minor)

    @property
    def used_ratio(self) -> float | None:
        """None where no limit is set, or one of nothing."""
        return self.used_minor / self.limit_minor if self.limit_minor else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ObligorExposure:
    """All that is insured of one obligor: it is one exposure, whatever it is called in each product."""

    obligor_id: str
    industry: str
    region: str
    products: Mapping[str, int]
    sum_insured_minor: int
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LargePolicy:
    """One of the policies that insure most."""

    policy_id: str
    obligor_id: str
    product: str
    sum_insured_minor: int
    share: float


def rooms(kind: Accumulation, amounts: Mapping[str, int], limits: Mapping[str, int | None]) -> list[Room]:
    """Each name's use of the limit of its kind, most used first."""
    ordered = sorted(amounts.items(), key=lambda item: (-item[1], item[0]))
    return [Room(kind=kind, name=name, used_minor=used, limit_minor=limits.get(kind)) for name, used in ordered if used]


def breached(lines: Iterable[Room]) -> list[Room]:
    """What lies above its limit."""
    return [line for line in lines if line.over_minor]


def peaks(policies: Sequence[HeldPolicy], key: Callable[[HeldPolicy], str], *, day: date) -> dict[str, int]:
    """The most that is insured by key on any day from `day` on, by what is bound so far: a cover that begins when
    another ends adds nothing, one that overlaps it does."""
    running = [policy for policy in policies if policy.state.ends >= day]
    begin = {first for policy in running for _, first, _ in policy.state.covers if first > day}
    found: dict[str, int] = defaultdict(int)
    for at in sorted({day, *begin}):
        for name, amount in _sums(running, key, at).items():
            found[name] = max(found[name], amount)
    return dict(found)


def _sums(policies: Sequence[HeldPolicy], key: Callable[[HeldPolicy], str], day: date) -> dict[str, int]:
    found: dict[str, int] = defaultdict(int)
    for policy in policies:
        found[key(policy)] += insured_minor(policy, day)
    return found


def by_obligor(positions: Sequence[Position]) -> list[ObligorExposure]:
    """Every obligor with what is insured of it by product, largest first."""
    held: dict[str, list[Position]] = defaultdict(list)
    for item in positions:
        if item.sum_insured_minor:
            held[item.policy.obligor_id].append(item)
    whole = sum(item.sum_insured_minor for item in positions)
    found = [_exposure(name, items, whole) for name, items in held.items()]
    return sorted(found, key=lambda line: (-line.sum_insured_minor, line.obligor_id))


def largest_policies(positions: Sequence[Position], *, most: int) -> list[LargePolicy]:
    """The policies that insure most on the day."""
    whole = sum(item.sum_insured_minor for item in positions)
    held = [item for item in positions if item.sum_insured_minor]
    held.sort(key=lambda item: (-item.sum_insured_minor, item.policy.state.policy_id))
    return [
        LargePolicy(
            policy_id=item.policy.state.policy_id,
            obligor_id=item.policy.obligor_id,
            product=item.policy.product.value,
            sum_insured_minor=item.sum_insured_minor,
            share=item.sum_insured_minor / whole,
        )
        for item in held[:most]
    ]


def behind(amounts: Mapping[str, int], buyers: Mapping[str, Mapping[str, Decimal]]) -> dict[str, int]:
    """What is insured of obligors by the core enterprise behind them: each obligor's part by its buyers' shares in a
    year's sales, whole minor units by largest remainder. What no sale explains is `unknown`."""
    through: dict[str, int] = defaultdict(int)
    for obligor, amount in amounts.items():
        shares = buyers.get(obligor) or {UNKNOWN: Decimal(1)}
        parts = apportion([share * amount for share in shares.values()], total=Decimal(amount), step=ONE_MINOR_UNIT)
        for name, part in zip(shares, parts, strict=True):
            through[name] += int(part)
    return dict(through)


def _exposure(name: str, items: Sequence[Position], whole: int) -> ObligorExposure:
    total, products = sum(item.sum_insured_minor for item in items), defaultdict[str, int](int)
    for item in items:
        products[item.policy.product.value] += item.sum_insured_minor
    return ObligorExposure(
        obligor_id=name,
        industry=items[0].policy.industry,
        region=items[0].policy.region,
        products=dict(sorted(products.items())),
        sum_insured_minor=total,
        share=total / whole,
    )
