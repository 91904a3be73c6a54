"""Who is calling."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from data_contracts.identifiers import ObligorId, PartnerId


class Role(StrEnum):
    """What a key's owner is."""

    BANK = "bank"
    INSURER = "insurer"
    OBLIGOR = "obligor"
    OPERATOR = "operator"
    GATEWAY = "gateway"


PARTNER_ROLES = frozenset({Role.BANK, Role.INSURER})
OBLIGOR_ROLES = frozenset({Role.OBLIGOR, Role.GATEWAY})


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """The owner of an API key: a partner's for bank and insurer, an obligor's for obligor and gateway."""

    role: Role
    partner_id: PartnerId | None
    obligor_id: ObligorId | None
    livemode: bool
    key_id: str

    @property
    def owner(self) -> str:
        """Whose key it is: the partner's id, the obligor's code, or `operator`."""
        return self.partner_id or self.obligor_id or Role.OPERATOR.value

    def as_partner(self) -> PartnerId:
        """The partner that a bank's or insurer's key acts for."""
        assert self.partner_id is not None, "the key table gives every bank and insurer a partner"
        return self.partner_id

    def as_obligor(self) -> ObligorId:
        """The obligor that an obligor's or gateway's key acts for."""
        assert self.obligor_id is not None, "the key table gives every obligor and gateway an obligor"
        return self.obligor_id
