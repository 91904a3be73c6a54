"""How far the data of an obligor can be trusted: what disagrees, how strongly, since when, and the grade of it all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any

from data_contracts.evidence.levels import AttestationLevel
from data_contracts.identifiers import MachineUid

ATTESTED_DAYS = 90
"""So far back it counts with which level machines told of themselves: a quarter, as in the features of that window."""


class Severity(StrEnum):
    """How much a finding weighs; in rising order."""

    NOTE = "note"
    """Worth a look: one in ten honest obligors shows as much."""
    MODERATE = "moderate"
    """Needs an explanation: so much is rare among honest obligors, or two statements of one thing differ."""
    SEVERE = "severe"
    """Hardly any honest obligor shows as much, or it cannot be at all."""

    @property
    def rank(self) -> int:
        """0 for the least severe."""
        return tuple(Severity).index(self)


class TrustGrade(StrEnum):
    """From T1 (everything that was compared agrees) to T5 (several independent comparisons disagree severely)."""

    T1 = "T1"
    T2 = "T2"
    T3 = "T3"
    T4 = "T4"
    T5 = "T5"

    @property
    def rank(self) -> int:
        """0 for the best."""
        return tuple(TrustGrade).index(self)


class CheckState(StrEnum):
    """What became of a comparison."""

    AGREES = "agrees"
    DISAGREES = "disagrees"
    NOT_ENOUGH_HISTORY = "not_enough_history"
    NO_SOURCE = "no_source"
    """One side of the comparison was never told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustFinding:
    """Something in the data that disagrees with something else, with the numbers by which a person can verify it.

    `machine_uid` is None where it concerns the obligor as a whole; `since` is the local day from which on it holds
    (the day itself, of a finding about one day), None where no day can be named. `strength` is -log10 of the chance
    that something as strong is found about an honest obligor, of all the comparisons made for it (2.0: one in a
    hundred); None where the finding is no matter of chance but two statements that differ.
    """

    code: str
    severity: Severity
    machine_uid: MachineUid | None
    since: date | None
    evidence: Mapping[str, Any]
    strength: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DataTrust:
    """The grade of an obligor's data, the findings behind it (most severe first), what became of each comparison, and
    how far what its machines told can be trusted to come from where it says.

    `attested` is the share of the machine-days of the last `ATTESTED_DAYS` on which a machine's rows bear each level,
    every day at the least of its rows; days of which nothing was told are in none, so that to withhold a day never adds
    to a share. A grade or a level haircuts limits and widens intervals; it never refuses by itself.
    """

    grade: TrustGrade
    findings: Sequence[TrustFinding] = ()
    checks: Mapping[str, CheckState] = field(default_factory=dict)
    attested: Mapping[AttestationLevel, float] = field(default_factory=dict)

    def level(self, quorum: float) -> AttestationLevel:
        """The highest level that a share of `quorum` of the machine-days bears, or a higher one; L0 where none does."""
        total = 0.0
        for level in reversed(AttestationLevel):
            total += self.attested.get(level, 0.0)
            if total >= quorum:
                return level
        return AttestationLevel.SELF_DECLARED

    def at_least(self, severity: Severity) -> tuple[TrustFinding, ...]:
        """The findings that are as severe or more so."""
        return tuple(finding for finding in self.findings if finding.severity.rank >= severity.rank)


def plain_finding(finding: TrustFinding) -> dict[str, Any]:
    """A finding as the plain object that snapshots and answers carry."""
    return {
        "code": finding.code,
        "severity": finding.severity.value,
        "strength": finding.strength,
        "machine_uid": finding.machine_uid,
        "since": finding.since.isoformat() if finding.since else None,
        "evidence": dict(finding.evidence),
    }


def plain_trust(trust: DataTrust) -> dict[str, Any]:
    """The whole as a plain object."""
    return {
        "grade": trust.grade.value,
        "findings": [plain_finding(finding) for finding in trust.findings],
        "checks": {name: state.value for name, state in sorted(trust.checks.items())},
        "attested": {level.value: share for level, share in sorted(trust.attested.items())},
    }


def parse_trust(body: Mapping[str, Any]) -> DataTrust:
    """What `plain_trust` gave."""
    return DataTrust(
        grade=TrustGrade(body["grade"]),
        findings=tuple(parse_finding(item) for item in body["findings"]),
        checks={name: CheckState(state) for name, state in body["checks"].items()},
        attested={AttestationLevel(level): share for level, share in body["attested"].items()},
    )


def parse_finding(item: Mapping[str, Any]) -> TrustFinding:
    """What `plain_finding` gave."""
    return TrustFinding(
        code=item["code"],
        severity=Severity(item["severity"]),
        strength=item["strength"],
        machine_uid=MachineUid(item["machine_uid"]) if item["machine_uid"] else None,
        since=date.fromisoformat(item["since"]) if item["since"] else None,
        evidence=item["evidence"],
    )
