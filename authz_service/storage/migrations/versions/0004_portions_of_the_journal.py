"""SQLite's indexes of the journal in portions, so that new entries change few pages however many there are."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_BEFORE = (("subject",), ("customer",), ("action", "answer"), ("answer",))
_SEARCHED = (("subject",), ("customer",), ("answer", "action"))


def upgrade() -> None:
    id_type = sa.String().with_variant(sa.String(collation="C"), "postgresql")
    portions = op.create_table(
        "journal_portions",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("first_id", id_type, nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_journal_portions")),
    )
    # What has been loaded so far is one portion.
    entries = op.get_bind().scalar(sa.text("SELECT count(*) FROM journal_entries"))
    if entries:
        op.bulk_insert(portions, [{"number": 0, "first_id": "", "entries": entries}])
    op.add_column("journal_entries", sa.Column("portion", sa.Integer(), server_default="0", nullable=False))
    if op.get_bind().dialect.name == "sqlite":
        for members in _BEFORE:
            op.drop_index(_name(members), "journal_entries")
        for members in _SEARCHED:
            in_body = [sa.text(f"(body ->> '{member}')") for member in members]
            op.create_index(_name(members), "journal_entries", ["portion", *in_body, "id", "item"])


def _name(members: tuple[str, ...]) -> str:
    return f"ix_journal_entries_{'_'.join(members)}"


def downgrade() -> None:
    raise NotImplementedError("a step back would lose data; restore a backup")
