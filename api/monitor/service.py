"""Monitoring the model that answers: who is scored now, what became of those scored before, overrides, the challenger,
and what of it is an alarm."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import sqlalchemy as sa

from api.database.engine import reading
from api.home import Home
from api.models import service as models
from api.monitor import outcomes
from api.monitor.outcomes import Decided
from api.obligors.repository import all_ids
from api.shadow import service as shadow
from api.snapshots import repository as snapshots
from data_contracts.identifiers import PartnerId
from features.snapshot import FeatureSnapshot
from scoring import registry
from scoring.cards import within_reach
from scoring.credit.artefact import CreditArtefact
from scoring.credit.score import score_many
from scoring.governance import ModelMandate
from scoring.monitoring.outcomes import Kept, Promise, come_due
from scoring.monitoring.stability import Drift, Stability, read_bins, stability
from scoring.records import ScoreSource
from scoring.training.metrics import area_under_curve
from scoring.training.validation.discrimination import area_gained

WINDOW = timedelta(days=92)
"""Snapshots so old at most are who is scored now."""

ENDS_SOON = timedelta(days=30)
BLOCK = 256
SEED = 1


def monitor(home: Home, *, as_of: datetime, now: datetime) -> dict[str, Any]:
    """Everything that is monitored, as known at `as_of`, with its alarms. Raises NoModel."""
    artefact, mandate = models.answering_credit(home, now=as_of)
    pointer = registry.pointer_of(home.models, "credit")
    values = models.scoring_parameters().at(as_of)
    settings, rules = values["drift_alarms"], values["override_rules"]
    figures = registry.load_figures(home.models, "credit", artefact.version)
    with reading(home.engine) as connection:
        defaults = outcomes.first_defaults(connection, home, as_of=as_of)
        promises = outcomes.promises_of_scores(connection, as_of=as_of)
        decided = outcomes.decided(connection, as_of=as_of)
        population = _population(connection, home, artefact, as_of=as_of)
        compared = _compared(connection, home, defaults, as_of=as_of)
    told = {
        "as_of": as_of.isoformat(),
        "monitored_time": now.isoformat(),
        "model_version": artefact.version,
        "mandate": mandate.value,
        "expires_time": None if pointer is None or pointer.expires_time is None else pointer.expires_time.isoformat(),
        "population": _stability(population, artefact, figures, settings),
        "cohorts": outcomes.cohorts(promises, defaults, as_of=as_of),
        "discrimination": _discrimination(promises, defaults, figures, as_of=as_of),
        "overrides": _overrides(decided, defaults, rules, as_of=as_of),
        "challenger": compared,
        "statement": artefact.card.statement,
    }
    return {**told, "alarms": list(alarms(told, settings))}


def outcome_register(home: Home, *, as_of: datetime, partner: PartnerId | None = None) -> dict[str, Any]:
    """The outcome register as known at `as_of`, of one partner or of all."""
    with reading(home.engine) as connection:
        return register_of(connection, home, as_of=as_of, partner=partner)


def register_of(
    connection: sa.Connection,
    home: Home,
    *,
    as_of: datetime,
    partner: PartnerId | None,
    livemode: bool | None = None,
) -> dict[str, Any]:
    """The same in the caller's transaction, of one mode or of both; what others reported is not in one's own."""
    decisions = outcomes.decided(connection, as_of=as_of, partner=partner, livemode=livemode)
    of_whom = None if partner is None else decisions
    defaults = outcomes.first_defaults(connection, home, as_of=as_of, of_whom=of_whom)
    return outcomes.register(decisions, defaults, as_of=as_of)


def _population(
    connection: sa.Connection, home: Home, artefact: CreditArtefact, *, as_of: datetime
) -> list[FeatureSnapshot]:
    """The latest snapshot of everybody who has one of late."""
    found = snapshots.latest_of(connection, home, all_ids(connection), since=as_of - WINDOW, until=as_of)
    return [found[obligor] for obligor in sorted(found)]


def _stability(
    population: Sequence[FeatureSnapshot],
    artefact: CreditArtefact,
    figures: Mapping[str, Any] | None,
    settings: Mapping[str, Any],
) -> dict[str, Any]:
    """The score and the inputs of those who are scored now against the months that the model was tested on."""
    fitting = [item for item in population if _fits(item, artefact)]
    records = [
        record
        for start in range(0, len(fitting), BLOCK)
        for record in score_many(fitting[start : start + BLOCK], artefact, models.scoring_parameters())
    ]
    by_model = [at for at, record in enumerate(records) if record.source is ScoreSource.MODEL]
    told: dict[str, Any] = {
        "obligors": len(population),
        "of_another_catalogue": len(population) - len(fitting),
        "thin_history": len(fitting) - len(by_model),
        "score": None,
        "features": [],
    }
    if figures is None or not by_model:
        return told
    keys = [feature.key for feature in artefact.card.features]
    rows = within_reach(np.array([fitting[at].vector(keys) for at in by_model]), artefact.card.features)
    pd = np.array([records[at].pd_12m for at in by_model])
    bins = figures["bins"]
    inputs = [
        {"feature": key, **_index(stability(read_bins(bins["features"][key]), rows[:, at], settings))}
        for at, key in enumerate(keys)
    ]
    log_odds = np.log(pd) - np.log1p(-pd)
    return {
        **told,
        "score": _index(stability(read_bins(bins["log_odds"]), log_odds, settings)),
        "features": sorted(inputs, key=lambda item: (-item["psi"], item["feature"])),
    }


def _fits(snapshot: FeatureSnapshot, artefact: CreditArtefact) -> bool:
    return all(feature.key in snapshot.values for feature in artefact.card.features)


def _index(found: Stability) -> dict[str, Any]:
    return {"psi": found.psi, "expected_by_chance": found.expected_by_chance, "drift": found.drift.value}


def _discrimination(
    promises: Sequence[Promise],
    defaults: Mapping[str, datetime],
    figures: Mapping[str, Any] | None,
    *,
    as_of: datetime,
) -> dict[str, Any]:
    """The area under the curve of all scores that have come due, beside that of the validation."""
    kept = come_due(promises, defaults, known_until=as_of)
    validated = None if figures is None or figures["discrimination"] is None else figures["discrimination"]["auc"]
    pd, struck = _arrays(kept)
    has_both = len(kept) > 0 and 0 < struck.mean() < 1
    return {
        "rows": len(kept),
        "defaults": int(struck.sum()),
        "auc": area_under_curve(pd, struck).model_dump() if has_both else None,
        "auc_at_validation": validated,
    }


def _arrays(kept: Sequence[Kept]) -> tuple[Any, Any]:
    pd = np.array([item.promise.pd_12m for item in kept], dtype=np.float64)
    return pd, np.array([item.defaulted for item in kept], dtype=np.bool_)


def _overrides(
    decided: Sequence[Decided], defaults: Mapping[str, datetime], rules: Mapping[str, Any], *, as_of: datetime
) -> dict[str, Any]:
    ways = outcomes.overridden(decided, defaults, as_of=as_of)
    changed = sum(ways[way]["decisions"] for way in ("eased", "tightened"))
    return {
        "decisions": len(decided),
        "overridden": changed,
        "share": changed / len(decided) if decided else None,
        "most_share": rules["most_share"],
        "by_way": ways,
    }


def _compared(
    connection: sa.Connection, home: Home, defaults: Mapping[str, datetime], *, as_of: datetime
) -> dict[str, Any] | None:
    """The challenger beside the model that answered, on the same decisions."""
    version = registry.challenger_of(home.models, "credit")
    if version is None:
        return None
    rows = shadow.answers(connection, version, at=as_of)
    told = [row for row in rows if row.shadow_error is None]
    both = {item.row.decision_id: item for item in outcomes.decided(connection, as_of=as_of)}
    pairs = [(both[row.decision_id].promise, row) for row in told if row.model_version is not None]
    theirs = [Promise(subject=row.obligor_id, as_of=row.as_of, pd_12m=row.shadow_pd_12m) for _, row in pairs]
    ours_due, theirs_due = (
        come_due(side, defaults, known_until=as_of) for side in ([promise for promise, _ in pairs], theirs)
    )
    return {
        "model_version": version,
        "decisions": len(rows),
        "failed": len(rows) - len(told),
        "other_grade": sum(row.rating_grade != row.shadow_rating_grade for row in told),
        "other_outcome": sum(row.outcome != row.shadow_outcome for row in told),
        "mean_pd": _mean(promise.pd_12m for promise, _ in pairs),
        "challengers_mean_pd": _mean(item.pd_12m for item in theirs),
        "come_due": len(ours_due),
        **_paired(ours_due, theirs_due),
    }


def _mean(values: Iterable[float]) -> float | None:
    found = list(values)
    return float(np.mean(found)) if found else None


def _paired(ours: Sequence[Kept], theirs: Sequence[Kept]) -> dict[str, Any]:
    """Log-loss of both, and what the challenger's area gains, on the same draws of obligors."""
    pd, struck = _arrays(ours)
    other, _ = _arrays(theirs)
    if not len(struck) or not 0 < struck.mean() < 1:
        return {"log_loss": None, "challengers_log_loss": None, "challenger_gains": None}
    firms = np.array([item.promise.subject for item in ours])
    return {
        "log_loss": _log_loss(pd, struck),
        "challengers_log_loss": _log_loss(other, struck),
        "challenger_gains": area_gained(other, pd, struck, firms, seed=SEED).model_dump(),
    }


