"""Documents about policies."""

from __future__ import annotations

from datetime import datetime

from api.access_log.repository import looked
from api.database.engine import unit_of_work
from api.home import Home
from api.insurance_policies import repository as policies
from api.insurance_policies.repository import KeptPolicy
from risk_reports import payout_statement
from risk_reports.document import Document
from risk_reports.wording.catalogue import Language
from scoring.errors import PolicyForbids
from scoring.insurance.policy_life import Step


def payout_document(home: Home, policy_id: str, language: Language, *, now: datetime) -> Document:
    """The settlement of a policy's season in one language, as it was recorded; the look is noted. Raises NotFound, and
    PolicyForbids where nothing is settled."""
    with unit_of_work(home.engine) as connection:
        policy = policies.load(connection, policy_id)
        looked(connection, policy.obligor_id, "insurance_policy", now=now)
    facts = settled_facts(policy)
    if facts is None:
        raise PolicyForbids(
            f"The season of policy {policy_id} is not settled.", hint="Settle it first: millgrade policy settle-season"
        )
    return payout_statement.document(*facts, language)


def payout_words(policy: KeptPolicy, language: Language) -> list[str]:
    """The same line by line; nothing where no season is settled."""
    facts = settled_facts(policy)
    return [] if facts is None else payout_statement.lines(*facts, language)


def settled_facts(policy: KeptPolicy) -> tuple[dict[str, object], dict[str, object] | None] | None:
    """What the settlement of a policy says, whose it is, and what a person decided of it."""
    by_step = {kept.step: kept.facts for kept in policy.records}
    if Step.PAYOUT_SETTLED not in by_step:
        return None
    whose = {"policy_id": policy.policy_id, "obligor_id": policy.obligor_id}
    return {**whose, **by_step[Step.PAYOUT_SETTLED]}, by_step.get(Step.PAYOUT_DECIDED)
