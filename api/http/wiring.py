"""What every door of one app works with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from fastapi import FastAPI

from api.group_commit import GroupCommit
from api.home import Home
from api.http.limits import Limits
from api.http.logs import Logger
from api.http.metrics import Metrics


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """The home, its intake and the queue of those who want a receipt, the clock, the limits, and where requests are
    counted and logged."""

    home: Home
    intake: GroupCommit
    receipts: GroupCommit
    clock: Callable[[], datetime]
    limits: Limits
    metrics: Metrics
    logger: Logger


def set_doors(app: FastAPI, doors: Doors) -> None:
    """Give an app what its doors work with."""
    app.state.doors = doors


def doors_of(app: FastAPI) -> Doors:
    """What `set_doors` gave."""
    doors = app.state.doors
    assert isinstance(doors, Doors), "create_app gives every app its doors"
    return doors
