"""Offers: signed over their content, logged, good until their day, and honoured under their own model and policy."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from recourse_world import RecourseWorld, by_grade, short_terms

from api.access_log.repository import looked
from api.credit_decisions import service as credit_decisions
from api.database.engine import unit_of_work
from api.errors import OfferLapsed
from api.evidence.claims import READERS, Kind
from api.evidence.keys import log_signers
from api.jobs import service as jobs
from api.models import service as models
from api.partners.repository import LOCAL
from api.recourse import service as recourse
from benchmarks import small_home
from data_contracts.errors import ConsentMissing, InputError, NotFound
from data_contracts.evidence import log
from data_contracts.identifiers import DecisionId

NOW = small_home.NOW


@pytest.fixture(scope="module")
def offer(world: RecourseWorld) -> Any:
    """An offer about a decision of the home, searched for on a short grid."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(models, "scoring_parameters", lambda: by_grade("R9"))
        patch.setattr(recourse, "recourse_terms", lambda _: short_terms(small_home.AS_OF))
        models.keep_artefact(world.home, world.model)
        firm = world.firms[0]
        credit_decisions.decide(world.home, world.grounds(firm).request, partner=LOCAL, now=NOW)
        return recourse.offer(world.home, firm.base.obligor_id, partner=LOCAL, as_of=small_home.AS_OF, now=NOW)


def test_the_note_signs_the_offer(world: RecourseWorld, offer: Any) -> None:
    assert offer["answer"] == "plans"
    text, _, line = offer["note"].partition("\n\n")
    origin, name, digest, ends = text.split("\n")
    body = {key: value for key, value in offer.items() if key not in {"note", "rescores"}}
    written = json.dumps(body, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
    assert (origin, name) == (recourse.ORIGIN, offer["offer_id"])
    assert digest == hashlib.sha256(written).hexdigest()
    assert ends == max(plan["good_until"] for plan in offer["plans"])
    key = log_signers(world.home)[0].public_line.split("+", 2)[2]
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(key)[1:])
    public.verify(base64.b64decode(line.split()[2])[4:], f"{text}\n".encode())


def test_offers_and_rescores_are_in_the_log(world: RecourseWorld, offer: Any) -> None:
    done = recourse.report_done(world.home, offer["offer_id"], plan=1, as_of=small_home.AS_OF, now=NOW)
    with unit_of_work(world.home.engine) as connection:
        for kind, subject in ((Kind.RECOURSE_OFFER, offer["offer_id"]), (Kind.RECOURSE_RESCORE, done["rescore_id"])):
            (claim,) = READERS[kind](connection, [subject])
            assert claim.subject == subject
            entry = log.find(connection, kind.value, subject)
            assert entry.leaf == log.entry_leaf(entry.salt, kind.value, claim.canonical)


def test_nothing_was_done_and_it_is_said_what_is_missing(world: RecourseWorld, offer: Any) -> None:
    """On the day of the offer the firm stands where it stood: outside the promise, and referred as before."""
    done = recourse.report_done(world.home, offer["offer_id"], plan=1, as_of=small_home.AS_OF, now=NOW)
    gauges = {step["gauge"] for step in offer["plans"][0]["steps"]}
    assert not done["is_kept"]
    assert not done["is_flipped"]
    assert gauges & set(done["missed"])
    assert done["model_version"] == offer["model_version"]
    assert done["parameters_version"] == offer["parameters_version"]


def test_a_worker_does_a_queued_search_and_finds_the_same_offer(
    world: RecourseWorld, offer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recourse, "recourse_terms", lambda _: short_terms(small_home.AS_OF))
    decision_id = DecisionId(offer["decision_id"])
    with unit_of_work(world.home.engine) as connection:
        assert jobs.recourse_search(connection, decision_id) is None
        asked = [jobs.queue_recourse(connection, decision_id, now=NOW) for _ in range(2)]
    assert asked[0] == asked[1]
    assert (asked[0]["state"], asked[0]["offer_id"]) == ("queued", None)
    assert [done["kind"] for done in jobs.work(world.home, clock=lambda: NOW)] == ["recourse"]
    with unit_of_work(world.home.engine) as connection:
        found = jobs.recourse_search(connection, decision_id)
    assert found is not None
    assert (found["state"], found["offer_id"]) == ("done", offer["offer_id"])


def test_a_search_keeps_no_writer_waiting(world: RecourseWorld, offer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite has one writer; within the search there is a turn to be had."""
    written = []

    def write_meanwhile(*_: Any) -> Any:
        with unit_of_work(world.home.engine) as connection:
            looked(connection, world.firms[0].base.obligor_id, "recourse", viewer=LOCAL, now=NOW)
            written.append(True)
        raise InputError("enough")

    monkeypatch.setattr(recourse, "find_recourse", write_meanwhile)
    with pytest.raises(InputError, match="enough"):
        recourse.seek(world.home, DecisionId(offer["decision_id"]), now=NOW)
    assert written


def test_without_its_consent_nothing_is_computed(world: RecourseWorld, offer: Any) -> None:
    before_it_was_given = NOW - timedelta(days=4000)
    with pytest.raises(ConsentMissing):
        recourse.seek(world.home, DecisionId(offer["decision_id"]), now=before_it_was_given)


def test_words_in_both_languages_say_each_plan(offer: Any) -> None:
    for language in ("zh", "en"):
        sentences = offer["narrative"][language]["plans"]
        assert len(sentences) == len(offer["plans"])
        for plan, sentence in zip(offer["plans"], sentences, strict=True):
            assert plan["shows_by"] in sentence
            assert plan["good_until"] in sentence


def test_an_offer_lapses_and_has_so_many_plans(world: RecourseWorld, offer: Any) -> None:
    late = small_home.AS_OF + timedelta(days=400)
    with pytest.raises(OfferLapsed, match="was good until"):
        recourse.report_done(world.home, offer["offer_id"], plan=1, as_of=late, now=late)
    with pytest.raises(InputError, match="plans, not a plan 9"):
        recourse.report_done(world.home, offer["offer_id"], plan=9, as_of=None, now=NOW)
    with pytest.raises(NotFound, match="No offer"):
        recourse.report_done(world.home, "r0", plan=1, as_of=None, now=NOW)


def test_without_a_decision_there_is_nothing_to_offer(world: RecourseWorld) -> None:
    with pytest.raises(NotFound, match="No decision about"):
        recourse.offer(world.home, world.firms[3].base.obligor_id, partner=LOCAL, as_of=small_home.AS_OF, now=NOW)
