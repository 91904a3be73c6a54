"""Reasons are families in order of pull, each led by its most telling feature; none stands for nothing."""

from __future__ import annotations

import re

import pytest

from data_contracts.reference.dated import ParameterBook
from features.catalogue import CATALOGUE
from scoring.cards import ModelFeature
from scoring.credit.artefact import CreditArtefact
from scoring.explanation.reasons import ReasonKind, ReasonRules, reason_codes, reasons
from scoring.insurance.artefact import InsuranceArtefact
from scoring.records import Contribution, ReasonCode

RULES = ReasonRules(minimum_contribution=0.03, adverse=4, favourable=2, hysteresis=0.05)


def feature(family: str, name: str) -> ModelFeature:
    return ModelFeature(
        key=f"{name}_90d",
        name=name,
        family=family,
        unit="1",
        window_days=90,
        sign=-1,
        adverse_value=0.1,
        peer_median=0.4,
    )


def explained(pulls: dict[tuple[str, str], float], *, shown: tuple[str, ...] = ()) -> list[tuple[str, float, str]]:
    """Code, pull and feature of each reason; what pulls up lies below its peers, as the sign of its feature has it."""
    features = [feature(family, name) for family, name in pulls]
    contributions = [
        Contribution(feature=item.key, family=item.family, value=0.2 if pull > 0 else 0.6, contribution=pull)
        for item, pull in zip(features, pulls.values(), strict=True)
    ]
    found = reasons(
        contributions,
        kind=ReasonKind.CREDIT,
        features=features,
        rules=RULES,
        shown=[ReasonCode(code) for code in shown],
    )
    return [(reason.code, round(reason.contribution, 6), reason.feature) for reason in found]


def test_a_family_is_led_by_its_largest_pull_in_that_direction() -> None:
    assert explained({("level", "a"): 0.10, ("level", "b"): 0.30, ("level", "c"): -0.35, ("trend", "d"): -0.2}) == [
        ("R.level.b.adverse", 0.05, "b_90d"),
        ("R.trend.d.favourable", -0.2, "d_90d"),
    ]


def test_four_against_and_two_in_favour_strongest_first() -> None:
    against = {(f"family{index}", f"x{index}"): 0.1 * index for index in range(1, 6)}
    for_it = {(f"good{index}", f"y{index}"): -0.1 * index for index in range(1, 5)}
    assert [code for code, _, _ in explained({**against, **for_it})] == [
        "R.family5.x5.adverse",
        "R.family4.x4.adverse",
        "R.family3.x3.adverse",
        "R.family2.x2.adverse",
        "R.good4.y4.favourable",
        "R.good3.y3.favourable",
    ]


def test_too_small_a_pull_is_no_reason() -> None:
    assert explained({("level", "a"): 0.0299, ("trend", "b"): -0.0299}) == []
    assert [code for code, _, _ in explained({("level", "a"): 0.03})] == ["R.level.a.adverse"]


def test_ties_keep_the_order_of_the_catalogue() -> None:
    tied = {("trend", "b"): 0.1, ("level", "a"): 0.1}
    assert [code for code, _, _ in explained(tied)] == ["R.trend.b.adverse", "R.level.a.adverse"]


def test_a_reason_quotes_value_and_peers() -> None:
    item = feature("level", "a")
    pull = Contribution(feature=item.key, family="level", value=0.3, contribution=0.2)
    (reason,) = reasons([pull], kind=ReasonKind.PREMIUM, features=[item], rules=RULES)
    assert reason.code == "P.level.a.adverse"
    assert (reason.value, reason.reference_value, reason.unit, reason.window_days) == (0.3, 0.4, "1", 90)


def test_a_reason_says_how_the_value_moved_against_the_longest_window() -> None:
    lately = feature("level", "a").model_copy(update={"key": "a_7d", "window_days": 7})
    longest, other = feature("level", "a"), feature("level", "b")
    pulls = [
        Contribution(feature=lately.key, family="level", value=0.1, contribution=0.3),
        Contribution(feature=longest.key, family="level", value=0.35, contribution=0.1),
        Contribution(feature=other.key, family="level", value=0.2, contribution=0.05),
    ]
    features = [lately, longest, other]
    (reason,) = reasons(pulls, kind=ReasonKind.CREDIT, features=features, rules=RULES)
    assert (reason.feature, reason.change) == ("a_7d", pytest.approx(-0.25))
    (reason,) = reasons(pulls[1:], kind=ReasonKind.CREDIT, features=features[1:], rules=RULES)
    assert (reason.feature, reason.change) == ("a_90d", None)
    unknown = [pulls[0], Contribution(feature=longest.key, family="level", value=None, contribution=0.1)]
    (reason,) = reasons(unknown, kind=ReasonKind.CREDIT, features=features[:2], rules=RULES)
    assert reason.change is None


