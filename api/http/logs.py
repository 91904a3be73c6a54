"""Structured logs: one JSON object a line, for machines. Never a payload, never a secret."""

from __future__ import annotations

from typing import Any, TextIO

import structlog

Logger = Any
"""A bound structlog logger (structlog types it dynamically)."""


def make_logger(stream: TextIO) -> Logger:
    """A logger that writes to `stream`, and to nothing else."""
    return structlog.wrap_logger(
        structlog.WriteLogger(file=stream),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(sort_keys=True),
        ],
    )
