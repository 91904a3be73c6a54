"""The life of a policy as records that are appended and never changed: quote, bind, endorse, true-up, claim, renew.

A policy is what its records say, in their order: nothing is overwritten, and the same records always fold to the same
state. A record that does not follow from the state before it is refused and appended nowhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from data_contracts.identifiers import MachineUid, QuoteId
from scoring.errors import InvalidRequest, PolicyForbids

DAYS_OF_NOTICE = 90


class Step(StrEnum):
    """What happened to a policy."""

    BOUND = "bound"
    ENDORSED = "endorsed"
    TRUED_UP = "trued_up"
    CLAIMED = "claimed"
    RENEWED = "renewed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """A quote became a policy: its premium, its days (both inclusive), its machines, and until when the quote held."""

    recorded_time: datetime
    quote_id: QuoteId
    quote_valid_until: datetime
    starts: date
    ends: date
    machines: tuple[MachineUid, ...]
    sum_insured_minor: int
    premium_minor: int
    currency: str


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
class TruedUp:
    """Hours worked were settled against hours expected, once, after the term."""

    recorded_time: datetime
    due_minor: int
    currency: str
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """First notice of a loss, with the hash of the telemetry that shows it. What is paid is decided elsewhere."""

    recorded_time: datetime
    claim_id: str
    day: date
    machine_uid: MachineUid
    amount_minor: int
    currency: str
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewed:
    """Another policy follows from the day after the end."""

    recorded_time: datetime
    next_policy_id: str
    next_starts: date


Record = Bound | Endorsed | TruedUp | Claimed | Renewed


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyState:
    """What the records of a policy say: who is covered on which days, what was charged, what was notified."""

    policy_id: str
    starts: date
    ends: date
    sum_insured_minor: int
    premium_minor: int
    currency: str
    covers: tuple[tuple[MachineUid, date, date], ...]
    """Machine, first and last day on which it is covered."""
    claims: tuple[Claimed, ...]
    is_trued_up: bool
    next_policy_id: str | None
    last_recorded: datetime

    def covered(self, machine: MachineUid, day: date) -> bool:
        """Whether a machine is covered on a day."""
        return any(uid == machine and first <= day <= last for uid, first, last in self.covers)

    def machine_days(self) -> int:
        """Days of cover, over all machines: what exposure is made of."""
        return sum((last - first).days + 1 for _, first, last in self.covers)


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
    if record.ends < record.starts or not record.machines or record.premium_minor < 0:
        raise InvalidRequest(
            f"Policy {policy_id} covers {len(record.machines)} machines, {record.starts} to {record.ends}."
        )
    return PolicyState(
        policy_id=policy_id,
        starts=record.starts,
        ends=record.ends,
        sum_insured_minor=record.sum_insured_minor,
        premium_minor=record.premium_minor,
        currency=record.currency,
        covers=tuple((machine, record.starts, record.ends) for machine in record.machines),
        claims=(),
        is_trued_up=False,
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
    if isinstance(record, Endorsed | TruedUp | Claimed) and record.currency != state.currency:
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
    if not state.starts <= record.effective <= state.ends:
        raise PolicyForbids(f"{record.effective} lies outside the policy's {state.starts} to {state.ends}.")
    covers = list(state.covers)
    for machine in record.removed:
        at = next((at for at, each in enumerate(covers) if each[0] == machine and each[2] >= record.effective), None)
        if at is None:
            raise PolicyForbids(f"{machine} is not covered on {record.effective}, so it cannot be taken out.")
        _, first, _ = covers[at]
        last = date.fromordinal(record.effective.toordinal() - 1)
        covers[at : at + 1] = [(machine, first, last)] if last >= first else []
    for machine in record.added:
        if any(uid == machine and last >= record.effective for uid, _, last in covers):
            raise PolicyForbids(f"{machine} is covered already on {record.effective}: a machine-day counts once.")
        covers.append((machine, record.effective, state.ends))
    premium = state.premium_minor + record.premium_change_minor
    if premium < 0:
        raise PolicyForbids(f"The endorsement would give back {-premium} minor units more than were paid.")
    return replace(state, covers=tuple(covers), premium_minor=premium)


def _trued_up(state: PolicyState, record: TruedUp) -> PolicyState:
    if state.is_trued_up:
        raise PolicyForbids(f"Policy {state.policy_id} was trued up before: hours are settled once.")
    if record.recorded_time.date() <= state.ends:
        raise PolicyForbids(f"Policy {state.policy_id} runs until {state.ends}: hours are settled afterwards.")
    return replace(state, is_trued_up=True, premium_minor=state.premium_minor + record.due_minor)


def _claimed(state: PolicyState, record: Claimed) -> PolicyState:
    if record.amount_minor < 0:
        raise PolicyForbids(f"Claim {record.claim_id} is of {record.amount_minor} minor units.")
    if any(claim.claim_id == record.claim_id for claim in state.claims):
        raise PolicyForbids(f"Claim {record.claim_id} was notified before.")
    if not state.covered(record.machine_uid, record.day):
        raise PolicyForbids(
            f"{record.machine_uid} is not covered on {record.day}.",
            hint="A claim needs a policy in force for its machine on its day.",
        )
    waited = (record.recorded_time.date() - record.day).days
    if not 0 <= waited <= DAYS_OF_NOTICE:
        raise PolicyForbids(f"The loss of {record.day} is notified after {waited} days, not 0 to {DAYS_OF_NOTICE}.")
    return replace(state, claims=(*state.claims, record))


def _renewed(state: PolicyState, record: Renewed) -> PolicyState:
    if state.next_policy_id is not None:
        raise PolicyForbids(f"Policy {state.policy_id} was renewed as {state.next_policy_id}.")
    if record.next_starts.toordinal() != state.ends.toordinal() + 1:
        raise PolicyForbids(f"A renewal begins the day after {state.ends}, not on {record.next_starts}.")
    return replace(state, next_policy_id=record.next_policy_id)


_STEPS: dict[type, Callable[..., PolicyState]] = {
    Endorsed: _endorsed,
    TruedUp: _trued_up,
    Claimed: _claimed,
    Renewed: _renewed,
}
