"""When a person may set a recommendation aside: with a reason, for a time, and with the word of a second person.

An override is a record of its own: the decision stays what it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from scoring.errors import InvalidRequest
from scoring.records import Layer, Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """Another outcome for a decision, as one person proposes it: why (a code of parameter `override_rules` and
    words), and until when it is good."""

    outcome: Outcome
    reason_code: str
    reason_text: str
    proposed_by: str
    proposed_time: datetime
    expires_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """The word of a second person."""

    confirmed_by: str
    confirmed_time: datetime


def check_proposal(
    override: Override, *, decided: Outcome, findings: Sequence[Mapping[str, Any]], rules: Mapping[str, Any]
) -> None:
    """Raises InvalidRequest where the override changes nothing, names no known reason, says nothing, is good for
    longer than the rules allow or for no time, or would lift a knock-out. `findings` are those of the decision, as
    answered."""
    knocked_out = [
        finding["rule_id"]
        for finding in findings
        if finding["layer"] == Layer.KNOCK_OUT and finding["outcome"] != Outcome.APPROVE
    ]
    longest = override.proposed_time + timedelta(days=rules["longest_days"])
    problems = {
        f"the decision is {decided.value} already": override.outcome is decided,
        f"{override.reason_code!r} is none of {', '.join(rules['reason_codes'])}": override.reason_code
        not in rules["reason_codes"],
        "it gives no reason in words, or no name": not override.reason_text.strip() or not override.proposed_by.strip(),
        f"it must end between now and {longest.date()}": not override.proposed_time < override.expires_time <= longest,
        f"knock-out {', '.join(knocked_out)} is not lifted by anybody": bool(knocked_out)
        and override.outcome.severity < decided.severity,
    }
    _refuse(problems)


def check_confirmation(override: Override, confirmation: Confirmation) -> None:
    """Raises InvalidRequest where the second person is the first, or the override has ended."""
    first, second = (name.strip().casefold() for name in (override.proposed_by, confirmation.confirmed_by))
    _refuse(
        {
            "a second person must confirm it": not second or first == second,
            "it has ended": confirmation.confirmed_time >= override.expires_time,
        }
    )


def is_in_force(override: Override, confirmation: Confirmation | None, *, now: datetime) -> bool:
    """Whether it stands: confirmed, and not yet ended."""
    return confirmation is not None and confirmation.confirmed_time <= now < override.expires_time


def _refuse(problems: Mapping[str, bool]) -> None:
    found = [problem for problem, is_so in problems.items() if is_so]
    if found:
        raise InvalidRequest(f"The override is refused: {'; '.join(found)}.")
