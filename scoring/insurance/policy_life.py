"""The life of a policy as records that are appended and never changed: bind, endorse, bill by use, true up, claim,
lapse, renew; of an idle cover also announce a shutdown, settle its season, and decide what was referred.

A policy is what its records say, in their order: nothing is overwritten, and the same records always fold to the same
state. A record that does not follow from the state before it is refused and appended nowhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from data_contracts.identifiers import MachineUid, QuoteId
from scoring.errors import InvalidRequest, PolicyForbids
from scoring.insurance.idle_cover.settlement import PayoutDecided, PayoutOutcome, PayoutSettled, ShutdownAnnounced
from scoring.insurance.usage import MeterFinding
from scoring.records import InsuranceProduct

DAYS_OF_NOTICE = 90
OF_MACHINES = frozenset({InsuranceProduct.EQUIPMENT_UBI, InsuranceProduct.EXTENDED_WARRANTY})
"""Covers of machines; the others are of the firm."""


class Step(StrEnum):
    """What happened to a policy."""

    BOUND = "bound"
    ENDORSED = "endorsed"
    BILLED = "billed"
    TRUED_UP = "trued_up"
    CLAIMED = "claimed"
    LAPSED = "lapsed"
    RENEWED = "renewed"
    SHUTDOWN_ANNOUNCED = "shutdown_announced"
    PAYOUT_SETTLED = "payout_settled"
    PAYOUT_DECIDED = "payout_decided"


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageBasis:
    """What a premium by use is held against: hours that a machine was expected to work on a day, and the energy that it
    drew in an hour of work before (None where nobody told)."""

    hours_a_machine_day: Decimal
    kwh_an_hour: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewalTerms:
    """How the premium of a renewal came about: what expired on the same cover, what was quoted, what the fleet's own
    claims made of it (credibility, and the factor on the pure premium), and the round's off-balance before the cap."""

    expiring_minor: int
    quoted_minor: int
    technical_minor: int
    credibility: float
    experience_factor: float
    off_balance: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """A quote became a policy: its premium, its days (both inclusive), its machines (none for a cover of the firm),
    until when the quote held, and what use was expected where the premium follows it. `renewal` tells how a premium
    other than the quote's came about."""

    recorded_time: datetime
    product: InsuranceProduct
    quote_id: QuoteId
    quote_valid_until: datetime
    starts: date
    ends: date
    machines: tuple[MachineUid, ...]
    sum_insured_minor: int
    premium_minor: int
    currency: str
    usage: UsageBasis | None = None
    renewal: RenewalTerms | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Endorsed:
    """From a day on the policy covers other machines, or ends early (a machine sold); the premium moves pro rata.

    `added` and `removed` machines; `premium_change_minor` is what the insured pays on top (negative: is given back).
    """

    recorded_time: datetime
    effective: date
    added: tuple[MachineUid, ...]
    removed: tuple[MachineUid, ...]
    premium_change_minor: int
    currency: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Billed:
    """A month's hours were told of, and what they move its premium by (negative: to give back), with the hash of the
    machine-days that show them."""

    recorded_time: datetime
    starts: date
    ends: date
    hours: Decimal
    expected_hours: Decimal
    meter_finding: MeterFinding
    due_minor: int
    currency: str
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TruedUp:
    """Hours worked were settled against hours expected, once, after the term."""

    recorded_time: datetime
    due_minor: int
    currency: str
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """First notice of a loss, with the hash of the telemetry up to it: how much of it was watched, and how many faults
    it shows. What is paid is decided elsewhere."""

    recorded_time: datetime
    claim_id: str
    day: date
    machine_uid: MachineUid | None
    amount_minor: int
    currency: str
    evidence: str
    watched_machine_days: Decimal = Decimal(0)
    faults_shown: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Lapsed:
    """Cover ends before a day, unpaid or on notice; what is not earned is given back."""

    recorded_time: datetime
    effective: date
    premium_change_minor: int
    currency: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewed:
    """Another policy follows from the day after the end."""

    recorded_time: datetime
    next_policy_id: str
    next_starts: date


Record = (
    Bound | Endorsed | Billed | TruedUp | Claimed | Lapsed | Renewed | ShutdownAnnounced | PayoutSettled | PayoutDecided
)

