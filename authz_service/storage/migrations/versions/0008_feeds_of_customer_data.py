"""How far feeds of customer data have come: the newest change of each object, and the position of each source."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "feed_objects",
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("code_sequence", sa.BigInteger()),
        sa.PrimaryKeyConstraint("kind", "id", name=op.f("pk_feed_objects")),
    )
    op.create_table(
        "feed_sources",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_feed_sources")),
    )


def downgrade() -> None:
    raise NotImplementedError("a step back would lose data; restore a backup")
