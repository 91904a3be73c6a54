"""The cheapest plans that change a decision: an exact search over a finite grid of levers, strengths and days held.

Plans are asked in order of effort, so that the first that does is the cheapest on the grid. A branch (a set of levers)
is cut off unasked where its best corner does not do: the model is monotone, so that with every feature that these
levers move at its best, and all others as they are, the PD is the least that any plan of the branch can reach. A plan
that does is held against peers, the model's members, and the physics check; one that fails there is not offered.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import combinations, product

from features.feature_value import FeatureValue
from features.snapshot import FeatureSnapshot
from features.trust import CheckState, DataTrust, Severity, TrustGrade
from features.what_if import TOGETHER, Told, WhatIf
from scoring.cards import ModelFeature
from scoring.records import CreditDecision, Outcome, RuleId, ScoreSource
from scoring.recourse.grounds import DecisionGrounds
from scoring.recourse.levers import LEVERS, LeverName
from scoring.recourse.promise import promised
from scoring.recourse.reach import PeerReach
from scoring.recourse.records import Answer, Plan, Recourse, Searched, Step
from scoring.recourse.terms import RecourseTerms

BY_SCORE = frozenset({"S01_grade_cut_off", "S02_interval_straddles", "S03_referral_band"})
"""Rules that look at the PD and the upper end of its interval alone, and are monotone in both."""
BEYOND_ANY = 1e30
"""No feature is ever so large; a tree asks only on which side of its cuts a value lies."""
NOT_BY_LEVERS = ("X", "F", "C", "K05", "T01")
"""Rules of which no lever moves what they look at: lists and courts, the lender's facts, the currency, the mandate and
the tenor asked for; by the beginnings of their ids."""

Pull = tuple[LeverName, float]
Pulls = tuple[Pull, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A point of the grid."""

    pulls: Pulls
    held: int
    effort: int

    @property
    def levers(self) -> frozenset[LeverName]:
        """Which levers it pulls."""
        return frozenset(name for name, _ in self.pulls)


def find_recourse(asked: WhatIf, grounds: DecisionGrounds, terms: RecourseTerms, reach: PeerReach) -> Recourse:
    """What the obligor can do about the decision that these grounds give: approval, else at least a referral."""
    return _Search(asked, grounds, terms, reach).run()


