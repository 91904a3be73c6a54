"""Tables of the evidence: the log's entries and tree, checkpoints that were signed; gateways' keys, seals and faults.

Times are UTC microseconds since 1970.
"""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

SUBJECT = sa.String(160)

log_entry = sa.Table(
    "log_entry",
    metadata,
    sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("subject", SUBJECT, nullable=False),
    sa.Column("salt", sa.LargeBinary(16)),
    sa.Column("leaf", sa.LargeBinary(32), nullable=False),
    sa.UniqueConstraint("kind", "subject"),
)
"""One thing that was said, as a salted commitment to its bytes; the bytes themselves stay with their own table.
`position` is its place among the leaves. An erased entry keeps its leaf and loses its salt."""

log_node = sa.Table(
    "log_node",
    metadata,
    sa.Column("level", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("hash", sa.LargeBinary(32), nullable=False),
)
"""A complete subtree above the leaves: level 1 holds two leaves, level 2 four. They never change."""

log_checkpoint = sa.Table(
    "log_checkpoint",
    metadata,
    sa.Column("size", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("note", sa.Text, nullable=False),
)
"""A checkpoint that was signed for receipts or witnesses, with the cosignatures that came in."""

gateway_key = sa.Table(
    "gateway_key",
    metadata,
    sa.Column("key_id", sa.String(16), primary_key=True),
    sa.Column("gateway", sa.String(80), nullable=False),
    sa.Column("obligor_id", sa.String(18), nullable=False),
    sa.Column("public_key", sa.LargeBinary(32), nullable=False),
    sa.Column("livemode", sa.Boolean, nullable=False),
    sa.Column("registered_us", sa.BigInteger, nullable=False),
    sa.Column("registered_by", sa.String(40), nullable=False),
    sa.Index(None, "obligor_id"),
)
"""A gateway's Ed25519 key."""

gateway_key_end = sa.Table(
    "gateway_key_end",
    metadata,
    sa.Column("key_id", sa.ForeignKey("gateway_key.key_id"), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("revoked_us", sa.BigInteger, nullable=False),
    sa.Column("revoked_from_us", sa.BigInteger, nullable=False),
)
"""That a key ends: said at `revoked_us`, it counts for nothing since `revoked_from_us`. What is said later (of a theft
that was found to be older) dates it further back, and stands beside what was said before."""

gateway_seal = sa.Table(
    "gateway_seal",
    metadata,
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("key_id", sa.ForeignKey("gateway_key.key_id"), nullable=False),
    sa.Column("sequence", sa.BigInteger, nullable=False),
    sa.Column("boot_id", sa.String(32), nullable=False),
    sa.Column("monotonic_us", sa.BigInteger, nullable=False),
    sa.Column("wall_us", sa.BigInteger, nullable=False),
    sa.Column("previous", sa.String(64), nullable=False),
    sa.Column("body_sha256", sa.String(64), nullable=False),
    sa.Column("signature", sa.LargeBinary(64), nullable=False),
    sa.Column("received_us", sa.BigInteger, nullable=False),
    sa.Column("batch_id", sa.String(25), nullable=False),
    sa.Index(None, "key_id", "sequence"),
    sa.Index(None, "key_id", "body_sha256"),
    sa.Index("ix_gateway_seal_boot_id", "key_id", "boot_id", "sequence"),
)
"""A seal that came in with a batch, with the signature that proves who made it."""

refused_seal = sa.Table(
    "refused_seal",
    metadata,
    sa.Column("refusal_id", sa.String(24), primary_key=True),
    sa.Column("key_id", sa.ForeignKey("gateway_key.key_id"), nullable=False),
    sa.Column("reason", sa.String(16), nullable=False),
    sa.Column("seal", sa.String(2000), nullable=False),
    sa.Column("body_sha256", sa.String(64), nullable=False),
    sa.Column("sent_by", sa.String(80), nullable=False),
    sa.Column("refused_us", sa.BigInteger, nullable=False),
    sa.Index(None, "key_id"),
)
"""A seal that a registered key signed and that was refused all the same, as it was sent, and the hash of the body that
came with it."""

gateway_fault = sa.Table(
    "gateway_fault",
    metadata,
    sa.Column("fault_id", sa.String(24), primary_key=True),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("key_id", sa.ForeignKey("gateway_key.key_id"), nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("other_digest", sa.String(64)),
    sa.Column("detail", sa.String(300), nullable=False),
    sa.Column("found_us", sa.BigInteger, nullable=False),
    sa.Column("batch_id", sa.String(25), nullable=False),
    sa.Index(None, "key_id"),
    sa.Index(None, "kind"),
)
"""Something wrong with a gateway's chain; the two seals that it names are its proof."""

batch_attestation = sa.Table(
    "batch_attestation",
    metadata,
    sa.Column("batch_id", sa.String(25), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("level", sa.String(2), nullable=False),
    sa.Column("seal_digest", sa.String(64)),
    sa.Column("attested_by", sa.String(80), nullable=False),
    sa.Column("evidence", sa.String(64)),
    sa.Column("attested_us", sa.BigInteger, nullable=False),
)
"""How far a batch can be trusted to come from where it says: at its admission (position 0), and as others attested it
later; `evidence` is the SHA-256 of what shows it."""

late_logging = sa.Table(
    "late_logging",
    metadata,
    sa.Column("run", sa.String(20), primary_key=True),
    sa.Column("first", sa.BigInteger, nullable=False),
    sa.Column("until", sa.BigInteger, nullable=False),
    sa.Column("logged_us", sa.BigInteger, nullable=False),
)
"""A run that logged what was kept before it was logged: the entries from `first` up to, not including, `until` say what
their records said at `logged_us`, whatever these say of when they were kept. `run` is `first` in digits."""
