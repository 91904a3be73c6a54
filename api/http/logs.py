"""Structured logs: one JSON object a line, for machines. Never a payload, never a secret."""

from __future__ import annotations

import logging
from typing import Any, TextIO

import structlog

Logger = Any
"""A bound structlog logger (structlog types it dynamically)."""


class ServerLines(logging.Handler):
    """Tells what the server below the app has to say as lines of the same kind, without traces: those quote values."""

    def __init__(self, logger: Logger) -> None:
        super().__init__(level=logging.WARNING)
        self.logger = logger

    def emit(self, record: logging.LogRecord) -> None:
        """One line for one record."""
        self.logger.log(record.levelno, "server", message=record.getMessage().strip())


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
