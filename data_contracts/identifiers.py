"""Identifiers: typed strings with their checks."""

from __future__ import annotations

from typing import NewType

from stdnum.cn import uscc
from stdnum.exceptions import ValidationError

from data_contracts.errors import InvalidIdentifier

ObligorId = NewType("ObligorId", str)
"""Unified social credit code (GB 32100), 18 characters, upper case."""

MachineUid = NewType("MachineUid", str)
"""`<obligor USCC>/<the source's own id>`; it stays when the machine changes hands."""

BatchId = NewType("BatchId", str)
ProfileId = NewType("ProfileId", str)
"""SHA-256 of a source profile (`data_contracts.mapping.SourceProfile`), hex."""

SnapshotId = NewType("SnapshotId", str)
ModelVersion = NewType("ModelVersion", str)
ParametersVersion = NewType("ParametersVersion", str)
DecisionId = NewType("DecisionId", str)
QuoteId = NewType("QuoteId", str)
PartnerId = NewType("PartnerId", str)


def obligor_id(text: str) -> ObligorId:
    """The unified social credit code in `text`, normalised.

    Raises InvalidIdentifier with the reason when length, alphabet or check digit are wrong.
    """
    try:
        return ObligorId(uscc.validate(text))
    except ValidationError as error:
        raise InvalidIdentifier(
            f"{text!r} is no unified social credit code: {str(error).rstrip('.').lower()}.",
            hint="18 characters of 0-9 and A-Z without I, O, S, V, Z; the last is a check digit (GB 32100).",
        ) from error


def machine_uid(obligor: ObligorId, source_id: str) -> MachineUid:
    """The platform's name of the machine that a source of `obligor` calls `source_id`.

    Raises InvalidIdentifier when the source's id is empty.
    """
    name = source_id.strip()
    if not name:
        raise InvalidIdentifier("The source's machine id is empty.", hint="Map a column that names the machine.")
    return MachineUid(f"{obligor}/{name}")
