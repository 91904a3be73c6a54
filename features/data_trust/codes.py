"""The codes of findings: stable names that wording, parameters and records go by."""

from __future__ import annotations

from enum import StrEnum


class TrustCode(StrEnum):
    """What may disagree."""

    REPORT_DIFFERS = "report_differs"
    """A machine's samples and its daily report tell different days."""
    OUTSIDE_OWNERSHIP = "outside_ownership"
    AFTER_AS_OF = "after_as_of"
    SEVERAL_CURRENCIES = "several_currencies"

    ENERGY_ABOVE_METER = "energy_above_meter"
    """The machines of a site are said to draw more than its electricity bill."""
    NO_LOAD_EXECUTION = "no_load_execution"
    """More executing time, at a power near idling, without parts."""
    LOAD_WITHOUT_OUTPUT = "load_without_output"
    """More power in every state, without parts."""
    COUNTER_AHEAD_OF_ENERGY = "counter_ahead_of_energy"
    """More parts from the same executing time and energy."""
    COUNTED_ABOVE_SHIPPED = "counted_above_shipped"
    """Parts counted and never shipped pile up."""
    INVOICED_ABOVE_SHIPPED = "invoiced_above_shipped"
    """Invoices over shipments that no delivery note knows."""
    REPLAYED_DAYS = "replayed_days"
    """A machine's days repeat earlier days of its own."""
    CLONED_DAYS = "cloned_days"
    """Two machines of one obligor tell the same days."""
    CLONED_BETWEEN_OBLIGORS = "cloned_between_obligors"
    """A machine tells the days of another obligor's machine."""
    SELECTIVE_SILENCE = "selective_silence"
    """All gateways fall silent for whole days, from midnight to midnight, again and again."""
    HOUR_METER_BACK = "hour_meter_back"
    """The hour meter ran back."""
    HOUR_METER_DIFFERS = "hour_meter_differs"
    """The hour meter gains other hours than the machine executed."""
    IMPOSSIBLE_DAYS = "impossible_days"
    """Days that no machine can have."""
    CLOCK_AHEAD = "clock_ahead"
    """Known before it happened."""

    GAP_MACHINE_SOLD = "gap_machine_sold"
    """Why nothing was observed, one code a cause (`gaps.GapCause`); these say what is, and no disagreement."""
    GAP_POWER_CUT = "gap_power_cut"
    GAP_NETWORK = "gap_network"
    GAP_SHOP_CLOSED = "gap_shop_closed"
    GAP_PLAN_ENDED = "gap_plan_ended"
    GAP_GATEWAY = "gap_gateway"
    GAP_UNCLASSIFIED = "gap_unclassified"