def _log_loss(pd: Any, struck: Any) -> float:
    return float(-np.mean(np.where(struck, np.log(pd), np.log1p(-pd))))


def alarms(told: Mapping[str, Any], settings: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """What a person must look at: a code, what it is about, its figure and the limit."""
    yield from _of_the_mandate(told)
    yield from _of_the_population(told["population"], settings)
    for cohort in told["cohorts"]:
        if cohort["optimism"] is not None and cohort["optimism"] < settings["calibration_p_value"]:
            yield _alarm("cohort_too_optimistic", cohort["cohort"], cohort["optimism"], settings["calibration_p_value"])
    found, before = told["discrimination"], told["discrimination"]["auc_at_validation"]
    if found["auc"] is not None and before is not None and found["defaults"] >= settings["least_defaults"]:
        fall = before["value"] - found["auc"]["value"]
        if fall > settings["auc_fall"] and found["auc"]["upper"] < before["value"]:
            yield _alarm("auc_fell", "scores", fall, settings["auc_fall"])
    overrides = told["overrides"]
    if overrides["share"] is not None and overrides["share"] > overrides["most_share"]:
        yield _alarm("too_many_overrides", "decisions", overrides["share"], overrides["most_share"])
    challenger = told["challenger"]
    if challenger is not None and challenger["failed"]:
        yield _alarm("challenger_failed", challenger["model_version"], challenger["failed"], 0)


def _of_the_mandate(told: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    if told["mandate"] != ModelMandate.VALIDATED.value:
        yield _alarm(f"model_{told['mandate']}", told["model_version"], None, None)
    elif datetime.fromisoformat(told["expires_time"]) - ENDS_SOON <= datetime.fromisoformat(told["as_of"]):
        yield _alarm("validation_ends_soon", told["expires_time"], None, None)


def _of_the_population(population: Mapping[str, Any], settings: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    score, limit = population["score"], settings["psi_shifted"]
    if score is not None and score["drift"] == Drift.SHIFTED.value:
        yield _alarm("score_shifted", "score", score["psi"], limit)
    for item in population["features"]:
        if item["drift"] == Drift.SHIFTED.value:
            yield _alarm("feature_shifted", item["feature"], item["psi"], limit)


def _alarm(code: str, subject: str, value: float | None, limit: float | None) -> dict[str, Any]:
    return {"code": code, "subject": subject, "value": value, "limit": limit}
