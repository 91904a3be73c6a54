"""Who may see a manufacturer's data and who has looked, as the manufacturer reads it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from risk_reports.sme_statement import day_text, instant_text
from risk_reports.wording.catalogue import Language, wording

PLATFORM = "platform"
OWN_NAMES = {
    PLATFORM: "page.consents.platform",
    "local": "page.looks.operator",
    "operator": "page.looks.operator",
}
"""Recipients and viewers that are no partner but the platform itself, by the words for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownConsent:
    """Who may see what the data is used for, since and until when; the codes are what a form sends back.

    `is_unconfirmed`: it was said for the obligor, who has not said so itself.
    """

    recipient_id: str
    purpose_code: str
    recipient: str
    purpose: str
    given: str
    until: str
    withdrawal: str
    is_unconfirmed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedConsent:
    """A consent that is no longer in force."""

    recipient: str
    purpose: str
    given: str
    ended: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Grantable:
    """A consent that the obligor has not given itself; the mark of the one that stands in its place, if any does."""

    recipient: str
    purpose: str
    declared_mark: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantChoice:
    """A consent that could be given."""

    recipient_id: str
    purpose_code: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One look at the data."""

    when: str
    machine_time: str
    who: str
    what: str


def standing_consents(
    consents: Sequence[Mapping[str, Any]],
    *,
    names: Mapping[str, str],
    unconfirmed: Collection[str] = (),
    zone: str,
    language: Language,
) -> tuple[ShownConsent, ...]:
    """Consents in force, one for each recipient and purpose, for as long as the longest of them lasts.

    Whose mark is among `unconfirmed` was said for the obligor: one that it gave itself speaks before those.
    """
    together: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for consent in consents:
        if consent["is_in_force"]:
            together.setdefault((consent["recipient"], consent["purpose"]), []).append(consent)
    ordered = sorted(together.items(), key=lambda item: (item[0][0] != PLATFORM, names.get(item[0][0], ""), item[0]))
    return tuple(_standing(held, names, unconfirmed, zone, language) for _, held in ordered)


def ended_consents(
    consents: Sequence[Mapping[str, Any]], *, names: Mapping[str, str], zone: str, language: Language
) -> tuple[EndedConsent, ...]:
    """Consents that were withdrawn or ran out, the last to end first."""
    ended = [consent for consent in consents if not consent["is_in_force"]]
    ordered = sorted(ended, key=_ended_time, reverse=True)
    return tuple(
        EndedConsent(
            recipient=recipient_name(consent["recipient"], names, language),
            purpose=wording(language).say(f"page.purpose.{consent['purpose']}"),
            given=_given(consent, zone, language),
            ended=instant_text(datetime.fromisoformat(_ended_time(consent)), zone=zone, language=language),
        )
        for consent in ordered
    )


def grant_choices(
    grantable: Iterable[Grantable], *, names: Mapping[str, str], language: Language
) -> tuple[GrantChoice, ...]:
    """What may be granted, in words; what stands by another's word is there to be confirmed."""
    return tuple(
        GrantChoice(
            recipient_id=item.recipient,
            purpose_code=item.purpose,
            text=_choice(item, names, language),
        )
        for item in grantable
    )


def looks(
    rows: Sequence[tuple[datetime, str, str]], *, own: str, names: Mapping[str, str], zone: str, language: Language
) -> tuple[Look, ...]:
    """Looks as (time, viewer, what), in their order; `own` is the obligor itself."""

    def who(viewer: str) -> str:
        return wording(language).say("page.looks.you") if viewer == own else recipient_name(viewer, names, language)

    return tuple(
        Look(
            when=instant_text(time, zone=zone, language=language),
            machine_time=time.isoformat(),
            who=who(viewer),
            what=_looked_at(what, language),
        )
        for time, viewer, what in rows
    )


def _choice(item: Grantable, names: Mapping[str, str], language: Language) -> str:
    say = wording(language).say
    recipient = recipient_name(item.recipient, names, language)
    choice = say("page.grant.choice", recipient=recipient, purpose=say(f"page.purpose.{item.purpose}"))
    return choice if item.declared_mark is None else say(f"page.grant.confirm.{item.declared_mark}", choice=choice)


def _standing(
    held: Sequence[Mapping[str, Any]],
    names: Mapping[str, str],
    unconfirmed: Collection[str],
    zone: str,
    language: Language,
) -> ShownConsent:
    """All consents to one recipient for one purpose, as one."""
    say = wording(language).say
    consent = max(reversed(held), key=lambda item: (item["mark"] not in unconfirmed, *_lasts(item)))
    expires = max(held, key=_lasts)["expires_time"]
    recipient = recipient_name(consent["recipient"], names, language)
    return ShownConsent(
        recipient_id=consent["recipient"],
        purpose_code=consent["purpose"],
        recipient=recipient,
        purpose=say(f"page.purpose.{consent['purpose']}"),
        given=_given(consent, zone, language),
        until=_local_day(expires, zone, language) if expires else say("page.consents.open"),
        withdrawal=say("page.withdraw.platform")
        if consent["recipient"] == PLATFORM
        else say("page.withdraw.partner", recipient=recipient),
        is_unconfirmed=consent["mark"] in unconfirmed,
    )


def _given(consent: Mapping[str, Any], zone: str, language: Language) -> str:
    """How and when it was given."""
    say = wording(language).say
    mark = consent["mark"] if f"page.mark.{consent['mark']}" in wording(language).sentences else "other"
    granted = _local_day(consent["granted_time"], zone, language)
    return say("page.consents.on", how=say(f"page.mark.{mark}"), day=granted)


def recipient_name(recipient: str, names: Mapping[str, str], language: Language) -> str:
    """A recipient or viewer by the words for the platform itself, else by its name."""
    code = OWN_NAMES.get(recipient)
    return wording(language).say(code) if code else names.get(recipient, recipient)


def _looked_at(what: str, language: Language) -> str:
    code = f"page.look.{what}"
    if code in wording(language).sentences:
        return wording(language).say(code)
    return wording(language).say("page.look.other", what=what)


def _local_day(instant: str, zone: str, language: Language) -> str:
    return day_text(datetime.fromisoformat(instant).astimezone(ZoneInfo(zone)).date(), language)


def _lasts(consent: Mapping[str, Any]) -> tuple[bool, str]:
    return consent["expires_time"] is None, consent["expires_time"] or ""


def _ended_time(consent: Mapping[str, Any]) -> str:
    return min(str(time) for time in (consent["withdrawn_time"], consent["expires_time"]) if time is not None)
