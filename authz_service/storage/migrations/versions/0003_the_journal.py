"""The journal: entries for queries, what they refer to, and what waits to become one."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_SEARCHED = (("subject",), ("customer",), ("action", "answer"), ("answer",))


def upgrade() -> None:
    _create_chains()
    _create_entries()
    _create_outbox()


def downgrade() -> None:
    raise NotImplementedError("a step back would lose data; restore a backup")


def _create_chains() -> None:
    op.create_table(
        "journal_chains",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("chain", sa.String(), nullable=False),
        sa.Column("segment", sa.Integer(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("head", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_journal_chains")),
        sa.UniqueConstraint("chain", name=op.f("uq_journal_chains_chain")),
    )
    op.create_table(
        "journal_checkpoints",
        sa.Column("chain", sa.Integer(), nullable=False),
        sa.Column("block", sa.Integer(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("signature", sa.String(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("chain", "block", name=op.f("pk_journal_checkpoints")),
    )


def _create_entries() -> None:
    op.create_table(
        "journal_entries",
        sa.Column("id", sa.String().with_variant(sa.String(collation="C"), "postgresql"), nullable=False),
        sa.Column("item", sa.Integer(), nullable=False),
        sa.Column("chain", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("body", sa.Text().with_variant(postgresql.JSON(), "postgresql"), nullable=False),
        sa.PrimaryKeyConstraint("id", "item", "chain", name=op.f("pk_journal_entries")),
        sqlite_with_rowid=False,
        postgresql_partition_by="RANGE (id)",
    )
    op.create_index("ix_journal_entries_chain_sequence", "journal_entries", ["chain", "sequence"])
    for members in _SEARCHED:
        in_body = [sa.text(f"(body ->> '{member}')") for member in members]
        op.create_index(f"ix_journal_entries_{'_'.join(members)}", "journal_entries", [*in_body, "id", "item"])
    op.create_table(
        "journal_rulings",
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_journal_rulings")),
    )
    op.create_table(
        "journal_shadow",
        sa.Column("ruling", sa.String(), nullable=False),
        sa.Column("shadow", sa.String(), nullable=False),
        sa.Column("decisions", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("ruling", "shadow", name=op.f("pk_journal_shadow")),
    )


def _create_outbox() -> None:
    op.create_table(
        "journal_outbox",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("rulings", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_journal_outbox")),
    )
