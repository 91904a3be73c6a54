"""Group commit: batches that come in at the same time share one transaction, one file for each folder, and one sync.

    answer = intake.commit(member)       # member(connection, gathered) -> answer; returns once the group is committed

Whoever finds nobody at work leads: it opens the transaction, takes everyone who waits, runs each in a savepoint of its
own, writes the rows of all, commits, and wakes them. Nobody waits for a timer: a lone batch is a group of one, and
under load a group is whoever came in while the one before was committed. A member that fails is rolled back alone. What
fails the group (a full disk, a lost database) fails every member, and none of them was acknowledged. A killed process
keeps whole groups or nothing of them, as each is one transaction.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from threading import Condition
from typing import Any, Generic, TypeVar

import sqlalchemy as sa

from api.database.engine import unit_of_work
from api.errors import IntakeBusy
from api.evidence.service import record_files
from api.home import Home
from data_contracts.observations import register
from data_contracts.observations.gathering import Gathering
from data_contracts.observations.store import ObservationStore

MOST_MEMBERS = 64
"""A group of more would keep its first member waiting for its last."""

MOST_WAITING = 256
"""As many may wait as are acknowledged in a few seconds; the others are told at once to come again."""

Result = TypeVar("Result")
Member = Callable[[sa.Connection, Gathering], Result]
"""What one batch does within the group's transaction; its rows go into what is gathered."""


@dataclass(eq=False)
class _Place(Generic[Result]):
    """A member in the queue, and what became of it."""

    member: Member[Result]
    result: Result | None = None
    error: BaseException | None = None
    is_done: bool = False


class GroupCommit:
    """A queue of one home, shared by the threads of a process.

    One whose members write no rows `admits` nothing and leaves the register's turn to those who do.
    """

    def __init__(self, home: Home, *, admits: bool = True) -> None:
        self.home, self.admits = home, admits
        self._store = ObservationStore(home.observations)
        self._changed = Condition()
        self._waiting: deque[_Place[Any]] = deque()
        self._is_at_work = False

    def commit(self, member: Member[Result]) -> Result:
        """What `member` gives, once it is committed together with whoever else came in. Raises what it raises, and
        IntakeBusy where too many wait already."""
        place = self._enter(member)
        while self._leads(place):
            self._work()
        if place.error is not None:
            raise place.error
        return place.result  # type: ignore[return-value]  # a member that is done without error has its result

    def _enter(self, member: Member[Result]) -> _Place[Result]:
        with self._changed:
            if len(self._waiting) >= MOST_WAITING:
                raise IntakeBusy(
                    f"{MOST_WAITING} requests wait to be written.",
                    hint="Send it again in a few seconds.",
                )
            place = _Place(member)
            self._waiting.append(place)
            return place

    def _leads(self, place: _Place[Any]) -> bool:
        """Waits until the place is done (False), or nobody is at work and this thread is to be (True)."""
        with self._changed:
            self._changed.wait_for(lambda: place.is_done or not self._is_at_work)
            self._is_at_work = self._is_at_work or not place.is_done
            return not place.is_done

    def _work(self) -> None:
        """Commit one group. Whatever happens, its members are done and the next may lead."""
        group: list[_Place[Any]] = []
        try:
            self._commit(group)
        except BaseException as error:  # each member raises it in its own thread
            for place in group or self._taken(group):
                place.error = place.error or error
        finally:
            with self._changed:
                for place in group:
                    place.is_done = True
                self._is_at_work = False
                self._changed.notify_all()

    def _commit(self, group: list[_Place[Any]]) -> None:
        gathered = Gathering(self._store)
        with unit_of_work(self.home.engine) as connection:
            if self.admits:
                # The one order of locks: what members lock after this, they lock within this turn.
                register.take_turn(connection)
            for place in self._taken(group):  # one alone too: what its savepoint is refused has written no file yet
                _run(place, connection, gathered)
            record_files(connection, gathered.write(connection))

    def _taken(self, group: list[_Place[Any]]) -> list[_Place[Any]]:
        """The group, having become of those who wait now, in the order in which they came."""
        with self._changed:
            group += [self._waiting.popleft() for _ in range(min(len(self._waiting), MOST_MEMBERS))]
        return group


def _run(place: _Place[Any], connection: sa.Connection, gathered: Gathering) -> None:
    """Run one member; where it fails, nothing of it stays. Raises where the transaction itself is lost."""
    mark, savepoint = gathered.mark, connection.begin_nested()
    try:
        place.result = place.member(connection, gathered)
        savepoint.commit()
    except Exception as error:  # the member raises it in its own thread
        place.error = error
        gathered.take_back(mark)
        savepoint.rollback()
