"""Which programs the tables serve, so that an older one goes on answering beside a newer one."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# Programs before it would take any later tables for those of a stranger.
serves_from = "0009"


def upgrade() -> None:
    op.create_table(
        "schema_compatibility",
        sa.Column("oldest", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("oldest", name=op.f("pk_schema_compatibility")),
    )


def downgrade() -> None:
    raise NotImplementedError("a step back would lose data; restore a backup")
