"""Figures as people read them, in their language."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import cache, lru_cache

from babel import Locale
from babel.numbers import NumberPattern, format_currency, format_decimal, get_currency_precision, parse_pattern

from risk_reports.wording.catalogue import Language, wording

SHARE = "1"
POINTS_PER_MONTH = "1/30d"
KEPT = 4_096
"""Figures that are kept as they were spelt: an answer repeats its own, and every answer the policy's."""


def money(amount_minor: int | None, currency: str, language: Language) -> str:
    """Minor units as major ones with the currency's sign; "not known" where there is no amount."""
    if amount_minor is None:
        return wording(language).say("unknown")
    return _spelt_money(amount_minor, currency, language)


def ratio(value: float | None, language: Language, *, digits: int = 2) -> str:
    """A share of one as percent; "not known" where there is none."""
    if value is None:
        return wording(language).say("unknown")
    return _decimal(Decimal(repr(value)) * 100, digits, language, fixed=True) + " %"


def quantity(value: float | None, unit: str, language: Language) -> str:
    """A measured value with its unit as words; shares of one as percent; "not known" where there is none."""
    if value is None or unit == SHARE:
        return ratio(value, language, digits=1)
    scale = 100 if unit == POINTS_PER_MONTH else 1
    figure = _decimal(Decimal(repr(value)) * scale, 2, language)
    return wording(language).say(f"unit.{unit}", figure=figure)


def number(value: float, language: Language, *, digits: int = 4, fixed: bool = False) -> str:
    """A plain figure, with all its digits also where the last are zero if it is `fixed`."""
    return _decimal(Decimal(repr(value)), digits, language, fixed=fixed)


def estimate(found: Mapping[str, float] | None, language: Language, *, digits: int = 4) -> tuple[str, str]:
    """A figure and its interval; "not known" and nothing where there is none."""
    if found is None:
        return wording(language).say("unknown"), ""
    names = ("value", "lower", "upper")
    value, lower, upper = (number(found[name], language, digits=digits, fixed=True) for name in names)
    return value, wording(language).say("interval", lower=lower, upper=upper)


def signed(value: float, language: Language, *, digits: int = 3) -> str:
    """A plain figure with its sign, also where it is above zero."""
    sign = "+" if value >= 0 else ""
    return sign + _decimal(Decimal(repr(value)), digits, language, fixed=True)


def _decimal(value: Decimal, digits: int, language: Language, *, fixed: bool = False) -> str:
    return _spelt(str(value), digits, fixed, language)


@lru_cache(maxsize=KEPT)
def _spelt(value: str, digits: int, fixed: bool, language: Language) -> str:
    """Of a figure as text: 0 and -0 are one key as numbers, and are spelt differently."""
    return str(format_decimal(Decimal(value), format=_pattern(digits, fixed), locale=_locale(language)))


@lru_cache(maxsize=KEPT)
def _spelt_money(amount_minor: int, currency: str, language: Language) -> str:
    major = Decimal(amount_minor).scaleb(-get_currency_precision(currency))
    return str(format_currency(major, currency, locale=_locale(language)))


@cache
def _locale(language: Language) -> Locale:
    return Locale.parse(language.value)


@cache
def _pattern(digits: int, fixed: bool) -> NumberPattern:
    return parse_pattern(f"#,##0.{('0' if fixed else '#') * digits}")
