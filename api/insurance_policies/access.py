"""Who may see a policy: its insurer while the consent lasts, and the obligor that is insured."""

from __future__ import annotations

from api.consents.access import require_of_partner
from api.database.text import is_storable
from api.http.call import Work
from api.insurance_policies import repository as policies
from api.insurance_policies.repository import KeptPolicy
from data_contracts.errors import NotFound


def require_readable(work: Work, policy_id: str, *, for_update: bool = False) -> KeptPolicy:
    """The policy, if the key may read it. Raises NotFound, whether it is hidden or absent."""
    missing = f"No policy {policy_id!r} is kept here."
    if not is_storable(policy_id):
        raise NotFound(missing)
    policy = policies.load(work.connection, policy_id, for_update=for_update)
    require_of_partner(
        work.connection,
        work.principal,
        obligor_id=policy.obligor_id,
        partner_id=policy.partner_id,
        livemode=policy.livemode,
        now=work.now,
        missing=missing,
    )
    return policy
