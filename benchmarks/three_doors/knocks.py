"""Questions that are refused, each beside the same question about something that does not exist."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import httpx

from api.demo import WORLD_ENDS
from api.demo_doors import Door
from benchmarks.three_doors.doors import Doors
from benchmarks.three_doors.exchange import Exchange, ask
from data_contracts.identifiers import ObligorId

NO_ID = "0" * 24


@dataclass(frozen=True, kw_only=True)
class Hidden:
    """Something that is not for everybody: how it is asked for, its id, and an id of its kind that nothing has.

    With a `door` the id is an obligor's and goes into the question that the door takes.
    """

    what: str
    path: str
    real: str
    absent: str
    door: Door | None = None

    @property
    def request(self) -> str:
        """The request as people read it."""
        return f"{'GET' if self.door is None else 'POST'} {self.path}"

    def ask(self, client: httpx.Client, key: str | None, identifier: str) -> Exchange:
        """Ask for what bears this id."""
        if self.door is None:
            return ask(client, key, "GET", self.path.format(id=identifier))
        return ask(client, key, "POST", self.path, self.door.question(ObligorId(identifier), WORLD_ENDS))


@dataclass(frozen=True, kw_only=True)
class Knock:
    """Somebody's question for something hidden, and for what does not exist."""

    who: str
    wanted: Hidden
    hidden: Exchange
    absent: Exchange

    @property
    def is_alike(self) -> bool:
        """Whether the two refusals are the same, byte for byte apart from the request's id."""
        return (self.hidden.status, self.hidden.without_request_id()) == (
            self.absent.status,
            self.absent.without_request_id(),
        )


def knock_everywhere(client: httpx.Client, doors: Doors, decision: Exchange, quote: Exchange) -> tuple[Knock, ...]:
    """Everybody asks for what is not theirs."""
    return tuple(
        Knock(
            who=who,
            wanted=wanted,
            hidden=wanted.ask(client, key, wanted.real),
            absent=wanted.ask(client, key, wanted.absent),
        )
        for who, key, wanted in _attempts(doors, decision, quote)
    )


def _attempts(doors: Doors, decision: Exchange, quote: Exchange) -> Iterator[tuple[str, str | None, Hidden]]:
    (bank, bank_key), (insurer, insurer_key) = doors.partners
    a_decision = Hidden(
        what="the bank's decision",
        path=f"{bank.path}/{{id}}",
        real=decision.json["decision"]["decision_id"],
        absent=f"d{NO_ID}",
    )
    a_quote = Hidden(
        what="the insurer's quote",
        path=f"{insurer.path}/{{id}}",
        real=quote.json["quote"]["quote_id"],
        absent=f"q{NO_ID}",
    )
    score, log = (
        _of_obligor(doors, what, name)
        for what, name in (("the obligor's score", "score"), ("who looked", "access-log"))
    )
    loan = Hidden(what="a decision", path=bank.path, real=doors.obligor, absent=doors.absent, door=bank)
    cover = Hidden(what="a quote", path=insurer.path, real=doors.obligor, absent=doors.absent, door=insurer)
    asking = (
        ("the bank", bank_key, (a_quote, cover, log)),
        ("the insurer", insurer_key, (a_decision, loan, score)),
        ("another bank, without consent", doors.stranger, (a_decision, loan, score)),
        ("another obligor", doors.neighbour, (a_decision, a_quote, score, log)),
        ("nobody: no key", None, (a_decision, a_quote, score)),
    )
    for who, key, things in asking:
        yield from ((who, key, thing) for thing in things)


def _of_obligor(doors: Doors, what: str, name: str) -> Hidden:
    return Hidden(what=what, path=f"/v1/obligors/{{id}}/{name}", real=doors.obligor, absent=doors.absent)
