"""What the pages show: the API's figures in both languages, strict headers, and nothing that names could set off."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from portal_world import (
    AS_OF,
    FORMULA_MACHINE,
    HOST,
    HOSTILE_BANK,
    HOSTILE_FIRM,
    HOSTILE_MACHINE,
    NOW,
    THIN_DAYS,
    Clock,
    PortalWorld,
    Visitor,
    visit,
)

import api.portal
from api.database.engine import unit_of_work
from api.home import open_home
from api.machines.service import machine_days
from api.obligors.service import register
from api.portal.endpoints import Portal
from api.portal.pages import PATHS
from api.scores.service import current_score
from api.snapshots.service import stored_parameters, take_snapshot
from benchmarks.page_parts import Page
from features.catalogue import CATALOGUE
from features.monthly import monthly_figures
from risk_reports.narrative import Reader, readings, reason_sentences
from risk_reports.numbers import number, quantity, ratio
from risk_reports.wording.catalogue import Language, wording
from scoring.canonical import plain_score
from scoring.credit.master_scale import master_scale
from scoring.records import Reason, ScoreSource

LANGUAGES = sorted(PATHS.items())
TEMPLATES = sorted((Path(api.portal.__file__ or "").parent / "templates").glob("*.html"))
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; "
    "base-uri 'none'"
)


def opened(visitor: Visitor, user: str, path: str, language: str) -> Page:
    visitor.sign_in(user)
    answer = visitor.get(f"/portal/{language}{path}")
    assert answer.status_code == 200, answer.text
    return Page(answer.text)


def answered(world: PortalWorld) -> Any:
    """What the API's services say of the graded firm: score as answered, snapshot, months, scale."""
    with unit_of_work(world.home.engine) as connection:
        current = current_score(connection, world.home, world.graded, now=NOW)
        days, _ = machine_days(connection, world.home, world.graded, as_of=AS_OF, now=NOW)
    values = stored_parameters(world.home, current.record.parameters_version).at(AS_OF)
    months = monthly_figures(days, obligor_id=world.graded, as_of=current.record.as_of)
    return plain_score(current.record), current.snapshot, months, master_scale(values["master_scale"]), days


@pytest.mark.parametrize(("path", "language"), LANGUAGES)
def test_the_grade_and_its_figures_are_the_apis(
    visitor: Visitor, user: str, world: PortalWorld, path: str, language: Language
) -> None:
    page, (score, _, _, scale, _) = opened(visitor, user, "/", path), answered(world)
    say = wording(language).say
    badge = next(item.text for item in page.all("p") if item.attributes.get("class") == "badge")
    assert badge.split()[0] == score["rating_grade"]
    assert [item.text for item in page.all("li") if item.attributes.get("aria-current") == "true"] == [
        score["rating_grade"] + say("page.grade.here")
    ]
    shown = page.figures()[:4]
    assert shown == [
        (str(score["pd_12m"]), ratio(score["pd_12m"], language)),
        (str(score["pd_12m_lower"]), ratio(score["pd_12m_lower"], language)),
        (str(score["pd_12m_upper"]), ratio(score["pd_12m_upper"], language)),
        (str(score["score_points"]), number(score["score_points"], language, digits=1)),
    ]
    bounds = [item for item in page.figures()[4:] if item[0] in {str(bound) for bound in scale.upper_bounds.values()}]
    assert len(bounds) == 2 * len(scale.upper_bounds)
    thousand = number(1000 * score["pd_12m"], language, digits=0 if score["pd_12m"] >= 0.01 else 1)
    assert say("page.grade.meaning", defaults=thousand) in page.html


@pytest.mark.parametrize(("path", "language"), LANGUAGES)
def test_every_reason_stands_with_its_own_figure_and_its_peers(
    visitor: Visitor, user: str, world: PortalWorld, path: str, language: Language
) -> None:
    page, (score, _, _, scale, _) = opened(visitor, user, "/", path), answered(world)
    ordered = sorted(score["reasons"], key=lambda reason: reason["direction"], reverse=True)
    assert ordered, "the graded firm has reasons"
    grades = 4 + 2 * len(scale.upper_bounds)
    shown = page.figures()[grades : grades + 2 * len(ordered)]
    expected = []
    for reason in ordered:
        for value in (reason["value"], reason["reference_value"]):
            expected.append(("" if value is None else str(value), quantity(value, reason["unit"], language)))
    assert shown == expected
    reasons = [Reason(**reason) for reason in ordered]
    told = readings(reasons, language)[Reader.SME]
    assert told != reason_sentences(reasons, language), "what weighs on the firm says what would help"
    assert [item.text for item in page.all("p") if item.text in told] == told