class _Search:
    """One search: what was told under each pull, and what was concluded of it, are remembered."""

    def __init__(self, asked: WhatIf, grounds: DecisionGrounds, terms: RecourseTerms, reach: PeerReach) -> None:
        self.asked, self.grounds, self.terms, self.reach = asked, grounds, terms, reach
        (self.base,) = grounds.decisions([asked.base])
        self._told: dict[tuple[int, Pulls], Told | None] = {(held, ()): asked.told for held in terms.held_days}
        self._concluded: dict[Candidate, tuple[FeatureSnapshot, CreditDecision] | None] = {}
        self.pruned = 0

    def run(self) -> Recourse:
        """The answer."""
        targets = [item for item in (Outcome.APPROVE, Outcome.REFER) if item.severity < self.base.outcome.severity]
        if not targets:
            return self._answer(Answer.NOT_NEEDED, [], [], ())
        reachable = [target for target in targets if not self._against(target)]
        if not reachable:
            return self._answer(Answer.NOT_BY_LEVERS, [], [], self._against(targets[-1]))
        grid = self._grid()
        for target in reachable:
            if plans := self._plans(grid, target):
                return self._answer(Answer.PLANS, grid, plans, self._against(Outcome.APPROVE))
        return self._answer(Answer.NO_PLAN, grid, [], self._against(Outcome.APPROVE))

    def _against(self, target: Outcome) -> tuple[RuleId, ...]:
        return tuple(
            finding.rule_id
            for finding in self.base.findings
            if finding.outcome.severity > target.severity and is_fixed(finding.rule_id)
        )

    def _grid(self) -> list[Candidate]:
        """Every point of the levers that are offered, the least effort first."""
        points = []
        for held in self.terms.held_days:
            pulls = {
                name: [(name, strength) for strength in own.strengths]
                for name, own in self.terms.levers.items()
                if own.offered
            }
            ordered = [name for name in LEVERS if name in pulls]
            for count in range(1, self.terms.most_levers + 1):
                for names in combinations(ordered, count):
                    points += [self._candidate(some, held) for some in product(*(pulls[name] for name in names))]
        return sorted(points, key=lambda item: (item.effort, item.held, len(item.pulls), item.pulls))

    def _candidate(self, pulls: Pulls, held: int) -> Candidate:
        effort = sum(self.terms.effort(name, strength, held) for name, strength in pulls)
        return Candidate(pulls=pulls, held=held, effort=effort)

    def _plans(self, grid: Sequence[Candidate], target: Outcome) -> list[Plan]:
        """Up to so many plans of different levers, the cheapest first; none holds all levers of a cheaper one."""
        alive = self._alive(grid, target)
        self.pruned = sum(candidate.levers not in alive for candidate in grid)
        found: list[Plan] = []
        chosen: list[frozenset[LeverName]] = []
        left = [candidate for candidate in grid if candidate.levers in alive]
        while left and len(found) < self.terms.plans:
            part = self._next(left)
            self._conclude(part)
            for candidate in part:
                if len(found) == self.terms.plans or any(levers <= candidate.levers for levers in chosen):
                    continue
                if plan := self._plan(candidate, target):
                    found.append(plan)
                    chosen.append(candidate.levers)
            left = [item for item in left[len(part) :] if not any(levers <= item.levers for levers in chosen)]
        return found

    def _next(self, left: Sequence[Candidate]) -> list[Candidate]:
        """The next candidates, until so many of them have room as are asked together."""
        part: list[Candidate] = []
        for candidate in left:
            part.append(candidate)
            if sum(self._pulled(item.held, item.pulls) is not None for item in part) == TOGETHER:
                break
        return part

    def _alive(self, grid: Sequence[Candidate], target: Outcome) -> set[frozenset[LeverName]]:
        """The sets of levers whose best corner would do by its grade."""
        self._conclude([candidate for candidate in grid if len(candidate.pulls) == 1])
        sets = sorted({candidate.levers for candidate in grid}, key=sorted)
        if self.base.score.source is not ScoreSource.MODEL:
            return set(sets)
        moved = {name: self._moved_by(name) for name in self.terms.levers}
        corners = [
            _best(self.asked.base, self.grounds.artefact.card.features, set().union(*(moved[name] for name in levers)))
            for levers in sets
        ]
        decided = self.grounds.decisions(corners)
        return {levers for levers, best in zip(sets, decided, strict=True) if _may_do(best, target)}

    def _moved_by(self, lever: LeverName) -> set[str]:
        """The model's features that the lever moves at any strength."""
        names = [feature.key for feature in self.grounds.artefact.card.features]
        alone = [
            concluded[0]
            for candidate, concluded in self._concluded.items()
            if concluded and candidate.levers == {lever}
        ]
        return {name for name in names for snapshot in alone if snapshot.values[name] != self.asked.base.values[name]}

    def _conclude(self, candidates: Sequence[Candidate]) -> None:
        """Ask what would be concluded of candidates that were not asked yet; None where a lever has no room."""
        told = {item: self._pulled(item.held, item.pulls) for item in candidates if item not in self._concluded}
        asked = [item for item, rows in told.items() if rows is not None]
        snapshots = self.asked.snapshots([rows for rows in told.values() if rows is not None])
        self._concluded |= dict.fromkeys(told, None)
        decided = self.grounds.decisions(snapshots)
        self._concluded |= dict(zip(asked, zip(snapshots, decided, strict=True), strict=True))

    def _pulled(self, held: int, pulls: Pulls) -> Told | None:
        """What would be told under these pulls, one after the other."""
        if (held, pulls) not in self._told:
            before = self._pulled(held, pulls[:-1])
            name, strength = pulls[-1]
            self._told[held, pulls] = None if before is None else LEVERS[name].change(before, strength, held)
        return self._told[held, pulls]

    def _plan(self, candidate: Candidate, target: Outcome) -> Plan | None:
        """The plan of a candidate, where its outcome would do and nothing stands against offering it."""
        concluded = self._concluded[candidate]
        if concluded is None:
            return None
        snapshot, decision = concluded
        agreement = self.grounds.agreement(snapshot, target, pd_margin=self.terms.pd_margin)
        if (
            decision.outcome.severity > target.severity
            or agreement < self.terms.least_agreement
            or _finds_more(snapshot, self.asked.base)
            or not all(self._is_within_reach(name, snapshot) for name in candidate.levers)
        ):
            return None
        shows_by = self._shows_by(candidate)
        return Plan(
            steps=tuple(self._step(pull, candidate.held, snapshot) for pull in candidate.pulls),
            effort=candidate.effort,
            held_days=candidate.held,
            shows_by=shows_by,
            good_until=shows_by + timedelta(days=self.terms.grace_days),
            outcome=decision.outcome,
            rating_grade=decision.score.rating_grade,
            pd_12m=decision.score.pd_12m,
            pd_12m_upper=decision.score.pd_12m_upper,
            limit_minor=decision.limit.limit_minor,
            agreement=agreement,
            snapshot_id=snapshot.snapshot_id,
            promise=promised(snapshot, self.grounds, decision.outcome, most_slack=self.terms.slack),
        )

    def _shows_by(self, candidate: Candidate) -> date:
        """The day by which every lever has worked for as long as it is held."""
        lead = max(self.terms.levers[name].lead_days for name in candidate.levers)
        return self.asked.told.last_day + timedelta(days=lead + candidate.held)

    def _is_within_reach(self, lever: LeverName, snapshot: FeatureSnapshot) -> bool:
        """Whether what shows the lever stays within what most peers do; unknown where peers do not tell."""
        sign, furthest = self._gauge_of(lever)
        value = snapshot.values[self.terms.levers[lever].gauge].value
        return furthest is None or value is None or sign * (value - furthest) >= 0

    def _gauge_of(self, lever: LeverName) -> tuple[int, float | None]:
        gauge = self.terms.levers[lever].gauge
        sign = next((item.sign for item in self.grounds.artefact.card.features if item.key == gauge), 0)
        if sign == 0:
            return 0, None
        return sign, self.reach.furthest(gauge, sign=sign, quantile=self.terms.peer_quantile)

    def _step(self, pull: Pull, held: int, snapshot: FeatureSnapshot) -> Step:
        name, strength = pull
        own = self.terms.levers[name]
        begins = self.asked.told.last_day + timedelta(days=own.lead_days + 1)
        before, after = self.asked.base.values[own.gauge].value, snapshot.values[own.gauge].value
        return Step(
            lever=name,
            works=LEVERS[name].works,
            strength=strength,
            begins=begins,
            held_until=begins + timedelta(days=held - 1),
            gauge=own.gauge,
            gauge_from=before,
            gauge_to=after,
            gauge_peers=self._gauge_of(name)[1],
            percentile_from=self.reach.percentile(own.gauge, before),
            percentile_to=self.reach.percentile(own.gauge, after),
        )

    def _answer(
        self, answer: Answer, grid: Sequence[Candidate], plans: Sequence[Plan], against: tuple[RuleId, ...]
    ) -> Recourse:
        return Recourse(
            obligor_id=self.asked.base.obligor_id,
            as_of=self.asked.base.as_of,
            answer=answer,
            outcome=self.base.outcome,
            against=against,
            plans=tuple(plans),
            searched=Searched(grid=len(grid), pruned=self.pruned, asked=len(self._concluded)),
            peer_firms=self.reach.firms,
        )


