"""Records of policies as plain values and back, for every resource that reads them."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from scoring.insurance.policy_life import STEPS, Step

ADAPTERS: dict[Step, TypeAdapter[Any]] = {step: TypeAdapter(kind) for step, kind in STEPS.items()}
