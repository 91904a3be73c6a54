"""Who may see a manufacturer's data and who has looked, as the manufacturer reads it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
    """Who may see what the data is used for, since and until when; the codes are what a form sends back."""

    recipient_id: str
    purpose_code: str
    recipient: str
    purpose: str
    given: str
    until: str
    withdrawal: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedConsent:
    """A consent that is no longer in force."""

    recipient: str
    purpose: str
    ended: str


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
    consents: Sequence[Mapping[str, Any]], *, names: Mapping[str, str], zone: str, language: Language
) -> tuple[ShownConsent, ...]:
    """Consents in force, one for each recipient and purpose: the one that lasts longest speaks for all of them."""
    longest: dict[tuple[str, str], Mapping[str, Any]] = {}
    for consent in consents:
        if consent["is_in_force"]:
            key = (consent["recipient"], consent["purpose"])
            known = longest.get(key)
            if known is None or _lasts(consent) >= _lasts(known):
                longest[key] = consent
    ordered = sorted(longest.items(), key=lambda item: (item[0][0] != PLATFORM, names.get(item[0][0], ""), item[0]))
    return tuple(_standing(consent, names, zone, language) for _, consent in ordered)


def ended_consents(
    consents: Sequence[Mapping[str, Any]], *, names: Mapping[str, str], zone: str, language: Language
) -> tuple[EndedConsent, ...]:
    """Consents that were withdrawn or ran out, the last to end first."""
    ended = [consent for consent in consents if not consent["is_in_force"]]
    ordered = sorted(ended, key=_ended_time, reverse=True)
    return tuple(
        EndedConsent(
            recipient=_recipient(consent["recipient"], names, language),
            purpose=wording(language).say(f"page.purpose.{consent['purpose']}"),
            ended=instant_text(datetime.fromisoformat(_ended_time(consent)), zone=zone, language=language),
        )
        for consent in ordered
    )


def grant_choices(
    pairs: Iterable[tuple[str, str]], *, names: Mapping[str, str], language: Language
) -> tuple[GrantChoice, ...]:
    """The (recipient, purpose) pairs that may be granted, in words."""
    say = wording(language).say
    return tuple(
        GrantChoice(
            recipient_id=recipient,
            purpose_code=purpose,
            text=say(
                "page.grant.choice",
                recipient=_recipient(recipient, names, language),
                purpose=say(f"page.purpose.{purpose}"),
            ),
        )
        for recipient, purpose in pairs
    )


def looks(
    rows: Sequence[tuple[datetime, str, str]], *, own: str, names: Mapping[str, str], zone: str, language: Language
) -> tuple[Look, ...]:
    """Looks as (time, viewer, what), in their order; `own` is the obligor itself."""

    def who(viewer: str) -> str:
        return wording(language).say("page.looks.you") if viewer == own else _recipient(viewer, names, language)

    return tuple(
        Look(
            when=instant_text(time, zone=zone, language=language),
            machine_time=time.isoformat(),
            who=who(viewer),
            what=_looked_at(what, language),
        )
        for time, viewer, what in rows
    )


def _standing(consent: Mapping[str, Any], names: Mapping[str, str], zone: str, language: Language) -> ShownConsent:
    say = wording(language).say
    recipient = _recipient(consent["recipient"], names, language)
    mark = consent["mark"] if f"page.mark.{consent['mark']}" in wording(language).sentences else "other"
    granted = _local_day(consent["granted_time"], zone, language)
    return ShownConsent(
        recipient_id=consent["recipient"],
        purpose_code=consent["purpose"],
        recipient=recipient,
        purpose=say(f"page.purpose.{consent['purpose']}"),
        given=say("page.consents.on", how=say(f"page.mark.{mark}"), day=granted),
        until=_local_day(consent["expires_time"], zone, language)
        if consent["expires_time"]
        else say("page.consents.open"),
        withdrawal=say("page.withdraw.platform")
        if consent["recipient"] == PLATFORM
        else say("page.withdraw.partner", recipient=recipient),
    )


def _recipient(recipient: str, names: Mapping[str, str], language: Language) -> str:
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