def _may_do(best: CreditDecision, target: Outcome) -> bool:
    """Whether the score of a best corner asks for no more than the target. That the interval straddles does not count
    against it where its upper end alone would do: the lower end, which is no worse, then gets the same."""
    asked = {finding.rule_id: finding for finding in best.findings if finding.rule_id in BY_SCORE}
    return all(finding.outcome.severity <= target.severity for finding in asked.values())


def is_fixed(rule_id: RuleId) -> bool:
    """Whether no lever moves what the rule looks at."""
    return rule_id.startswith(NOT_BY_LEVERS)


def _best(snapshot: FeatureSnapshot, features: Sequence[ModelFeature], moved: set[str]) -> FeatureSnapshot:
    """The snapshot with these features at the best that they could ever be."""
    values: dict[str, FeatureValue] = dict(snapshot.values)
    for feature in features:
        if feature.key in moved:
            best = -feature.sign * BEYOND_ANY
            values[feature.key] = replace(
                values[feature.key], value=best, missing=None, adverse_value=best, unexcused_value=best
            )
    known = snapshot.data_trust
    agreeing = DataTrust(
        grade=TrustGrade.T1, checks=dict.fromkeys(known.checks, CheckState.AGREES), attested=known.attested
    )
    return replace(snapshot, values=values, data_trust=agreeing)


def _finds_more(changed: FeatureSnapshot, base: FeatureSnapshot) -> bool:
    """Whether the physics check finds of a changed history what it does not find of the true one, or more severely."""
    before, after = _severities(base), _severities(changed)
    return any(rank > before.get(code, -1) for code, rank in after.items())


def _severities(snapshot: FeatureSnapshot) -> Mapping[str, int]:
    found: dict[str, int] = {}
    for code, severity in _findings(snapshot):
        found[code] = max(severity.rank, found.get(code, -1))
    return found


def _findings(snapshot: FeatureSnapshot) -> Iterator[tuple[str, Severity]]:
    for finding in snapshot.data_trust.findings:
        yield str(finding.code), finding.severity
