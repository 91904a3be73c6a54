"""Features of a changed history are the ordinary ones: unchanged nothing moves, and a change is felt where it was made."""

from __future__ import annotations

from dataclasses import replace

from recourse_world import RecourseWorld

from data_contracts.contract import RecordKind
from features.trust import Severity
from scoring.recourse import telemetry


def test_an_unchanged_copy_is_the_firm_to_the_last_byte(world: RecourseWorld) -> None:
    for firm in world.firms:
        alone, first, second = (*firm.snapshots([firm.told]), *firm.snapshots([firm.told, firm.told]))
        assert alone.snapshot_id == first.snapshot_id == second.snapshot_id == firm.base.snapshot_id


def test_copies_do_not_feel_each_other(world: RecourseWorld) -> None:
    firm = world.firms[0]
    longer = telemetry.longer_days(firm.told, 0.2, 90).told
    together = firm.snapshots([longer, firm.told, longer])
    assert together[1].snapshot_id == firm.base.snapshot_id
    assert together[0].snapshot_id == together[2].snapshot_id == firm.snapshots([longer])[0].snapshot_id
    assert together[0].values["operating_rate_90d"].value > firm.base.values["operating_rate_90d"].value  # type: ignore[operator]
    assert together[0].values["buyer_hhi_365d"] == firm.base.values["buyer_hhi_365d"]


def test_the_physics_check_sees_the_changed_rows(world: RecourseWorld) -> None:
    """Parts out of nothing: counted twofold, at no more hours and energy."""
    firm = world.firms[0]
    rows = firm.told.machine_days
    recent = telemetry.recent_rows(firm.told, 120)
    forged = replace(firm.told, machine_days=rows.assign(parts=rows["parts"].where(~recent, rows["parts"] * 2)))
    (found,) = firm.snapshots([forged])
    codes = {str(finding.code) for finding in found.data_trust.at_least(Severity.MODERATE)}
    assert "counter_ahead_of_energy" in codes
    assert not firm.base.data_trust.at_least(Severity.MODERATE)


def test_a_changed_ledger_reaches_features_and_quantities(world: RecourseWorld) -> None:
    firm = world.firms[1]
    invoices = firm.told.ledgers[RecordKind.INVOICE]
    one_buyer = firm.told.with_ledger(RecordKind.INVOICE, invoices.assign(buyer_id=invoices["buyer_id"].iloc[0]))
    (found,) = firm.snapshots([one_buyer])
    assert found.values["buyer_hhi_365d"].value == 1.0
    before = firm.base.quantities["eligible_receivables_minor_365d"].value
    after = found.quantities["eligible_receivables_minor_365d"].value
    assert before is not None
    assert after is not None
    assert after < before
