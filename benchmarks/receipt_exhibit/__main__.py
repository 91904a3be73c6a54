"""The exhibit `docs/exhibits/receipt.md`: one score's receipt opened line by line, and three ways of cheating.

`python -m benchmarks.receipt_exhibit` builds a small synthetic home, decides, and prints the page; `--write` stores it.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from api.credit_decisions import service as credit_decisions
from api.database.engine import unit_of_work
from api.evidence.claims import Kind
from api.home import Home
from api.obligors.repository import all_ids
from api.partners.repository import LOCAL
from api.receipts.opening import parse_opening
from api.receipts.service import receipt, receipt_bytes
from benchmarks import small_home
from benchmarks.receipt_exhibit import cheats
from benchmarks.receipt_exhibit.cheats import Said
from scoring.cards import SYNTHETIC_STATEMENT
from scoring.records import CreditProduct, CreditRequest

PAGE = Path(__file__).parents[2] / "docs" / "exhibits" / "receipt.md"
FEATURE = "power_on_rate_90d"
MEANS = {
    "decision_id": "which decision this is",
    "obligor_id": "about whom",
    "partner_id": "for whom",
    "decided_time": "when it was made",
    "as_of": "what could be known: nothing that was recorded later",
    "request": "what was asked",
    "outcome": "what was recommended",
    "limit_minor": "up to how much, in minor units",
    "indicative_limit_minor": "or, where a capacity is not known, what it would be at best",
    "currency": "of which currency",
    "tenor_months": "for how long",
    "annual_rate_ratio": "at what price",
    "pd_12m": "the probability of default",
    "rating_grade": "and its grade",
    "reasons": "why: code, direction, and the feature that leads",
    "snapshot_id": "the hash of everything that was known of the obligor",
    "basis": "roots over each feature and each batch of that snapshot: any can be opened alone",
    "model_version": "the hash of the model's files",
    "parameters_version": "the hash of the business parameters",
    "policy_version": "and of the credit policy",
    "consent_ids": "the consents that it rested on",
    "body_sha256": "the hash of the whole answer, narrative and all",
    "livemode": "whether it was for real",
    "data_origin": "where the data came from",
}


def main() -> None:
    """Print the page or store it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        text = "\n".join(_page(Path(name))) + "\n"
    if arguments.write:
        PAGE.write_text(text, encoding="utf-8")
        print(PAGE.relative_to(PAGE.parents[2]))
    else:
        print(text)


def _page(folder: Path) -> Iterator[str]:
    home = small_home.build(folder)
    made = _receipt(home)
    key = folder / "log.pub"
    shutil.copy(home.evidence / "log.pub", key)
    file = folder / "receipt.json"
    file.write_bytes(receipt_bytes(made))
    yield from _opening(len(receipt_bytes({**made, "opened": {}})), len(receipt_bytes(made)))
    yield from _statement(json.loads(made["statement"]))
    yield from _proof(made)
    yield from _opened(made["opened"])
    yield from ["## The verifier", "", *_block(cheats.verified(file, key), lines=3, last=1)]
    yield from _cheats(home, folder, made, key)
    home.engine.dispose()


def _receipt(home: Home) -> dict[str, Any]:
    """The receipt of one decision, with one feature, one batch and the consents opened."""
    with unit_of_work(home.engine) as connection:
        owner = all_ids(connection)[0]
    request = CreditRequest(
        obligor_id=owner,
        product=CreditProduct.WORKING_CAPITAL,
        amount_minor=50_000_000,
        currency="CNY",
        tenor_months=12,
        as_of=small_home.AS_OF,
    )
    body = json.loads(credit_decisions.decide(home, request, partner=LOCAL, now=small_home.NOW))
    with unit_of_work(home.engine) as connection:
        sealed = receipt(connection, home, Kind.CREDIT_DECISION, body["decision_id"], now=small_home.NOW)
        batches = receipt(
            connection,
            home,
            Kind.CREDIT_DECISION,
            body["decision_id"],
            opening=parse_opening(["batches"]),
            now=small_home.NOW,
        )
        batch = json.loads(batches["opened"]["batches"][0]["content"])["batch_id"]
        opening = parse_opening([f"feature:{FEATURE}", f"batch:{batch}", "consents"])
        made = receipt(connection, home, Kind.CREDIT_DECISION, body["decision_id"], opening=opening, now=small_home.NOW)
    assert sealed["statement"] == made["statement"]
    return made


