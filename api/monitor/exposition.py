"""What a run of `millgrade monitor` found, as metrics for Prometheus: a file that its node exporter collects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Gauge, generate_latest


def exposition(told: Mapping[str, Any]) -> bytes:
    """The gauges of one run; a figure that is not known is left out."""
    registry = CollectorRegistry()

    def gauge(name: str, words: str, *labels: str) -> Gauge:
        return Gauge(f"millgrade_monitor_{name}", words, labels, registry=registry)

    psi = gauge("psi", "Population stability index of the score and of each input.", "subject")
    population, score = told["population"], told["population"]["score"]
    if score is not None:
        psi.labels("score").set(score["psi"])
    for item in population["features"]:
        psi.labels(item["feature"]).set(item["psi"])
    gauge("obligors", "Obligors with a snapshot of late.").set(population["obligors"])
    ratio = gauge("actual_to_expected", "Defaults over what the PDs promised, by cohort.", "cohort")
    for cohort in told["cohorts"]:
        if cohort["actual_to_expected"] is not None:
            ratio.labels(cohort["cohort"]).set(cohort["actual_to_expected"])
    if told["discrimination"]["auc"] is not None:
        gauge("auc", "Area under the curve of scores that have come due.").set(told["discrimination"]["auc"]["value"])
    if told["overrides"]["share"] is not None:
        gauge("override_share", "Share of decisions that were set aside.").set(told["overrides"]["share"])
    alarms = gauge("alarms", "Alarms by code.", "code")
    for alarm in told["alarms"]:
        alarms.labels(alarm["code"]).inc()
    return generate_latest(registry)
