"""What a machine is worth now: its value when it was acquired, worn down by years and by hours."""

from __future__ import annotations

import numpy as np

from features.history import Array


def live_value(value_minor: Array, years: Array, hours: Array, *, per_year: float, per_1000_hours: float) -> Array:
    """V = V0 exp(-a years - h hours/1000) of modelling.md 1.12, with brand, condition and index at 1.

    `value_minor` is the value at the beginning of `years` of age and `hours` of execution; `per_year` and
    `per_1000_hours` are the rates at which it decays. NaN where any of them is.
    """
    return np.asarray(value_minor * np.exp(-per_year * years - per_1000_hours * hours / 1000.0))


def annuity_balance(amount: Array, rate_per_year: Array, instalments: Array, paid: Array) -> Array:
    """What is outstanding of a loan in equal monthly instalments after so many of them.

    B_k = A ((1+r)^n - (1+r)^k) / ((1+r)^n - 1) with the monthly rate r; A (n - k) / n without interest.
    """
    growth = 1.0 + rate_per_year / 12.0
    whole, past = growth**instalments, growth ** np.minimum(paid, instalments)
    with_interest = np.divide(whole - past, whole - 1.0, out=np.zeros_like(whole), where=whole > 1.0)
    plain = 1.0 - np.minimum(paid, instalments) / instalments
    return np.asarray(amount * np.where(rate_per_year > 0, with_interest, plain))


def annuity_instalment(amount: Array, rate_per_year: Array, instalments: Array) -> Array:
    """The level monthly instalment of a loan: A r / (1 - (1+r)^-n) with the monthly rate r; A / n without interest."""
    monthly = rate_per_year / 12.0
    discount = 1.0 - (1.0 + monthly) ** -instalments
    level = np.divide(monthly, discount, out=1.0 / instalments, where=discount > 0)
    return np.asarray(amount * level)