@pytest.mark.parametrize(("path", "language"), LANGUAGES)
def test_twelve_months_are_those_of_the_machine_days(
    visitor: Visitor, user: str, world: PortalWorld, path: str, language: Language
) -> None:
    page, (_, snapshot, months, _, days) = opened(visitor, user, "/", path), answered(world)
    say = wording(language).say

    def rate(value: float | None) -> tuple[str, str]:
        return "" if value is None else str(value), quantity(value, "1", language)

    expected = []
    for month in months:
        kwh, faults = month.energy_kwh, month.fault_starts
        expected += [
            rate(month.power_on_rate),
            rate(month.operating_rate),
            (str(kwh), say("page.unit.kwh", figure=number(kwh, language, digits=0))),
            (str(faults), number(float(faults), language, digits=0)),
        ]
    assert page.figures("month-figures") == expected
    june = months[-1]
    assert june.power_on_rate == pytest.approx(snapshot.values["power_on_rate_30d"].value)
    assert june.operating_rate == pytest.approx(snapshot.values["operating_rate_30d"].value)
    of_june = [row for row in days.table.to_pylist() if (row["day"].year, row["day"].month) == (2026, 6)]
    assert june.energy_kwh == pytest.approx(sum(row["energy_kwh"] or 0 for row in of_june))
    assert june.fault_starts == sum(row["fault_starts"] or 0 for row in of_june)


@pytest.mark.parametrize(("path", "language"), LANGUAGES)
def test_coverage_and_every_feature_are_the_snapshots(
    visitor: Visitor, user: str, world: PortalWorld, path: str, language: Language
) -> None:
    page, (_, snapshot, *_) = opened(visitor, user, "/", path), answered(world)
    known = [snapshot.values[f"coverage_{window}d"].value for window in (7, 30, 90)]
    shown = page.figures("coverage-figures")
    assert shown[:3] == [(str(value), quantity(value, "1", language)) for value in known]
    assert shown[3][0] == str(snapshot.history_days)
    expected = []
    for key, definition in CATALOGUE.items():
        feature = snapshot.values[key]
        words = (
            wording(language).say(f"missing.{feature.missing.value}")
            if feature.missing
            else quantity(feature.value, definition.unit, language)
        )
        expected.append(("" if feature.value is None else str(feature.value), words))
    assert sorted(page.figures("features")) == sorted(expected)


@pytest.mark.parametrize(("path", "language"), LANGUAGES)
def test_each_chart_has_a_text_and_a_table(visitor: Visitor, user: str, path: str, language: Language) -> None:
    page = opened(visitor, user, "/", path)
    charts = [item for item in page.all("svg") if item.attributes.get("role") == "img"]
    assert len(charts) == 4
    titles = {item.attributes["id"]: item.text for item in page.all("title") if "id" in item.attributes}
    told = {item.attributes["id"]: item.text for item in page.all("desc")}
    for chart in charts:
        assert titles[chart.attributes["aria-labelledby"]]
        assert "2026" in told[chart.attributes["aria-describedby"]]
    heads = [item.text for item in page.all("th", within="month-figures") if item.attributes["scope"] == "col"]
    assert heads[1:] == [wording(language).say(f"page.chart.{name}") for name in ("power_on_rate", "operating_rate", "energy_kwh", "fault_starts")]  # fmt: skip


@pytest.mark.parametrize(("path", "language"), LANGUAGES)
def test_a_synthetic_model_says_so_and_no_page_is_a_credit_report(
    visitor: Visitor, user: str, path: str, language: Language
) -> None:
    say = wording(language).say
    page = opened(visitor, user, "/", path).html
    assert say("page.synthetic.title") in page
    assert say("memo.synthetic") in page
    for where in ("/", "/data"):
        assert say("page.not_report") in opened(visitor, user, where, path).html


@pytest.mark.parametrize(("path", "language"), LANGUAGES)
def test_a_thin_history_is_explained_and_gives_no_reasons(
    world: PortalWorld, clock: Clock, path: str, language: Language
) -> None:
    with unit_of_work(world.home.engine) as connection:
        record = current_score(connection, world.home, world.thin, now=NOW).record
    assert record.source is ScoreSource.THIN_HISTORY
    name = f"thin-{path}"
    world.add_user(world.thin, name)
    page = opened(visit(world.home, clock=clock), name, "/", path)
    assert wording(language).say("page.thin.body", days=THIN_DAYS, minimum=90) in page.html
    assert wording(language).say("source.thin_history") in [item.text for item in page.all("dd")]
    assert wording(language).say("page.reasons.thin") in page.html
    assert page.all("article") == []


