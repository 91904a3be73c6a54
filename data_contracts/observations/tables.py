"""Tables of the register: what was admitted, which files hold it, what was committed to, and what was turned away."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Dialect

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Instant(sa.types.TypeDecorator[datetime]):
    """An instant as UTC microseconds since 1970 in a big integer: the same on every database, exact, comparable.

    Binds an aware datetime, or an int of microseconds (for bulk rows); gives back an aware datetime in UTC.
    """

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | int | None, dialect: Dialect) -> int | None:
        """Microseconds of an aware datetime; an int as it is."""
        return to_microseconds(value) if isinstance(value, datetime) else value

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        """The aware datetime of stored microseconds."""
        return None if value is None else from_microseconds(value)


def to_microseconds(instant: datetime) -> int:
    """UTC microseconds since 1970 of an aware datetime."""
    assert instant.tzinfo is not None, "an instant bears its zone"
    return (instant - _EPOCH) // timedelta(microseconds=1)


def from_microseconds(microseconds: int) -> datetime:
    """The aware datetime of UTC microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=microseconds)


metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

SHA256_HEX = sa.String(64)
BATCH_ID = sa.String(25)
UNIT = sa.String(200)

source_profile = sa.Table(
    "source_profile",
    metadata,
    sa.Column("profile_id", SHA256_HEX, primary_key=True),
    sa.Column("canonical", sa.Text, nullable=False),
)

batch = sa.Table(
    "batch",
    metadata,
    sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("batch_id", BATCH_ID, nullable=False, unique=True),
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("obligor_id", sa.String(18)),
    sa.Column("source_name", sa.String(400), nullable=False),
    sa.Column("source_sha256", SHA256_HEX, nullable=False),
    sa.Column("profile_id", sa.ForeignKey("source_profile.profile_id"), nullable=False),
    sa.Column("contract_version", sa.String(20), nullable=False),
    sa.Column("received_time", Instant, nullable=False),
    sa.Column("backfilled", sa.Boolean, nullable=False),
    sa.Column("data_origin", sa.String(16), nullable=False),
    sa.Column("rows_read", sa.BigInteger, nullable=False),
    sa.Column("rows_admitted", sa.BigInteger, nullable=False),
    sa.Column("rows_duplicate", sa.BigInteger, nullable=False),
    sa.Column("rows_quarantined", sa.BigInteger, nullable=False),
    sa.Column("merkle_root", SHA256_HEX, nullable=False),
    sa.Column("event_from", Instant),
    sa.Column("event_until", Instant),
    sa.Column("recorded_from", Instant),
    sa.Column("recorded_until", Instant),
    sa.CheckConstraint("rows_read = rows_admitted + rows_duplicate + rows_quarantined", name="every_row_is_counted"),
)
"""One call of the door. `sequence` is the order of admission; the ranges are those of the admitted rows, inclusive."""

observation_file = sa.Table(
    "observation_file",
    metadata,
    sa.Column("sha256", SHA256_HEX, primary_key=True),
    sa.Column("path", sa.String(300), nullable=False, unique=True),
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("partition", sa.String(10), nullable=False),
    sa.Column("bucket", sa.SmallInteger, nullable=False),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("event_from", Instant, nullable=False),
    sa.Column("event_until", Instant, nullable=False),
    sa.Column("recorded_from", Instant, nullable=False),
    sa.Column("recorded_until", Instant, nullable=False),
    sa.Column("unit_from", UNIT, nullable=False),
    sa.Column("unit_until", UNIT, nullable=False),
    sa.Column("merges", sa.Boolean, nullable=False),
    sa.Column("contract_version", sa.String(20), nullable=False),
    sa.Column("received_time", Instant, nullable=False),
    sa.Index("ix_observation_file_kind_event_until", "kind", "event_until"),
)
"""A Parquet file that counts. `path` is relative to the store; ranges are inclusive; `merges` says that some of its
identities have rows in other files (or twice in this one), so that a reader must choose between versions."""

observation_file_batch = sa.Table(
    "observation_file_batch",
    metadata,
    sa.Column("sha256", sa.ForeignKey("observation_file.sha256"), primary_key=True),
    sa.Column("batch_id", sa.ForeignKey("batch.batch_id"), primary_key=True),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Index("ix_observation_file_batch_batch_id", "batch_id"),
)
"""How many rows of which batch a file holds."""

retired_file = sa.Table(
    "retired_file",
    metadata,
    sa.Column("path", sa.String(300), primary_key=True),
    sa.Column("retired_time", Instant, nullable=False),
    sa.Column("why", sa.String(16), nullable=False),
)
"""A file that another one stands for (compacted) or whose rows are gone (erased), until a sweep deletes it."""

