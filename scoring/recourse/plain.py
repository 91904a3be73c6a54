"""Recourse as plain objects, for answers and for keeping."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from scoring.recourse.records import Mark, Promise, Recourse


def plain_recourse(recourse: Recourse) -> dict[str, Any]:
    """The whole as a plain object; days and instants in ISO 8601."""
    told: dict[str, Any] = _plain(asdict(recourse))
    return told


def parse_promise(plain: dict[str, Any]) -> Promise:
    """The promise of a plan, as `plain_recourse` wrote it."""
    amounts = {
        name: tuple((quantity, amount) for quantity, amount in plain[name]) for name in ("least_minor", "most_minor")
    }
    return Promise(**{**plain, **amounts, "marks": tuple(Mark(**mark) for mark in plain["marks"])})


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(member) for name, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(member) for member in value]
    return value.isoformat() if isinstance(value, (date, datetime)) else value
