"""Whether an insurer's book has room for one more idle cover: one slump pays all of an industry's covers at once."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import numpy as np
import sqlalchemy as sa

from api.database.tables import partner
from api.home import Home
from api.insurance_policies.held import held_policy, industries
from api.insurance_policies.known import known_policies
from api.models.figures import PROVINCE
from api.models.service import scoring_parameters
from data_contracts.identifiers import ObligorId, PartnerId
from scoring.insurance.book.accumulation import Accumulation, peaks
from scoring.insurance.book.holdings import HeldPolicy
from scoring.insurance.idle_cover.price import require_room
from scoring.insurance.policy_life import PolicyState
from scoring.portfolio.loans import UNKNOWN


def require_idle_room(
    connection: sa.Connection,
    home: Home,
    state: PolicyState,
    *,
    obligor_id: ObligorId,
    partner_id: PartnerId,
    livemode: bool,
    now: datetime,
) -> None:
    """Raise AccumulationExceeded where the sums insured by idle cover of the obligor's industry would pass the limit on
    some day of the new cover. The insurer's row is locked first, so that two at once cannot both fit."""
    limits = scoring_parameters().at(now)["insurance_accumulation"].get(state.currency, {})
    most = limits.get(Accumulation.IDLE_INDUSTRY)
    if most is None:
        return
    connection.execute(sa.select(partner.c.partner_id).where(partner.c.partner_id == partner_id).with_for_update())
    division = industries(connection, home, as_of=now)
    own = division.get(obligor_id, UNKNOWN)
    known = known_policies(connection, partner_id, as_of=now, livemode=livemode)
    held = [held_policy(policy, division) for policy in known]
    beside = [policy for policy in held if policy.industry == own and _meets(policy.state, state)]
    new = HeldPolicy(
        obligor_id=obligor_id,
        industry=own,
        region=obligor_id[PROVINCE],
        state=state,
        charges=(),
        filed_rate=0.0,
        model_rate=0.0,
        covered_share=Decimal(1),
    )
    total = peaks([*beside, new], lambda policy: policy.industry, day=state.bound.starts)[own]
    require_room(np.array([float(total)]), np.array([0]), names={0: own}, most_minor=most)


def _meets(other: PolicyState, state: PolicyState) -> bool:
    """Whether another policy is an idle cover in the same currency with a day in common."""
    is_alike = (other.bound.product, other.currency) == (state.bound.product, state.currency)
    return is_alike and other.bound.starts <= state.ends and state.bound.starts <= other.ends
