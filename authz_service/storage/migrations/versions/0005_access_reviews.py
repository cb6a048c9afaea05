"""Access reviews that were signed off."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


_ULID = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "access_reviews",
        sa.Column("id", _ULID, nullable=False),
        sa.Column("customer_number", sa.String(), nullable=False),
        sa.Column("people_after", sa.String(), nullable=False),
        sa.Column("subscriptions_after", sa.String(), nullable=False),
        sa.Column("reviewer", sa.String(), nullable=False),
        sa.Column("policy_revision", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("previous", _ULID),
        sa.Column("changes", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_reviews")),
    )
    op.create_index("ix_access_reviews_customer_number_id", "access_reviews", ["customer_number", "id"])


def downgrade() -> None:
    raise NotImplementedError("a step back would lose data; restore a backup")
