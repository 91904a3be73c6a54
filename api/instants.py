"""Instants and amounts as people type them."""

from __future__ import annotations

from datetime import UTC, datetime, time
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel.numbers import get_currency_precision, list_currencies

from api.errors import InvalidAmount, InvalidInstant


def parse_instant(text: str, *, zone: str) -> datetime:
    """An instant in UTC. A bare date means 00:00 of that date in `zone`; a stamp without offset is read in `zone`.

    Raises InvalidInstant for any other text.
    """
    try:
        stamp = datetime.fromisoformat(text)
        local = stamp if stamp.tzinfo else stamp.replace(tzinfo=ZoneInfo(zone))
        return local.astimezone(UTC)
    except (ValueError, OverflowError, ZoneInfoNotFoundError) as error:
        raise InvalidInstant(
            f"{text!r} is neither an instant nor a date.",
            hint="Write 2026-07-01 or 2026-07-01T08:00:00+08:00.",
        ) from error


def require_past(instant: datetime | None, *, now: datetime) -> datetime | None:
    """The instant as it is. Raises InvalidInstant for one that lies ahead: nothing is known of it yet."""
    if instant is not None and instant > now:
        raise InvalidInstant(
            f"as_of {instant.isoformat()} lies in the future.", hint="Leave as_of out to ask for what is known now."
        )
    return instant


def parse_amount(text: str, *, currency: str) -> int:
    """An amount in major units (`2000000.00`) as minor units of `currency` (ISO 4217).

    Raises InvalidAmount for an unknown currency, more decimals than the currency has, or anything not above zero.
    """
    if currency not in list_currencies():
        raise InvalidAmount(f"{currency!r} is no ISO 4217 currency.", hint="Write CNY, EUR, USD ...")
    try:
        minor = Decimal(text).scaleb(get_currency_precision(currency))
    except InvalidOperation as error:
        raise InvalidAmount(f"{text!r} is no amount.", hint="Write major units, such as 2000000.00.") from error
    if not minor.is_finite() or minor <= 0 or minor != minor.to_integral_value() or minor > 10**17:
        raise InvalidAmount(
            f"{text!r} is no amount of {currency} above zero.",
            hint=f"{currency} has {get_currency_precision(currency)} decimals; write major units, such as 2000000.00.",
        )
    return int(minor)


def local_midnight(day: datetime, *, zone: str) -> datetime:
    """Midnight of the local day of `day` in `zone`, in UTC."""
    local = day.astimezone(ZoneInfo(zone))
    return datetime.combine(local.date(), time(), tzinfo=ZoneInfo(zone)).astimezone(UTC)
