"""A policy as plain text: what its records say together, and each of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from risk_reports.numbers import money
from risk_reports.wording.catalogue import Language

AMOUNTS = ("premium_minor", "premium_change_minor", "due_minor", "amount_minor")
PAYOUTS = ("payout_settled", "payout_decided")
"""Records whose `due_minor` the insured is paid, not asked for."""


def policy_text(policy: Mapping[str, Any]) -> str:
    """The statement, from a policy as it is answered."""
    currency = policy["currency"]
    state = "lapsed" if policy["is_lapsed"] else "settled" if policy["is_trued_up"] else "in force"
    lines = [
        f"Policy {policy['policy_id']} of {policy['obligor_id']}: {policy['product']}, "
        f"{policy['from']} to {policy['to']}, {state}",
        f"  charged so far: {money(policy['premium_minor'], currency, Language.EN)}",
    ]
    if policy["deposit_minor"] is not None:
        lines.append(f"  paid at inception: {money(policy['deposit_minor'], currency, Language.EN)}")
    lines += [f"  {cover['machine_uid'] or 'the firm'}: {cover['from']} to {cover['to']}" for cover in policy["covers"]]
    lines += [_record(record, currency) for record in policy["records"]]
    if policy["payout"] is not None:
        lines += [f"  {line}" for line in policy["payout"]["statement"]["en"]]
    if policy["next_policy_id"]:
        lines.append(f"  renewed as {policy['next_policy_id']}")
    return "\n".join(lines)


def _record(record: Mapping[str, Any], currency: str) -> str:
    facts = record["facts"]
    names = {name: "payout_minor" if record["step"] in PAYOUTS else name for name in AMOUNTS}
    amounts = [f"{names[name]} {money(facts[name], currency, Language.EN)}" for name in AMOUNTS if name in facts]
    what = f"{record['recorded_time'][:16]} {record['step']} by {record['recorded_by']}"
    return f"  {what}: {', '.join(amounts) or 'no charge'}"
