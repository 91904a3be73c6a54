"""A home with something of every kind that is logged, its checkpoint, and a connection whose changes are undone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from kept_home import SIGNED, Kept

from api.operations import evidence
from benchmarks.tamper import small
from data_contracts.evidence import verify


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    """The small home, signed an hour after its last record."""
    folder = tmp_path_factory.mktemp("evidence")
    home = small.build(folder)
    signed = evidence.sign(home, since=None, now=SIGNED)
    yield Kept(
        home=home,
        keys=verify.parse_keys("\n".join(signed["keys"])),
        checkpoint=verify.parse_checkpoint(signed["text"]),
    )
    home.engine.dispose()


@pytest.fixture
def insider(kept: Kept) -> Iterator[sa.Connection]:
    """A connection without the service's constraints; what is done on it is rolled back."""
    engine = sa.create_engine(f"sqlite:///{kept.home.root / 'millgrade.db'}")
    with engine.connect() as connection:
        yield connection
        connection.rollback()
    engine.dispose()
