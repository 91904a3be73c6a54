"""The door to receipts: many who ask at once share one signed checkpoint and one commit.

Whoever comes in while a checkpoint is being signed waits for the next one, which covers all who wait. What is answered
is put together afterwards, from what is kept, and keeps no writer waiting.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from starlette.responses import Response

from api.evidence.claims import Kind
from api.http.call import Call, Work
from api.receipts import service as receipts
from api.receipts.opening import parse_opening
from data_contracts.identifiers import ObligorId


def answer_receipt(
    call: Call, kind: Kind, subject: str, *, owner: Callable[[Work], ObligorId], opened: Sequence[str] | None
) -> Response:
    """The receipt of a record of that name. `owner` says whom it is about and raises NotFound where the key may not
    read it. Raises as `receipts.receipt`, and IntakeBusy where too many wait already."""
    opening = parse_opening(opened or ())
    with call.look() as asking:
        obligor_id = owner(asking)  # whoever may not read it takes no place among those who wait

    def covered(work: Work) -> str:
        work.looked(obligor_id, "receipt")
        return receipts.cover(work.connection, work.home, kind, subject, now=work.now)

    note = call.together(call.doors.receipts, asking, lambda work, _: covered(work))
    with call.look_again(asking) as work:
        told = receipts.covered_receipt(work.connection, work.home, kind, subject, note, opening=opening)
        return work.answer({"receipt": told})
