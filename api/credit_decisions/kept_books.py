"""Lenders' books as they were last read, kept in the process debtor by debtor, each for as long as it holds.

Nothing here is a source: every decision first asks the database who consents and what came in since, so that a kept
book is, to the fen, the one that would be read anew, however many processes serve and whichever of them took the news
in. What is kept is lost with the process and read again.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from threading import Lock
from weakref import WeakKeyDictionary

import duckdb
import sqlalchemy as sa

from data_contracts.contract import RecordKind
from data_contracts.identifiers import PartnerId
from data_contracts.observations.lake import beside, open_lake
from data_contracts.observations.news import Seen, seen_now, told_of_since
from scoring.portfolio.core_enterprises import LookedThrough, looked_through
from scoring.portfolio.debtors import Held

KINDS = (RecordKind.FACILITY, RecordKind.REPAYMENT, RecordKind.INVOICE)
"""The ledgers that a book follows from."""

OBLIGORS = 50_000
"""Of how many obligors a process keeps anything, all books together; a debtor with its buyers takes some kilobytes."""

Read = Callable[[Sequence[str]], Mapping[str, Held]]
"""Reads some obligors as of the instant that is asked about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BookKey:
    """Which book: a lender's under these names, in one currency, on one local day; live, or for a test key."""

    partner: PartnerId
    livemode: bool
    lenders: tuple[str, ...]
    currency: str
    day: date


@dataclass(slots=True)
class _Whole:
    """A book that was added up: of whom, and from when until when it is this."""

    shown: str
    since: datetime
    until: datetime
    book: LookedThrough


@dataclass(slots=True)
class Book:
    """What is kept of one book: what its obligors owe, with the sales of those that owe anything, and the sales of
    applicants. Whoever has it has it alone, so that of fifty who ask at once one reads."""

    turn: Lock = field(default_factory=Lock)
    seen: Seen | None = None
    debtors: dict[str, Held] = field(default_factory=dict)
    sellers: dict[str, Held] = field(default_factory=dict)
    whole: _Whole | None = None

    @property
    def obligors(self) -> int:
        """Of how many something is kept."""
        return len(self.debtors) + len(self.sellers)

    def catch_up(self, connection: sa.Connection) -> None:
        """Forget those of whom ledgers told anything since; all, where that is not to be found out."""
        now = seen_now(connection)
        told = None if self.seen is None else told_of_since(connection, self.seen, now, kinds=KINDS)
        gone = [*self.debtors, *self.sellers] if told is None else told
        for obligor in gone:
            self.sellers.pop(obligor, None)
            if self.debtors.pop(obligor, None) is not None:
                self.whole = None
        self.seen = now

    def looked_through(self, shown: str, *, as_of: datetime, read: Read) -> LookedThrough:
        """The book of those who are `shown` (codes, joined by commas) as of an instant."""
        whole = self.whole
        if whole is None or whole.shown != shown or not whole.since <= as_of < whole.until:
            whole = self.whole = self._added_up(shown, as_of=as_of, read=read)
        return whole.book

    def sales_of(self, applicant: str, *, as_of: datetime, read: Read) -> Mapping[str, int]:
        """What an applicant sold to each of its buyers, whether it owes anything or not."""
        owing = self.debtors.get(applicant)
        if owing is not None and owing.debtor.owed_minor and _holds(owing, as_of):
            return owing.debtor.sold
        return _filled(self.sellers, [applicant], as_of=as_of, read=read)[0].debtor.sold

    def _added_up(self, shown: str, *, as_of: datetime, read: Read) -> _Whole:
        names = shown.split(",") if shown else []
        items = _filled(self.debtors, names, as_of=as_of, read=read)
        return _Whole(
            shown=shown,
            since=max((item.since for item in items), default=as_of),
            until=min((item.until for item in items), default=as_of),
            book=looked_through({name: item.debtor for name, item in zip(names, items, strict=True)}),
        )


class Shelf:
    """The books of one database, the one asked for longest ago first, and the engine that reads them: to start one
    takes longer than to read of one debtor."""

    def __init__(self) -> None:
        self._lake: duckdb.DuckDBPyConnection | None = None
        self._books: OrderedDict[BookKey, Book] = OrderedDict()
        self._turn = Lock()

    @contextmanager
    def book(self, key: BookKey) -> Iterator[Book]:
        """The book of a key, new where none is kept, to oneself; afterwards books go until few enough are left."""
        with self._turn:
            book = self._books.setdefault(key, Book())
            self._books.move_to_end(key)
        with book.turn:
            yield book
        with self._turn:
            while len(self._books) > 1 and self.obligors > OBLIGORS:
                self._books.popitem(last=False)

    def lake(self) -> duckdb.DuckDBPyConnection:
        """A connection to the engine, for one reader."""
        with self._turn:
            self._lake = self._lake or open_lake()
            return beside(self._lake)

    @property
    def obligors(self) -> int:
        """Of how many obligors something is kept, counted in every book anew."""
        return sum(book.obligors for book in self._books.values())


_shelves: WeakKeyDictionary[sa.Engine, Shelf] = WeakKeyDictionary()
_making = Lock()


def shelf_of(engine: sa.Engine) -> Shelf:
    """The books that this process keeps of a database."""
    with _making:
        return _shelves.setdefault(engine, Shelf())


def _filled(kept: dict[str, Held], names: Sequence[str], *, as_of: datetime, read: Read) -> list[Held]:
    """These obligors as of an instant; those that are not kept, or as of another one, are read."""
    absent = [name for name in names if not _holds(kept.get(name), as_of)]
    if absent:
        kept.update(read(absent))
    return [kept[name] for name in names]


def _holds(item: Held | None, as_of: datetime) -> bool:
    return item is not None and item.since <= as_of < item.until
