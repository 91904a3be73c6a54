"""A model's pictures are the same each time, lie beside it, and are no part of what it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from features.as_of import CreditTrainingSet
from scoring import registry
from scoring.credit.artefact import CreditArtefact
from scoring.training import plots


@pytest.mark.skipif(not plots.can_draw(), reason=plots.MISSING)
def test_pictures_lie_beside_the_artefact_and_change_nothing(
    credit_model: CreditArtefact, credit_data: CreditTrainingSet, tmp_path: Path
) -> None:
    drawn = plots.credit_plots(credit_model, credit_data)
    assert len(drawn) == 1 + plots.DEPENDENCE_OF
    assert drawn["beeswarm.svg"].startswith(b"<?xml")
    strongest = next(name for name in drawn if name.startswith("dependence-"))
    assert strongest.removeprefix("dependence-").removesuffix(".svg") in {
        feature.key for feature in credit_model.card.features
    }
    registry.save_artefact(tmp_path, credit_model)
    assert registry.save_plots(tmp_path, credit_model, drawn) == sorted(drawn)
    kept = tmp_path / "credit" / credit_model.version / registry.PLOTS_FOLDER
    assert (kept / "beeswarm.svg").read_bytes() == drawn["beeswarm.svg"]
    assert registry.load_artefact(tmp_path, "credit", credit_model.version).version == credit_model.version


def test_without_what_draws_there_are_none_and_the_reason_is_named(
    credit_model: CreditArtefact, credit_data: CreditTrainingSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plots.importlib.util, "find_spec", lambda name: None)
    assert not plots.can_draw()
    assert plots.credit_plots(credit_model, credit_data) == {}
    assert "matplotlib" in plots.MISSING
