"""The exhibit's text, from what the doors answered."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from api.demo import WORLD_ENDS
from api.portal.pages import PATHS
from benchmarks.page_parts import Page
from benchmarks.three_doors.checks import (
    BEHIND,
    FEATURES,
    GRADE,
    REASONS,
    Check,
    badge,
    checks,
    uncompared,
)
from benchmarks.three_doors.exchange import Exchange
from benchmarks.three_doors.shortened import laid_out, shortened
from benchmarks.three_doors.visit import Visit
from scoring.cards import SYNTHETIC_STATEMENT

SHARED = (
    "rating_grade",
    "pd_12m",
    "pd_12m_lower",
    "pd_12m_upper",
    "score_points",
    "snapshot_id",
    "model_version",
    "parameters_version",
    "reasons",
)
ROUNDING = 1e-12
SHOWN_IN_FULL = (GRADE, REASONS)
SOURCES = {
    "grade": "`/score`",
    "reasons": "`/explanation`",
    "twelve months": "`/months`",
    "coverage and history": "`/explanation`, `/score`",
    "all features": "`/explanation`",
}


def page(told: Visit) -> str:
    """The whole page. Raises FiguresDiffer where a figure of the manufacturer's page is not the API's."""
    found = checks(told)
    parts = (
        _opening(told),
        _partners(told),
        _itself(told),
        _same(told),
        _proof(told, found),
        _closed(told),
        _looks(told),
    )
    return "\n".join([*(line for part in parts for line in (*part, "")), *_limits()]) + "\n"


def _opening(told: Visit) -> list[str]:
    clock = told.clock.astimezone(WORLD_ENDS.tzinfo)
    return [
        "# Three doors",
        "",
        f"One obligor, {told.obligor}, asked by a bank, by an insurer and by itself. Printed by `python -m benchmarks.three_doors`: it serves a copy of the demonstration's home on loopback,",
        f"sends the requests below over HTTP and reads the manufacturer's page after a sign-in. The server's clock stands at {clock:%Y-%m-%d %H:%M} ({WORLD_ENDS.tzinfo}), so that ages and",
        "times come out the same in every run. Keys, sign-in and the consents that they rest on are made for the run.",
        "",
        f"**{SYNTHETIC_STATEMENT}.** Neither firm nor machine exists. The page shows that the doors agree and who is kept out; it says nothing on whether such scores predict defaults.",
        "",
        "The obligor is not picked by hand: of everybody whom the demonstration scores it is the one in the middle by probability of default. Keys are shortened to `mg_test_…`. In answers, `… n more` marks what",
        "was left out here; hashes are cut to twelve digits. Nothing else is changed.",
    ]


def _partners(told: Visit) -> list[str]:
    return [
        "## The bank asks",
        "",
        *_exchange(told.bank, frozenset()),
        "",
        "## The insurer asks",
        "",
        *_exchange(told.insurer, frozenset()),
    ]


def _itself(told: Visit) -> list[str]:
    behind = frozenset(reason["feature"] for reason in told.explanation.json["explanation"]["reasons"])
    return [
        "## The obligor asks",
        "",
        "With a key of its own:",
        "",
        *_exchange(told.score, behind),
        "",
        *_exchange(told.explanation, behind),
        "",
        "Or, without a program, with a name and a password in a browser:",
        "",
        "![The manufacturer's page in Chinese](three-doors/page-zh.png)",
        "",
        "![The same page in English](three-doors/page-en.png)",
    ]


def _exchange(told: Exchange, keep: frozenset[str]) -> list[str]:
    asked = [f"{told.method} {told.path}", f"Authorization: Bearer {told.kind}"]
    body = [] if told.body is None else ["Content-Type: application/json", "", laid_out(told.body)]
    return [
        "```http",
        *asked,
        *body,
        "```",
        "",
        f"{told.status} {told.phrase}, {len(told.content):,} bytes:",
        "",
        "```json",
        laid_out(shortened(told.json, keep=keep)),
        "```",
    ]


def _same(told: Visit) -> list[str]:
    """What two doors tell: equal where it is the same thing, and why not where it is not."""
    decision, quote = told.bank.json["decision"], told.insurer.json["quote"]
    own = told.explanation.json["explanation"]
    return [
        "## Do they hear the same?",
        "",
        "Bank and obligor must: one score, one snapshot, one model.",
        "",
        "| | the bank is told | the obligor is told | equal |",
        "|---|---|---|---|",
        *[
            f"| `{name}` | {_brief(decision[name])} | {_brief(own[name])} | {_yes(decision[name] == own[name])} |"
            for name in SHARED
        ],
        "",
        "The insurer insures machines. The figures of its reasons are means of its machines' own; the bank's are the firm's: sums over the machines first, then the ratio (and the smoothing of small numbers). They are",
        "not the same figure, and the sentences do not say which of the two they quote.",
        "",
        "| feature | firm (`/explanation`) | mean of the machines (`/machines`) | in the quote | quote equals mean |",
        "|---|---:|---:|---:|---|",
        *[
            _insurers_figure(reason, told.explanation.json["features"], told.machines.json["data"])
            for reason in quote["reasons"]
        ],
    ]


def _insurers_figure(reason: dict[str, Any], features: dict[str, Any], machines: list[dict[str, Any]]) -> str:
    name = reason["feature"]
    values = [machine["features"][name]["value"] for machine in machines if machine["features"]]  # not those sold
    known = [value for value in values if value is not None]
    mean = sum(known) / len(known)
    is_mean = abs(mean - reason["value"]) <= ROUNDING * max(1.0, abs(mean))
    return f"| `{name}` | {_figure(features[name]['value'])} | {_figure(mean)} | {_figure(reason['value'])} | {_yes(is_mean)} |"


def _proof(told: Visit, found: list[Check]) -> list[str]:
    behind = {f"features.{reason['feature']}.value" for reason in told.explanation.json["explanation"]["reasons"]}
    bounds, days = uncompared(told)
    detailed = [check for check in found if check.wanted.part in SHOWN_IN_FULL]
    detailed += [check for check in found if check.wanted.part == FEATURES and check.wanted.place in behind]
    every = sum(len(item.figures()) for item in told.statements.values())
    return [
        "## Is every number on the page the API's?",
        "",
        "Each figure of the page bears its exact value in the page's source, `<data value=\"…\">`, beside the rounded text. *Equal* means: the exact value is the API's to the last digit, and the text is that value rounded,",
        "in both languages. The command ends without a page where one is not.",
        "",
        "| in the API | value in the API | value in the page's source | zh | en | equal |",
        "|---|---:|---:|---|---|---|",
        _grade_row(told),
        *[_row(check) for check in detailed],
        "",
        f"The last {len(behind)} rows are the {BEHIND}. All of them, by part of the page:",
        "",
        "| part of the page | figures | equal to the API | asked of |",
        "|---|---:|---:|---|",
        *[_counted(part, found) for part in dict.fromkeys(check.wanted.part for check in found)],
        "",
        f"In each language: {len(found)} figures compared, {sum(check.is_equal for check in found)} equal. {bounds} + {days} are not, since the API does not tell them: bounds of the grades (a dated parameter), and on how many",
        f"days each machine was seen. Together {len(found) + bounds + days}, which is all that the page marks as a figure ({every} in {len(told.statements)} languages). The sentences of the reasons are the API's `narrative`, word for word.",
        'Not marked, and so not compared: numbers in other sentences ("of 1,000 firms"), dates, and the lengths of bars.',
    ]


def _grade_row(told: Visit) -> str:
    grade, shown = told.score.json["score"]["rating_grade"], {name: badge(told.statements[name]) for name in PATHS}
    return f"| `score.rating_grade` | {grade} | – | {shown['zh']} | {shown['en']} | {_yes(set(shown.values()) == {grade})} |"


def _row(check: Check) -> str:
    exact = sorted(set(check.exact.values()))
    place = f"`{check.wanted.place}`"
    return f"| {place} | {check.wanted.value} | {', '.join(exact)} | {check.texts['zh']} | {check.texts['en']} | {_yes(check.is_equal)} |"


def _counted(part: str, found: list[Check]) -> str:
    of_it = [check for check in found if check.wanted.part == part]
    return f"| {part} | {len(of_it)} | {sum(check.is_equal for check in of_it)} | {SOURCES[part]} |"


def _closed(told: Visit) -> list[str]:
    status, location = told.unsigned
    return [
        "## Who may not",
        "",
        "Each question twice: for what is there, and for what does not exist. The same status and the same bytes (but for the request's id) mean that a refusal tells nothing about what is hidden.",
        "",
        "| who | asks for | request | status | code | for what does not exist | same bytes |",
        "|---|---|---|---:|---|---:|---|",
        *[
            f"| {knock.who} | {knock.wanted.what} | `{knock.wanted.request}` | {knock.hidden.status} | `{knock.hidden.json['code']}` | {knock.absent.status} | {_yes(knock.is_alike)} |"
            for knock in told.knocks
        ],
        "",
        f"The manufacturer's page without a sign-in: {status}, to `{location}`. 403 is for a kind of key that may never ask this and comes before anything is looked up; 404 is for a key that might, but not here.",
    ]


def _looks(told: Visit) -> list[str]:
    by_api = [row for row in told.looks.json["data"] if datetime.fromisoformat(row["time"]) == told.clock]
    shown = {name: _looks_shown(item, told.clock) for name, item in told.data.items()}
    pairs = list(zip(shown["zh"], shown["en"], by_api, strict=True))
    return [
        "## Who looked",
        "",
        "The page's own list afterwards, the newest first, beside the API's `access-log`. All of it is at the one moment at which the clock stands. Refused requests saw nothing and are not in it.",
        "",
        "| zh: who | what | en: who | what | API: viewer | what |",
        "|---|---|---|---|---|---|",
        *[f"| {zh[0]} | {zh[1]} | {en[0]} | {en[1]} | `{row['viewer']}` | `{row['what']}` |" for zh, en, row in pairs],
    ]


def _looks_shown(data: Page, clock: datetime) -> list[tuple[str, str]]:
    """Who and what of each row of the page's list that is of this visit."""
    times = [
        datetime.fromisoformat(str(item.attributes["datetime"])) for item in data.all("time", within="looks-table")
    ]
    who = [item.text for item in data.all("th", within="looks-table") if item.attributes["scope"] == "row"]
    what = [item.text for item in data.all("td", within="looks-table")][1::2]
    return [(name, act) for time, name, act in zip(times, who, what, strict=True) if time == clock]


def _limits() -> list[str]:
    return [
        "## What this does not show",
        "",
        "* That the figures are true of any firm: the world is simulated, and so is every effect in it.",
        "* Live keys. These are test keys; a live one gets no answer from a synthetic model.",
        "* TLS, a proxy, load. The requests went to one process on loopback.",
    ]


def _brief(value: Any) -> str:
    """A member's value, or how many there are of a list."""
    return f"{len(value)} with their figures" if isinstance(value, list) else str(shortened(value))


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.6f}"


def _yes(is_so: bool) -> str:
    return "yes" if is_so else "**no**"
