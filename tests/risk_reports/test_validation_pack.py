"""The validation pack on paper: every figure is the one that was computed, in both languages, page after page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from test_papers import bare, text_of

from api.governance.papers import pack_document
from api.home import Home, open_home
from api.models import service as models
from benchmarks import small_home
from data_contracts.errors import InputError
from risk_reports.numbers import estimate, number, ratio
from risk_reports.rendering.html import html, unbroken
from risk_reports.rendering.pdf import pdf
from risk_reports.validation_pack import PLAIN_FIGURES, Pack, document
from risk_reports.wording.catalogue import Language
from scoring import registry

NOW, UNTIL = small_home.NOW, small_home.NOW.replace(year=2027)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    opened = open_home(tmp_path_factory.mktemp("pack"))
    small_home.promote_models(opened)
    small_home.vouch(opened, models.promoted_credit(opened).version, now=NOW, until=UNTIL)
    return opened


@pytest.fixture(scope="module")
def figures(home: Home) -> dict[str, Any]:
    found = registry.load_figures(home.models, "credit", models.promoted_credit(home).version)
    assert found is not None
    return found


def on_paper(figures: dict[str, Any], language: Language) -> list[str]:
    """Every figure as the pack writes it."""
    told = [*estimate(figures["discrimination"]["auc"], language)]
    told += estimate(figures["discrimination"]["auc_by_firms"], language)
    told += [ratio(figures["discrimination"]["captured_in_worst_decile"], language)]
    told += [cell for name in ("in_the_large", "slope") for cell in estimate(figures["calibration"][name], language)]
    told += [
        number(figures[part][name], language, fixed=True) for part, names in PLAIN_FIGURES.items() for name in names
    ]
    for group in figures["calibration"]["groups"]:
        told += [ratio(group["mean_pd"], language)]
        told += [ratio(group["default_rate"][end], language) for end in ("value", "lower", "upper")]
    lines = [*figures["cohorts"], *(group for groups in figures["fairness"].values() for group in groups)]
    told += [ratio(item[name], language) for item in lines for name in ("mean_pd", "default_rate", "optimism")]
    told += [number(item["actual_to_expected"], language, digits=2, fixed=True) for item in lines]
    for rung in figures["ladder"]:
        told += estimate(rung["auc"], language, digits=3)
        told += [number(rung[name], language, fixed=True) for name in ("brier", "log_loss")]
    indices = [figures["stability"]["score"], *figures["stability"]["features"][:20]]
    told += [number(item["psi"], language, digits=3, fixed=True) for item in indices]
    told += [ratio(item[way]["mean_pd"], language) for item in figures["shocks"] for way in ("worse", "better")]
    told += [ratio(figures["outage"][name], language) for name in ("mean_pd", "mean_pd_before", "share")]
    told += [number(figures["membership"][name], language, digits=3, fixed=True) for name in ("auc", "highest_auc")]
    return told


@pytest.mark.parametrize("language", list(Language))
def test_every_figure_on_paper_is_the_one_that_was_computed(
    home: Home, figures: dict[str, Any], language: Language
) -> None:
    version = models.promoted_credit(home).version
    paper = pack_document(home, version, language, now=NOW)
    pages, screen = text_of(pdf(paper)), html(paper).decode()
    expected = on_paper(figures, language)
    assert len(expected) > 100
    assert [item for item in expected if bare(item) not in pages] == []
    assert [item for item in expected if unbroken(item) not in screen] == []
    for name in (version, "Zhang Min", "Li Wei", "cost_to_fake", "Fit for what it is for."):
        assert bare(name) in pages
        assert name in screen
    assert pdf(paper) == pdf(pack_document(home, version, language, now=NOW))


@pytest.mark.parametrize("language", list(Language))
def test_what_is_not_known_is_said(home: Home, figures: dict[str, Any], language: Language) -> None:
    bare_figures = {**figures, "discrimination": None, "calibration": None, "ladder": []}
    card = registry.plain_card(models.promoted_credit(home))
    nothing: dict[str, Any] = {"validations": [], "checks": []}
    paper = document(Pack(card=card, figures=bare_figures, records=nothing), language)
    assert pdf(paper).startswith(b"%PDF-")
    told = " ".join(paragraph for section in paper.sections for paragraph in section.paragraphs)
    assert ("on trial" in told) if language is Language.EN else ("试用" in told)


def test_a_model_without_figures_is_refused_by_name(home: Home) -> None:
    version = models.promoted_credit(home).version
    path: Path = home.models / "credit" / version / registry.FIGURES_FILE
    kept = path.read_bytes()
    try:
        path.write_text(json.dumps({"model_version": "another"}), encoding="utf-8")
        with pytest.raises(registry.ArtefactDamaged, match="another model's"):
            pack_document(home, version, Language.EN, now=NOW)
        path.unlink()
        with pytest.raises(InputError, match="Train again"):
            pack_document(home, version, Language.EN, now=NOW)
    finally:
        path.write_bytes(kept)
