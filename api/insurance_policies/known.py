"""The policies of an insurer as their records up to an instant say, each with what its quote expected."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from api.database.tables import policy_record, premium_quote
from api.policy_records import ADAPTERS
from data_contracts.identifiers import ObligorId, PartnerId
from scoring.insurance.policy_life import Record, Step


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownPolicy:
    """A policy with its records up to an instant and the quote that it was bound from."""

    policy_id: str
    obligor_id: ObligorId
    records: tuple[Record, ...]
    quote: Mapping[str, Any]


def known_policies(
    connection: sa.Connection, partner: PartnerId, *, as_of: datetime, livemode: bool
) -> list[KnownPolicy]:
    """Every policy of the insurer that was bound by the instant, in order of ids."""
    table = policy_record.c
    mine = (table.partner_id == partner) & (table.livemode == livemode) & (table.recorded_time <= as_of)
    asked = sa.select(table.policy_id, table.obligor_id, table.quote_id, table.step, table.facts).where(mine)
    rows: dict[str, list[Any]] = defaultdict(list)
    for row in connection.execute(asked.order_by(table.policy_id, table.position)):
        rows[row.policy_id].append(row)
    quotes = _quotes(connection, mine)
    return [
        KnownPolicy(
            policy_id=policy_id,
            obligor_id=ObligorId(kept[0].obligor_id),
            records=tuple(ADAPTERS[Step(row.step)].validate_python(row.facts) for row in kept),
            quote=quotes[kept[0].quote_id],
        )
        for policy_id, kept in rows.items()
    ]


def _quotes(connection: sa.Connection, mine: sa.ColumnElement[bool]) -> dict[str, Mapping[str, Any]]:
    """The answers that these policies were bound from."""
    bound = sa.select(policy_record.c.quote_id).where(mine, policy_record.c.quote_id.is_not(None))
    asked = sa.select(premium_quote.c.quote_id, premium_quote.c.body).where(premium_quote.c.quote_id.in_(bound))
    return {row.quote_id: json.loads(row.body) for row in connection.execute(asked)}