def _opening(sealed: int, opened: int) -> list[str]:
    return [
        "# A receipt, opened line by line",
        "",
        "Printed by `python -m benchmarks.receipt_exhibit --write`, which builds a small home, decides on a loan, and then cheats. Salts and keys are fresh in each run, so that hashes differ from run to run; nothing else does.",
        "",
        f"**{SYNTHETIC_STATEMENT}.** The firm does not exist, and the model was fitted on a made-up book. The page shows what can be proven of a score, not that the score is right.",
        "",
        f"The receipt has {sealed:,} bytes, signed with Ed25519 and ML-DSA-44; with one feature, one batch and two consents opened, as below, {opened:,}. What a receipt proves and what not is in [evidence.md](../evidence.md).",
        "",
    ]


def _statement(statement: dict[str, Any]) -> Iterator[str]:
    yield from [
        "## What was logged",
        "",
        "The statement, member by member. To the letter it is what stands in the log.",
        "",
    ]
    yield from ["| member | value | says |", "|---|---|---|"]
    for name in [*(name for name in MEANS if name in statement), *sorted(statement.keys() - MEANS.keys())]:
        yield f"| `{name}` | {_cell(statement[name])} | {MEANS.get(name, '')} |"
    yield ""


def _proof(made: dict[str, Any]) -> Iterator[str]:
    lines = made["proof"].rstrip("\n").split("\n")
    yield from [
        "## The proof",
        "",
        f"`salt` is `{made['salt']}`: with it, SHA-256 over a zero byte, the salt, `{made['kind']}`, a newline and the statement is a leaf of the log. `proof` leads from that leaf to a root that was signed:",
        "",
        "```",
        *(line if len(line) < 110 else f"{line[:96]}… ({len(line)} characters)" for line in lines),
        "```",
        "",
        "First the format and the leaf's place, then the hashes beside the way up; after the empty line the checkpoint: the log's name, its size, its root; and its two signatures, the second (ML-DSA-44) with the time of signing.",
        "",
    ]


def _opened(opened: dict[str, list[dict[str, Any]]]) -> Iterator[str]:
    yield from ["## What is opened", ""]
    yield from [
        "Three sorts of parts were asked for. Everything else of the snapshot stays sealed: its leaves have salts of their own.",
        "",
    ]
    yield from ["| part | says | is proven by |", "|---|---|---|"]
    for item in opened["features"]:
        yield f"| feature | {_cell(json.loads(item['content']))} | {len(item['path'])} hashes up to `features_root` |"
    for item in opened["batches"]:
        yield f"| batch | {_cell(json.loads(item['content']))} | {len(item['path'])} hashes up to `batches_root` |"
    for item in opened["entries"]:
        said = json.loads(item["statement"])
        told = {name: said[name] for name in ("recipient", "purpose", "mark", "granted_time")}
        yield f"| {item['kind']} | {_cell(told)} | entry {item['index']} of the same log |"
    yield ""


def _cheats(home: Home, folder: Path, made: dict[str, Any], key: Path) -> Iterator[str]:
    yield from ["## Three ways of cheating", ""]
    yield from ["**A borrower edits its receipt**: the limit becomes ten times as high.", ""]
    yield from _block(cheats.edited_statement(folder, made, key))
    yield from ["**A borrower opens another feature than was logged**: its machines ran 97 % of the time.", ""]
    yield from _block(cheats.better_feature(folder, made, key))
    told = cheats.rewritten_history(home, folder, made, key)
    yield from [
        "**The operator rewrites history.** It holds the log's private key. It makes the decision an R1, computes every leaf and hash of the log anew, and signs. A receipt of the forged decision verifies, for nothing in it alone can tell:",
        "",
        *_block(told["forged"], lines=3, last=1),
        "But the bank's witness remembers another history, and so does anybody who kept a checkpoint or an earlier receipt:",
        "",
        *_block(told["witness"]),
        *_block(told["audit"], lines=4),
        "Without a witness, an old checkpoint or an old receipt this last one could not be found. That is why a bank keeps them.",
    ]


def _block(said: Said, *, lines: int = 12, last: int = 0) -> list[str]:
    printed = said.printed.split("\n")
    left = len(printed) - lines - last
    shown = printed if left <= 0 else [*printed[:lines], f"… {left} more lines", *printed[len(printed) - last :]]
    return ["```", f"$ {said.command}", *(_short(line) for line in shown), f"(exit code {said.exit_code})", "```", ""]


def _cell(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"`{_short(text)}`"


def _short(text: str) -> str:
    return text if len(text) <= 400 else f"{text[:380]}…"


if __name__ == "__main__":
    main()