@pytest.mark.parametrize(("path", "language"), LANGUAGES)
def test_a_firm_that_fell_silent_is_told_of_its_silence_and_not_of_a_short_history(
    world: PortalWorld, clock: Clock, path: str, language: Language
) -> None:
    firm, name, say = world.others[20], f"silent-{path}", wording(language).say
    with unit_of_work(world.home.engine) as connection:
        snapshot = take_snapshot(connection, world.home, firm, as_of=NOW, now=NOW)
        assert current_score(connection, world.home, firm, now=NOW).record.source is ScoreSource.THIN_HISTORY
    assert snapshot.history_days > 90
    world.add_user(firm, name)
    page = opened(visit(world.home, clock=clock), name, "/", path)
    days = {Language.EN: ("23 August 2026", "20 November 2026"), Language.ZH: ("2026年8月23日", "2026年11月20日")}
    first, last = days[language]
    known, minimum = quantity(0.0, "1", language), quantity(0.25, "1", language)
    body = say(
        "page.silent.body", window=90, first=first, last=last, known=known, minimum=minimum, days=snapshot.history_days
    )
    assert body in [item.text for item in page.all("p")]
    assert say("page.silent.title") in [item.text for item in page.all("h3")]
    assert say("page.reasons.silent") in page.html
    assert say("page.silent.source") in [item.text for item in page.all("dd")]
    for code in ("page.thin.title", "page.reasons.thin", "source.thin_history"):
        assert say(code) not in page.html


@pytest.mark.parametrize(("path", "language"), LANGUAGES)
def test_names_are_inert(world: PortalWorld, clock: Clock, path: str, language: Language) -> None:
    name = f"inert-{path}"
    world.add_user(world.thin, name)
    visitor = visit(world.home, clock=clock)
    page = opened(visitor, name, "/", path)
    rows = [item.text for item in page.all("th", within="machines") if item.attributes["scope"] == "row"]
    assert rows == sorted([HOSTILE_MACHINE, FORMULA_MACHINE])
    firm = next(item.text for item in page.all("p") if item.attributes.get("class") == "firm")
    assert firm.startswith(HOSTILE_FIRM)
    data = opened(visitor, name, "/data", path)
    say = wording(language).say
    choice = say("page.grant.choice", recipient=HOSTILE_BANK, purpose=say("page.purpose.credit"))
    assert choice in [item.text for item in data.all("option")]
    for shown in (page, data):
        assert_nothing_runs(shown)


def assert_nothing_runs(page: Page) -> None:
    allowed = {"html", "head", "meta", "title", "link", "body", "a", "header", "div", "img", "nav", "ul", "li", "form",
               "input", "button", "main", "p", "span", "h1", "h2", "h3", "h4", "aside", "strong", "small", "section",
               "ol", "em", "dl", "dt", "dd", "data", "details", "summary", "table", "thead", "tbody", "tr", "th", "td",
               "article", "svg", "rect", "figure", "figcaption", "desc", "g", "path", "line", "text", "tspan", "time",
               "footer", "select", "option", "label", "br"}  # fmt: skip
    for element in page.elements:
        assert element.tag in allowed
        for name, value in element.attributes.items():
            assert not name.startswith("on"), name
            assert name not in {"style", "srcdoc", "formaction", "background"}, name
            assert not re.match(r"\s*(javascript|data|https?|//)", value or "", re.IGNORECASE) or name == "xmlns"


