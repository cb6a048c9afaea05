"""The newest signed policy that was taken, so that no older one takes its place unnoticed."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "policy_marks",
        sa.Column("key_id", sa.String(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.String(), nullable=False),
        sa.Column("rollback_to", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("key_id", name=op.f("pk_policy_marks")),
    )


def downgrade() -> None:
    raise NotImplementedError("a step back would lose data; restore a backup")
