"""What Prometheus scrapes: counted per app, in a registry of its own."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
AGES = (60.0, 3600.0, 86_400.0, 7 * 86_400.0, 30 * 86_400.0, 90 * 86_400.0, 365 * 86_400.0)


class Metrics:
    """The counters of one app."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "millgrade_requests", "Requests by operation and status.", ("operation", "status"), registry=self.registry
        )
        self.seconds = Histogram(
            "millgrade_request_seconds",
            "Seconds until the answer, by operation.",
            ("operation",),
            buckets=SECONDS,
            registry=self.registry,
        )
        self.decisions = Counter(
            "millgrade_decisions", "Decisions by outcome and grade.", ("outcome", "grade"), registry=self.registry
        )
        self.rows = Counter(
            "millgrade_rows", "Rows of telemetry by what became of them.", ("result",), registry=self.registry
        )
        self.snapshot_age = Histogram(
            "millgrade_snapshot_age_seconds",
            "Age of the snapshot that an answer rests on.",
            buckets=AGES,
            registry=self.registry,
        )
        self.unknown_categories = Counter(
            "millgrade_unknown_categories",
            "Words that no mapping or parameter knows, by the column they stood in.",
            ("column",),
            registry=self.registry,
        )

    def exposition(self) -> bytes:
        """All of it in the text format of Prometheus."""
        return generate_latest(self.registry)