STEPS: dict[Step, type[Record]] = {
    Step.BOUND: Bound,
    Step.ENDORSED: Endorsed,
    Step.BILLED: Billed,
    Step.TRUED_UP: TruedUp,
    Step.CLAIMED: Claimed,
    Step.LAPSED: Lapsed,
    Step.RENEWED: Renewed,
    Step.SHUTDOWN_ANNOUNCED: ShutdownAnnounced,
    Step.PAYOUT_SETTLED: PayoutSettled,
    Step.PAYOUT_DECIDED: PayoutDecided,
}
"""What each step records."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyState:
    """What the records of a policy say: who is covered on which days, what was charged, what was notified."""

    policy_id: str
    bound: Bound
    ends: date
    premium_minor: int
    covers: tuple[tuple[MachineUid | None, date, date], ...]
    """Machine (None: the firm), first and last day on which it is covered."""
    claims: tuple[Claimed, ...]
    bills: tuple[Billed, ...]
    is_trued_up: bool
    is_lapsed: bool
    next_policy_id: str | None
    last_recorded: datetime
    shutdowns: tuple[ShutdownAnnounced, ...] = ()
    payout: PayoutSettled | None = None
    decision: PayoutDecided | None = None

    @property
    def paid_minor(self) -> int | None:
        """What an idle cover pays of its season; None before that is known."""
        if self.payout is None or (self.payout.outcome is PayoutOutcome.REFERRED and self.decision is None):
            return None
        return self.payout.due_minor if self.decision is None else self.decision.due_minor

    @property
    def currency(self) -> str:
        """What everything of the policy is in."""
        return self.bound.currency

    def covered(self, machine: MachineUid | None, day: date) -> bool:
        """Whether a machine is covered on a day."""
        return any(uid == machine and first <= day <= last for uid, first, last in self.covers)

    def machine_days(self, starts: date | None = None, ends: date | None = None) -> int:
        """Days of cover, over all machines, between two days (inclusive; the whole term without): what exposure is made
        of."""
        return sum((last - first).days + 1 for _, first, last in self.spans(starts, ends))

    def spans(self, starts: date | None = None, ends: date | None = None) -> list[tuple[MachineUid | None, date, date]]:
        """The covers cut to the days between two (inclusive)."""
        low, high = starts or date.min, ends or date.max
        cut = [(machine, max(first, low), min(last, high)) for machine, first, last in self.covers]
        return [(machine, first, last) for machine, first, last in cut if first <= last]


def life_of(policy_id: str, records: Sequence[Record]) -> PolicyState:
    """The state that records in their order lead to. Raises InvalidRequest without a first `Bound`, PolicyForbids for a
    record that does not follow."""
    if not records or not isinstance(records[0], Bound):
        raise InvalidRequest(f"Policy {policy_id} does not begin with a bound quote.")
    state = bind(policy_id, records[0])
    for record in records[1:]:
        state = follow(state, record)
    return state


def bind(policy_id: str, record: Bound) -> PolicyState:
    """The state of a policy that was just bound. Raises PolicyForbids where the quote no longer holds."""
    if record.recorded_time > record.quote_valid_until:
        raise PolicyForbids(
            f"Quote {record.quote_id} held until {record.quote_valid_until:%Y-%m-%d %H:%M} and is bound at "
            f"{record.recorded_time:%Y-%m-%d %H:%M}.",
            hint="Ask for another quote: what was known then is no longer what is known.",
        )
    needs_machines = record.product in OF_MACHINES
    if record.ends < record.starts or needs_machines is not bool(record.machines) or record.premium_minor < 0:
        raise InvalidRequest(
            f"Policy {policy_id} covers {len(record.machines)} machines, {record.starts} to {record.ends}."
        )
    return PolicyState(
        policy_id=policy_id,
        bound=record,
        ends=record.ends,
        premium_minor=record.premium_minor,
        covers=tuple((machine, record.starts, record.ends) for machine in record.machines or (None,)),
        claims=(),
        bills=(),
        is_trued_up=False,
        is_lapsed=False,
        next_policy_id=None,
        last_recorded=record.recorded_time,
    )


def follow(state: PolicyState, record: Record) -> PolicyState:
    """The state after one more record. Raises PolicyForbids."""
    if record.recorded_time < state.last_recorded:
        raise PolicyForbids(
            f"A record of {record.recorded_time} cannot follow one of {state.last_recorded}.",
            hint="Records are appended in the order in which they became known.",
        )
    if not isinstance(record, Bound | Renewed | ShutdownAnnounced) and record.currency != state.currency:
        raise PolicyForbids(f"Policy {state.policy_id} is in {state.currency}, the record in {record.currency}.")
    moved = _STEPS[type(record)](state, record)
    return replace(moved, last_recorded=record.recorded_time)


def pro_rata(premium_minor: int, *, machine_days: int, all_machine_days: int) -> int:
    """The premium of some of a policy's machine-days, to the minor unit, half to even."""
    if not 0 <= machine_days <= all_machine_days or all_machine_days == 0:
        raise InvalidRequest(f"{machine_days} of {all_machine_days} machine-days are no share of a premium.")
    whole, rest = divmod(premium_minor * machine_days, all_machine_days)
    twice = 2 * rest
    return whole + int(twice > all_machine_days or (twice == all_machine_days and whole % 2 == 1))


