"""Material and finished goods: what came, what was used, what left, in whole units and at month-end average cost.

Goods are valued at the material in them (direct costing): wages, energy and the rest are costs of their month. The
average is that of the whole month, which Chinese standards allow.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.finance.accounts import Account, Book, tax_on

DELIVERY_EVERY_DAYS = 7

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Materials:
    """A month's material in kits, one for each part attempted: arrays (firms, days), and by firm what it costs."""

    opening: Ints
    received: Ints
    """Comes in the morning."""
    used: Ints
    kit_minor: Ints
    """Price of a kit before tax, by firm."""

    @property
    def closing(self) -> Ints:
        """(firms, days): kits at the end of each day."""
        return self.opening[:, None] + np.cumsum(self.received - self.used, axis=1)


def buy_material(opening: Ints, used: Ints, *, target: Ints, kit_minor: Ints) -> Materials:
    """Material comes once a week and is ordered to the plan: enough for the week, and the firm's stock beside it.

    `used` is (firms, days), `target` the stock by firm that it wants to keep. So there is never less than is used.
    """
    days = used.shape[1]
    received = np.zeros_like(used)
    stock = opening
    for start in range(0, days, DELIVERY_EVERY_DAYS):
        need = used[:, start : start + DELIVERY_EVERY_DAYS].sum(axis=1)
        received[:, start] = np.maximum(need + target - stock, 0)
        stock = stock + received[:, start] - need
    return Materials(opening=opening, received=received, used=used, kit_minor=kit_minor)


def enter_material(book: Book, materials: Materials, *, vat_percent: int) -> Ints:
    """Enter what came; the amounts owed for it, with tax, by firm and day."""
    net = materials.received * materials.kit_minor[:, None]
    tax = tax_on(net, vat_percent)
    book.post(Account.MATERIALS, Account.PAYABLES, net.sum(axis=1))
    book.post(Account.VAT, Account.PAYABLES, tax.sum(axis=1))
    return net + tax


def enter_output(book: Book, materials: Materials, *, goods_before: Ints, made: Ints, shipped: Ints) -> None:
    """Enter the material that went into goods and the goods that left; all by firm and month, in units.

    Material of which no good part came is a cost at once.
    """
    units = materials.opening + materials.received.sum(axis=1)
    consumed = _share(book.balances[Account.MATERIALS], materials.used.sum(axis=1), units)
    book.post(Account.GOODS, Account.MATERIALS, consumed)
    available = goods_before + made
    left = np.where(available > 0, shipped, 1)
    book.post(
        Account.COST_OF_GOODS, Account.GOODS, _share(book.balances[Account.GOODS], left, np.maximum(available, 1))
    )


def _share(value: Ints, part: Ints, whole: Ints) -> Ints:
    """`value * part / whole` rounded down, the whole value when `part` is the whole; 0 of nothing.

    The quotient is taken first, so that the product stays far below the range of the integers.
    """
    safe = np.maximum(whole, 1)
    quotient, rest = np.divmod(value, safe)
    return quotient * part + rest * part // safe
