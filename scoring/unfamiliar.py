"""What makes an obligor unlike those that a model was taught on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Unusual:
    """A feature that is far out: its value, and between which values 98 % of the training rows lie. A value within them
    is unusual beside the others."""

    feature: str
    value: float
    usual_lower: float
    usual_upper: float


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownCategory:
    """A property in words, such as `industry_division`, whose value the model was not taught on; None where it is not
    told, which could hide any."""

    name: str
    value: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Familiarity:
    """How unlike the training rows one row is: its `distance` in units of the one beyond which it is referred, the
    features `furthest` out if it is beyond, families that are missing here and hardly ever were in training, and
    categories that training did not know."""

    distance: float
    furthest: tuple[Unusual, ...]
    missing_families: tuple[str, ...]
    unknown_categories: tuple[UnknownCategory, ...] = ()

    @property
    def is_familiar(self) -> bool:
        """Whether the model was taught on rows like this one."""
        return self.distance <= 1 and not self.missing_families and not self.unknown_categories