def _endorsed(state: PolicyState, record: Endorsed) -> PolicyState:
    _check_in_force(state, record.effective)
    covers = list(state.covers)
    for machine in record.removed:
        at = next((at for at, each in enumerate(covers) if each[0] == machine and each[2] >= record.effective), None)
        if at is None:
            raise PolicyForbids(f"{machine} is not covered on {record.effective}, so it cannot be taken out.")
        _, first, _ = covers[at]
        last = record.effective - timedelta(days=1)
        covers[at : at + 1] = [(machine, first, last)] if last >= first else []
    for machine in record.added:
        if any(uid == machine and last >= record.effective for uid, _, last in covers):
            raise PolicyForbids(f"{machine} is covered already on {record.effective}: a machine-day counts once.")
        covers.append((machine, record.effective, state.ends))
    return replace(_charged(state, record.premium_change_minor), covers=tuple(covers))


def _billed(state: PolicyState, record: Billed) -> PolicyState:
    if state.bound.usage is None:
        raise PolicyForbids(f"The premium of policy {state.policy_id} does not follow use.")
    if record.ends < record.starts or not state.bound.starts <= record.starts <= record.ends <= state.ends:
        raise PolicyForbids(
            f"{record.starts} to {record.ends} lies outside the policy's {state.bound.starts} to {state.ends}."
        )
    if record.recorded_time.date() <= record.ends:
        raise PolicyForbids(f"{record.starts} to {record.ends} is not over: hours are billed afterwards.")
    if any(bill.starts <= record.ends and record.starts <= bill.ends for bill in state.bills):
        raise PolicyForbids(f"{record.starts} to {record.ends} was billed before: hours are billed once.")
    if state.is_trued_up:
        raise PolicyForbids(f"Policy {state.policy_id} was trued up: nothing is billed afterwards.")
    return replace(_charged(state, record.due_minor), bills=(*state.bills, record))


def _trued_up(state: PolicyState, record: TruedUp) -> PolicyState:
    if state.is_trued_up:
        raise PolicyForbids(f"Policy {state.policy_id} was trued up before: hours are settled once.")
    if record.recorded_time.date() <= state.ends:
        raise PolicyForbids(f"Policy {state.policy_id} runs until {state.ends}: hours are settled afterwards.")
    return replace(_charged(state, record.due_minor), is_trued_up=True)


def _claimed(state: PolicyState, record: Claimed) -> PolicyState:
    if record.amount_minor < 0:
        raise PolicyForbids(f"Claim {record.claim_id} is of {record.amount_minor} minor units.")
    if any(claim.claim_id == record.claim_id for claim in state.claims):
        raise PolicyForbids(f"Claim {record.claim_id} was notified before.")
    if not state.covered(record.machine_uid, record.day):
        raise PolicyForbids(
            f"{record.machine_uid or 'The firm'} is not covered on {record.day}.",
            hint="A claim needs a policy in force for its machine on its day.",
        )
    waited = (record.recorded_time.date() - record.day).days
    if not 0 <= waited <= DAYS_OF_NOTICE:
        raise PolicyForbids(f"The loss of {record.day} is notified after {waited} days, not 0 to {DAYS_OF_NOTICE}.")
    return replace(state, claims=(*state.claims, record))


def _lapsed(state: PolicyState, record: Lapsed) -> PolicyState:
    _check_in_force(state, record.effective)
    last = record.effective - timedelta(days=1)
    covers = tuple((machine, first, min(until, last)) for machine, first, until in state.covers if first <= last)
    return replace(_charged(state, record.premium_change_minor), covers=covers, ends=last, is_lapsed=True)