@pytest.mark.parametrize(("path", "language"), LANGUAGES)
@pytest.mark.parametrize("where", ["/", "/data", "/sign-in"])
def test_a_page_is_well_formed_and_named(
    visitor: Visitor, user: str, path: str, language: Language, where: str
) -> None:
    if where != "/sign-in":
        visitor.sign_in(user)
    page = Page(visitor.get(f"/portal/{path}{where}").text)
    assert page.all("html")[0].attributes["lang"] == {"zh": "zh-Hans", "en": "en"}[path]
    assert page.all("title")[0].text.endswith(" – Millgrade")
    assert len(page.all("h1")) == len(page.all("main")) == 1
    assert page.all("a")[0].attributes["href"] == "#content"
    ids = [element.attributes["id"] for element in page.elements if "id" in element.attributes]
    assert len(ids) == len(set(ids))
    fields = [
        item.attributes["id"]
        for item in (*page.all("input"), *page.all("select"))
        if item.attributes.get("type") != "hidden"
    ]
    assert sorted(fields) == sorted(str(item.attributes["for"]) for item in page.all("label"))
    switch = next(item for item in page.all("a") if item.attributes.get("class") == "language")
    assert switch.attributes["href"] == f"/portal/{'en' if path == 'zh' else 'zh'}{where}"
    for form in page.all("form"):
        assert str(form.attributes["action"]).startswith(f"/portal/{path}/")
    assert_nothing_runs(page)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_template_holds_a_sentence(path: Path) -> None:
    """Every word that a person reads comes from the catalogues."""
    text = re.sub(r"{%.*?%}|{{.*?}}", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    said = re.findall(r'(?:alt|title|aria-label|placeholder|value|content)="([^"]*)"', text)
    words = [word for word in said if re.search(r"[^\W\d_]", word)]
    assert words in ([], ["width=device-width, initial-scale=1", "light dark"])
    visible = re.sub(r"<[^>]*>", " ", text)
    assert not re.search(r"[^\W\d_]", visible), visible.split()


def test_every_answer_bears_the_headers(visitor: Visitor, user: str) -> None:
    answers = [visitor.get("/portal/en/"), visitor.get("/portal/en/sign-in"), visitor.sign_in(user, "wrong password")]
    visitor.sign_in(user)
    answers += [visitor.get(f"/portal{path}") for path in ("/", "/en", "/en/", "/zh/data", "/fr/", "/en/nowhere", "/static/portal.css", "/static/absent.js")]  # fmt: skip
    answers += [visitor.post("/portal/en/sign-out", {"csrf_token": "x"}), visitor.send("DELETE", "/portal/en/data")]
    assert {answer.status_code for answer in answers} == {200, 303, 403, 404, 405}
    for answer in answers:
        assert answer.headers["content-security-policy"] == POLICY
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert answer.headers["x-frame-options"] == "DENY"
        is_file = answer.headers["content-type"].startswith("text/css") if answer.content else False
        assert answer.headers["cache-control"] == ("public, max-age=31536000, immutable" if is_file else "no-store")


@pytest.mark.parametrize(("path", "language"), LANGUAGES)
def test_what_goes_wrong_is_told_in_the_readers_language(
    world: PortalWorld, clock: Clock, path: str, language: Language
) -> None:
    def broken() -> Any:
        raise RuntimeError("secret of the house")

    failing: Any = broken
    app: Any = Portal(home=world.home, passwords=None, clock=failing, answered_after_seconds=0).application()  # type: ignore[arg-type]
    visitor = Visitor(app)
    visitor.cookies.set("millgrade", "x", domain=HOST.split(":")[0])
    answer = visitor.get(f"/{path}/data")
    assert answer.status_code == 500
    assert "secret of the house" not in answer.text
    assert answer.headers["content-security-policy"] == POLICY
    missing = visit(world.home, clock=clock).get(f"/portal/{path}/nowhere")
    assert missing.status_code == 404
    assert wording(language).say("page.error.not_found") in missing.text


@pytest.mark.parametrize(
    ("asked", "given"),
    [("zh-CN,zh;q=0.9,en;q=0.8", "zh"), ("en-GB,en;q=0.9", "en"), ("fr-FR,zh;q=0.5", "zh"), ("fr", "en"), (None, "en")],
)
def test_the_browsers_language_is_met(visitor: Visitor, asked: str | None, given: str) -> None:
    headers = {"accept-language": asked} if asked else {}
    assert visitor.get("/portal/", headers=headers).headers["location"] == f"/portal/{given}/"


@pytest.mark.parametrize("prepare", ["no data", "no model"])
def test_without_data_or_model_there_is_no_grade_and_no_error(
    world: PortalWorld, tmp_path: Path, clock: Clock, prepare: str
) -> None:
    home = open_home(tmp_path / "home")
    if prepare == "no data":
        (home.models).symlink_to(world.home.models)
    with unit_of_work(home.engine) as connection:
        register(connection, [world.graded], now=NOW)
    empty = PortalWorld(home=home, graded=world.graded, thin=world.thin, others=())
    empty.add_user(world.graded, "waiting")
    page = opened(visit(home, clock=clock), "waiting", "/", "en")
    assert wording(Language.EN).say("page.waiting.title") in page.html
    assert page.figures() == []
    home.engine.dispose()
