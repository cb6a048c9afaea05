"""Customer data: people, options, customers, members, subscriptions."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_people()
    _create_options()
    _create_customers()
    _create_members()
    _create_subscriptions()


def downgrade() -> None:
    raise NotImplementedError("a step back would lose data; restore a backup")


def _create_people() -> None:
    op.create_table(
        "people",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("language", sa.String(), server_default="en", nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("language IN ('en', 'nl', 'fr', 'de')", name=op.f("ck_people_language")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_people")),
    )
    op.create_table(
        "other_provider_numbers",
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person"], ["people.id"], name=op.f("fk_other_provider_numbers_people"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_other_provider_numbers")),
    )
    op.create_index(op.f("ix_other_provider_numbers_person"), "other_provider_numbers", ["person"])


def _create_options() -> None:
    op.create_table(
        "options",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("subscription_kind", sa.String(), nullable=False),
        sa.Column("price_cents", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_options")),
        sa.CheckConstraint(
            "subscription_kind IN ('internet', 'mobile', 'tv', 'landline', 'other')",
            name=op.f("ck_options_subscription_kind"),
        ),
        sa.CheckConstraint("price_cents >= 0", name=op.f("ck_options_price_cents")),
    )


def _create_customers() -> None:
    op.create_table(
        "customers",
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("activation_digest", sa.String()),
        sa.Column("activation_used", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("activation_wrong", sa.Integer(), server_default="0", nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_customers")),
        sa.UniqueConstraint("number", "kind", name=op.f("uq_customers_number_kind")),
        sa.CheckConstraint("kind IN ('residential', 'business')", name=op.f("ck_customers_kind")),
    )


def _create_members() -> None:
    op.create_table(
        "members",
        sa.Column("customer_number", sa.String(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("customer_kind", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("customer_number", "person", name=op.f("pk_members")),
        sa.ForeignKeyConstraint(["person"], ["people.id"], name=op.f("fk_members_people")),
        sa.ForeignKeyConstraint(
            ["customer_number", "customer_kind"],
            ["customers.number", "customers.kind"],
            name=op.f("fk_members_customers"),
            onupdate="CASCADE",
            ondelete="CASCADE",
        ),
        sa.CheckConstraint("role IN ('administrator', 'user')", name=op.f("ck_members_role")),
    )
    op.create_index(op.f("ix_members_person"), "members", ["person"])
    op.create_index("ix_members_customer_number_role", "members", ["customer_number", "role"])
    is_residential_administrator = sa.text("role = 'administrator' AND customer_kind = 'residential'")
    op.create_index(
        "one_administrator_on_a_residential_number",
        "members",
        ["customer_number"],
        unique=True,
        sqlite_where=is_residential_administrator,
        postgresql_where=is_residential_administrator,
    )


def _create_subscriptions() -> None:
    op.create_table(
        "subscriptions",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("customer_number", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("number", sa.String()),
        sa.Column("holder", sa.String()),
        sa.Column("plan", sa.String()),
        sa.Column("paid_by", sa.String()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscriptions")),
        sa.ForeignKeyConstraint(
            ["customer_number"],
            ["customers.number"],
            name=op.f("fk_subscriptions_customers"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["customer_number", "holder"],
            ["members.customer_number", "members.person"],
            name=op.f("fk_subscriptions_holder_is_member"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.UniqueConstraint("number", name=op.f("uq_subscriptions_number")),
        sa.CheckConstraint(
            "kind IN ('internet', 'mobile', 'tv', 'landline', 'other')", name=op.f("ck_subscriptions_kind")
        ),
        sa.CheckConstraint("plan IN ('subscription', 'pay_and_go')", name=op.f("ck_subscriptions_plan")),
        sa.CheckConstraint("paid_by IN ('customer', 'employer')", name=op.f("ck_subscriptions_paid_by")),
        sa.CheckConstraint(
            "(kind = 'mobile') = (number IS NOT NULL)"
            " AND (kind = 'mobile') = (holder IS NOT NULL)"
            " AND (kind = 'mobile') = (plan IS NOT NULL)"
            " AND (kind = 'mobile') = (paid_by IS NOT NULL)",
            name=op.f("ck_subscriptions_mobile"),
        ),
    )
    op.create_index("ix_subscriptions_mobiles", "subscriptions", ["customer_number", "plan", "paid_by", "holder"])