def _renewed(state: PolicyState, record: Renewed) -> PolicyState:
    if state.next_policy_id is not None:
        raise PolicyForbids(f"Policy {state.policy_id} was renewed as {state.next_policy_id}.")
    if state.is_lapsed:
        raise PolicyForbids(f"Policy {state.policy_id} lapsed: there is nothing to renew.", hint="Bind another quote.")
    if record.next_starts != state.ends + timedelta(days=1):
        raise PolicyForbids(f"A renewal begins the day after {state.ends}, not on {record.next_starts}.")
    return replace(state, next_policy_id=record.next_policy_id)


def _announced(state: PolicyState, record: ShutdownAnnounced) -> PolicyState:
    _check_idle(state)
    if record.ends < record.starts or not state.bound.starts <= record.starts <= record.ends <= state.ends:
        raise PolicyForbids(
            f"{record.starts} to {record.ends} lies outside the policy's {state.bound.starts} to {state.ends}."
        )
    if record.recorded_time.date() >= record.starts:
        raise PolicyForbids(
            f"A shutdown from {record.starts} on is announced on {record.recorded_time.date()}.",
            hint="A shutdown is announced before it begins; a day that was not counts as it was worked.",
        )
    return replace(state, shutdowns=(*state.shutdowns, record))


def _payout_settled(state: PolicyState, record: PayoutSettled) -> PolicyState:
    require_over(state, record.recorded_time)
    return replace(state, payout=record)


def require_over(state: PolicyState, now: datetime) -> None:
    """Raise PolicyForbids where the season of an idle cover cannot be settled at this instant: not over, or settled."""
    _check_idle(state)
    if not state.covers:
        raise PolicyForbids(f"Policy {state.policy_id} ended before it began: it has no season.")
    if now.date() <= state.ends:
        raise PolicyForbids(f"Policy {state.policy_id} runs until {state.ends}: a season is settled afterwards.")


def _payout_decided(state: PolicyState, record: PayoutDecided) -> PolicyState:
    if state.payout is None or state.payout.outcome is not PayoutOutcome.REFERRED:
        raise PolicyForbids(f"Nothing of policy {state.policy_id} was referred to anybody.")
    if state.decision is not None:
        raise PolicyForbids(f"The payout of policy {state.policy_id} was decided before.")
    payout = state.payout.statement.payout_minor
    if record.due_minor != (payout if record.is_paid else 0):
        raise PolicyForbids(f"{record.due_minor} minor units are neither nothing nor the payout of {payout}.")
    return replace(state, decision=record)


def _check_idle(state: PolicyState) -> None:
    if state.bound.product is not InsuranceProduct.IDLE_COVER:
        raise PolicyForbids(f"Policy {state.policy_id} is of {state.bound.product.value}: it has no season to settle.")
    if state.payout is not None:
        raise PolicyForbids(f"The season of policy {state.policy_id} was settled before: a season is settled once.")


def _check_in_force(state: PolicyState, day: date) -> None:
    if not state.bound.starts <= day <= state.ends:
        raise PolicyForbids(f"{day} lies outside the policy's {state.bound.starts} to {state.ends}.")
    if state.is_trued_up:
        raise PolicyForbids(f"Policy {state.policy_id} was trued up: its premium moves no more.")
    if state.payout is not None:
        raise PolicyForbids(f"The season of policy {state.policy_id} was settled: its cover changes no more.")
    if any(bill.ends >= day for bill in state.bills):
        raise PolicyForbids(f"{day} was billed already: cover changes after the last bill, not before.")


def _charged(state: PolicyState, change_minor: int) -> PolicyState:
    premium = state.premium_minor + change_minor
    if premium < 0:
        raise PolicyForbids(f"The record would give back {-premium} minor units more than were paid.")
    return replace(state, premium_minor=premium)


_STEPS: dict[type, Callable[..., PolicyState]] = {
    Endorsed: _endorsed,
    Billed: _billed,
    TruedUp: _trued_up,
    Claimed: _claimed,
    Lapsed: _lapsed,
    Renewed: _renewed,
    ShutdownAnnounced: _announced,
    PayoutSettled: _payout_settled,
    PayoutDecided: _payout_decided,
}