chunk = sa.Table(
    "chunk",
    metadata,
    sa.Column("batch_id", sa.ForeignKey("batch.batch_id"), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("unit", UNIT, nullable=False),
    sa.Column("period", sa.String(10), nullable=False),
    sa.Column("rows", sa.Integer, nullable=False),
    sa.Column("recorded_from", Instant, nullable=False),
    sa.Column("salt", sa.LargeBinary(16)),
    sa.Column("leaf", sa.LargeBinary(32), nullable=False),
    sa.Index("ix_chunk_unit_recorded_from", "unit", "recorded_from"),
)
"""A unit (machine or obligor) and local period within a batch: the leaf that the batch's root commits to. `position`
is its place among the leaves. An erased chunk keeps its leaf and loses its salt."""

repeated_rows = sa.Table(
    "repeated_rows",
    metadata,
    sa.Column("batch_id", sa.ForeignKey("batch.batch_id"), primary_key=True),
    sa.Column("unit", UNIT, primary_key=True),
    sa.Column("period", sa.String(10), primary_key=True),
    sa.Column("rows", sa.Integer, nullable=False),
    sa.Index("ix_repeated_rows_unit", "unit", "period"),
)
"""How many rows of a batch about a unit and local period said nothing new: the store had them, or the batch did."""

observed_machine = sa.Table(
    "observed_machine",
    metadata,
    sa.Column("machine_uid", UNIT, primary_key=True),
    sa.Column("obligor_id", sa.String(18), nullable=False),
    sa.Column("first_batch_id", sa.ForeignKey("batch.batch_id"), nullable=False),
    sa.Column("first_recorded_time", Instant, nullable=False),
    sa.Index("ix_observed_machine_obligor_id", "obligor_id"),
)
"""A machine that telemetry spoke of, under the obligor for whom it first came in."""

quarantined_row = sa.Table(
    "quarantined_row",
    metadata,
    sa.Column("batch_id", sa.ForeignKey("batch.batch_id"), primary_key=True),
    sa.Column("row_number", sa.BigInteger, primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("column", sa.String(64), nullable=False),
    sa.Column("value", sa.String(200)),
    sa.Column("reason", sa.String(40), nullable=False),
)
"""What was wrong with a row that was turned away; a row may have several faults, numbered by `position`."""

quarantined_source = sa.Table(
    "quarantined_source",
    metadata,
    sa.Column("batch_id", sa.ForeignKey("batch.batch_id"), primary_key=True),
    sa.Column("row_number", sa.BigInteger, primary_key=True),
    sa.Column("content", sa.Text, nullable=False),
)
"""The row that was turned away as the source wrote it (its mapped columns as JSON, or the line that did not split), so
that nothing is lost and it can be admitted again under a better mapping."""

readmission = sa.Table(
    "readmission",
    metadata,
    sa.Column("batch_id", BATCH_ID, primary_key=True),
    sa.Column("row_number", sa.BigInteger, primary_key=True),
    sa.Column("readmitted_in", sa.ForeignKey("batch.batch_id"), nullable=False),
    sa.Column("readmitted_row", sa.BigInteger, nullable=False),
    sa.ForeignKeyConstraint(["batch_id"], ["batch.batch_id"]),
)
"""A row in quarantine that was tried again, and which row of which batch it became (where it was admitted, was known
already, or is in quarantine again)."""

machine_day_file = sa.Table(
    "machine_day_file",
    metadata,
    sa.Column("sha256", SHA256_HEX, primary_key=True),
    sa.Column("path", sa.String(300), nullable=False, unique=True),
    sa.Column("partition", sa.String(10), nullable=False),
    sa.Column("bucket", sa.SmallInteger, nullable=False),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("unit_from", UNIT, nullable=False),
    sa.Column("unit_until", UNIT, nullable=False),
    sa.Column("rolled_time", Instant, nullable=False),
    sa.Index("ix_machine_day_file_bucket", "bucket"),
)
"""A Parquet file of rolled samples that counts: versions of what single machines sent within single partitions of the
samples. `partition` is the month of those."""

machine_day_place = sa.Table(
    "machine_day_place",
    metadata,
    sa.Column("partition", sa.String(10), primary_key=True),
    sa.Column("bucket", sa.SmallInteger, primary_key=True),
)
"""A folder of samples that is rolled: every machine with rows in it has a version, but for what came in later."""

machine_day_run = sa.Table(
    "machine_day_run",
    metadata,
    sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("rolled_time", Instant, nullable=False),
)
"""A roll-up that was completed: of the folders that were rolled before it, all that came in up to the batch of this
`sequence` is in a version."""