def test_what_is_not_known_is_no_reason() -> None:
    unknown, known = feature("level", "a"), feature("level", "b")
    pulls = [
        Contribution(feature=unknown.key, family="level", value=None, contribution=0.3),
        Contribution(feature=known.key, family="level", value=0.3, contribution=0.1),
    ]
    (reason,) = reasons(pulls, kind=ReasonKind.CREDIT, features=[unknown, known], rules=RULES)
    assert (reason.feature, reason.contribution) == (known.key, pytest.approx(0.4))
    assert reasons(pulls[:1], kind=ReasonKind.CREDIT, features=[unknown], rules=RULES) == ()


def test_a_reason_never_quotes_what_speaks_against_it() -> None:
    better, worse = feature("level", "a"), feature("level", "b")
    pulls = [
        Contribution(
            feature=better.key, family="level", value=0.5, contribution=0.3
        ),  # more than peers, and more is good
        Contribution(feature=worse.key, family="level", value=0.3, contribution=0.1),
    ]
    (reason,) = reasons(pulls, kind=ReasonKind.CREDIT, features=[better, worse], rules=RULES)
    assert (reason.feature, reason.contribution) == (worse.key, pytest.approx(0.4))
    assert reasons(pulls[:1], kind=ReasonKind.CREDIT, features=[better], rules=RULES) == ()


def test_a_feature_leads_only_where_it_pulled_that_way_itself() -> None:
    unknown, known = feature("level", "a"), feature("level", "b")
    pulls = [
        Contribution(feature=unknown.key, family="level", value=None, contribution=0.3),
        Contribution(feature=known.key, family="level", value=0.3, contribution=-0.1),
    ]
    assert reasons(pulls, kind=ReasonKind.CREDIT, features=[unknown, known], rules=RULES) == ()


def test_the_portfolio_view_lets_go_only_for_what_pulls_clearly_harder() -> None:
    pulls = {(f"family{index}", "x"): 0.20 for index in range(3)}
    close = {**pulls, ("new", "y"): 0.14, ("old", "z"): 0.10}
    old = ("R.old.z.adverse",)
    assert explained(close)[-1][0] == "R.new.y.adverse"
    assert explained(close, shown=old)[-1][0] == "R.old.z.adverse"
    clear = {**pulls, ("new", "y"): 0.16, ("old", "z"): 0.10}
    assert explained(clear, shown=old)[-1][0] == "R.new.y.adverse"


def test_the_portfolio_view_keeps_a_familys_leading_feature_too() -> None:
    pulls = {("level", "a"): 0.22, ("level", "b"): 0.20}
    assert explained(pulls, shown=("R.level.b.adverse",)) == [("R.level.b.adverse", 0.42, "b_90d")]
    assert explained({**pulls, ("level", "a"): 0.26}, shown=("R.level.b.adverse",))[0][0] == "R.level.a.adverse"


def test_every_code_that_a_model_can_give_is_listed(
    credit_model: CreditArtefact, insurance_model: InsuranceArtefact, parameters: ParameterBook
) -> None:
    codes = reason_codes()
    assert len(codes) == len(set(codes)) == 4 * len({(item.family, item.name) for item in CATALOGUE.values()})
    assert all(re.fullmatch(r"[RP]\.[a-z_]+\.[a-z0-9_]+\.(adverse|favourable)", code) for code in codes)
    for kind, features in (
        (ReasonKind.CREDIT, credit_model.card.features),
        (ReasonKind.PREMIUM, insurance_model.card.features),
    ):
        for item in features:
            for pull in (-1.0, 1.0):
                contribution = Contribution(
                    feature=item.key, family=item.family, value=item.peer_median, contribution=pull
                )
                (reason,) = reasons([contribution], kind=kind, features=[item], rules=RULES)
                assert reason.code in codes


@pytest.mark.parametrize("word", ["other", "score", "general", "model"])
def test_no_code_is_a_catch_all(word: str) -> None:
    assert not [code for code in reason_codes() if word in code.split(".")]
