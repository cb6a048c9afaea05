"""The tables. What must always hold is held here, by the database itself."""

from datetime import UTC, datetime
from enum import StrEnum

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ColumnElement,
    Connection,
    DateTime,
    Dialect,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    event,
    false,
    literal_column,
    text,
)
from sqlalchemy.dialects import postgresql

from authz_service.words import CustomerKind, Language, LetterState, PaidBy, Plan, Role, SubscriptionKind

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class UtcDateTime(TypeDecorator[datetime]):
    """A moment, always in UTC and always aware of it; SQLite keeps no time zone of its own."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - as inherited
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - as inherited
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


# Ids are compared by their characters alone, whatever the language of the database.
_ULID = String().with_variant(String(collation="C"), "postgresql")


def _one_of(column: str, words: type[StrEnum]) -> CheckConstraint:
    listed = ", ".join(f"'{word}'" for word in words)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


def _version() -> Column[int]:
    return Column("version", Integer, nullable=False, server_default="1")


# On SQLite a row that decisions read is kept with its key (`sqlite_with_rowid`): one look-up finds it instead of two.
people = Table(
    "people",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("email", String, nullable=False),
    Column("language", String, nullable=False, server_default=Language.ENGLISH),
    _version(),
    _one_of("language", Language),
    sqlite_with_rowid=False,
)

other_provider_numbers = Table(
    "other_provider_numbers",
    metadata,
    Column("number", String, primary_key=True),
    Column("person", ForeignKey("people.id", ondelete="CASCADE"), nullable=False, index=True),
    sqlite_with_rowid=False,
)

options = Table(
    "options",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("subscription_kind", String, nullable=False),
    Column("price_cents", Integer, nullable=False),
    _version(),
    _one_of("subscription_kind", SubscriptionKind),
    CheckConstraint("price_cents >= 0", name="price_cents"),
    sqlite_with_rowid=False,
)

customers = Table(
    "customers",
    metadata,
    Column("number", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("activation_digest", String),
    Column("activation_used", Boolean, nullable=False, server_default=false()),
    Column("activation_wrong", Integer, nullable=False, server_default="0"),
    _version(),
    UniqueConstraint("number", "kind"),
    _one_of("kind", CustomerKind),
    sqlite_with_rowid=False,
)

members = Table(
    "members",
    metadata,
    Column("customer_number", String, primary_key=True),
    Column("person", ForeignKey("people.id"), primary_key=True, index=True),
    Column("role", String, nullable=False),
    # A copy of the customer's kind, held equal by the foreign key, so that an index can say ROLE-3.
    Column("customer_kind", String, nullable=False),
    ForeignKeyConstraint(
        ["customer_number", "customer_kind"],
        ["customers.number", "customers.kind"],
        onupdate="CASCADE",
        ondelete="CASCADE",
    ),
    _one_of("role", Role),
    Index(
        "one_administrator_on_a_residential_number",
        "customer_number",
        unique=True,
        sqlite_where=text("role = 'administrator' AND customer_kind = 'residential'"),
        postgresql_where=text("role = 'administrator' AND customer_kind = 'residential'"),
    ),
    Index("ix_members_customer_number_role", "customer_number", "role"),
    sqlite_with_rowid=False,
)

subscriptions = Table(
    "subscriptions",
    metadata,
    Column("id", String, primary_key=True),
    Column("customer_number", ForeignKey("customers.number", ondelete="CASCADE"), nullable=False),
    Column("kind", String, nullable=False),
    Column("number", String, unique=True),
    Column("holder", String),
    Column("plan", String),
    Column("paid_by", String),
    # No action on update or delete: a holder leaves only after his or her mobiles.
    ForeignKeyConstraint(
        ["customer_number", "holder"],
        ["members.customer_number", "members.person"],
        name="fk_subscriptions_holder_is_member",
        deferrable=True,
        initially="DEFERRED",
    ),
    _one_of("kind", SubscriptionKind),
    _one_of("plan", Plan),
    _one_of("paid_by", PaidBy),
    CheckConstraint(
        "(kind = 'mobile') = (number IS NOT NULL)"
        " AND (kind = 'mobile') = (holder IS NOT NULL)"
        " AND (kind = 'mobile') = (plan IS NOT NULL)"
        " AND (kind = 'mobile') = (paid_by IS NOT NULL)",
        name="mobile",
    ),
    # Answers whether a number has mobiles of a plan and payer, and whether a person holds one, by itself.
    Index("ix_subscriptions_mobiles", "customer_number", "plan", "paid_by", "holder"),
    sqlite_with_rowid=False,
)

feed_objects = Table(
    "feed_objects",
    metadata,
    # The newest change that was taken of each object, which stays when the object is gone.
    Column("kind", String, primary_key=True),
    Column("id", String, primary_key=True),
    Column("source", String, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    # Of a customer, that of the newest change that issued an activation code or deleted it: others leave it as it is.
    Column("code_sequence", BigInteger),
)

feed_sources = Table(
    "feed_sources",
    metadata,
    Column("source", String, primary_key=True),
    # Up to where all that has come was taken or refused.
    Column("sequence", BigInteger, nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

take_overs = Table(
    "take_overs",
    metadata,
    # The record outlives the customer and the people, so nothing refers to them.
    Column("decision_id", String, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("customer_number", String, nullable=False, index=True),
    Column("person", String, nullable=False),
    Column("became_users", JSON, nullable=False),
    Column("notified", JSON, nullable=False),
    Column("route", String),
    Column("policy_revision", String, nullable=False),
    Column("caller", String, nullable=False),
)

access_reviews = Table(
    "access_reviews",
    metadata,
    # The record outlives the customer and the people, so nothing refers to them.
    Column("id", _ULID, primary_key=True),
    Column("customer_number", String, nullable=False),
    # Where the part of the customer number begins that it is about.
    Column("people_after", String, nullable=False),
    Column("subscriptions_after", String, nullable=False),
    Column("reviewer", String, nullable=False),
    Column("policy_revision", String, nullable=False),
    Column("digest", String, nullable=False),
    Column("note", Text, nullable=False),
    # To the byte as it was digested.
    Column("content", Text, nullable=False),
    # Which review it was compared with, and what had changed since, as the reviewer was shown it.
    Column("previous", _ULID),
    Column("changes", Text, nullable=False),
    Index("ix_access_reviews_customer_number_id", "customer_number", "id"),
)

letters = Table(
    "letters",
    metadata,
    Column("id", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("language", String, nullable=False),
    Column("person", String, nullable=False),
    Column("recipient", String, nullable=False),
    Column("parameters", JSON, nullable=False),
    Column("state", String, nullable=False),
    Column("ordered_at", UtcDateTime, nullable=False),
    Column("due_at", UtcDateTime, nullable=False),
    Column("sent_at", UtcDateTime),
    Column("attempts", Integer, nullable=False),
    Column("said", String, nullable=False),
    _one_of("language", Language),
    _one_of("state", LetterState),
    Index("ix_letters_state_due_at", "state", "due_at"),
)

journal_chains = Table(
    "journal_chains",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("chain", String, nullable=False, unique=True),
    # How far the chain's files have been read.
    Column("segment", Integer, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    # The last entry, and its hash.
    Column("sequence", BigInteger, nullable=False),
    Column("head", String, nullable=False),
)


def in_body(member: str) -> ColumnElement[str]:
    """A member of an entry's body, as the indexes have it: what is searched is what is signed."""
    return literal_column(f"(body ->> '{member}')", String)


def _indexes_of_entries(*searched: tuple[str, ...]) -> list[Index]:
    return [
        Index(f"ix_journal_entries_{'_'.join(members)}", *(in_body(member) for member in members), "id", "item").ddl_if(
            dialect="postgresql"
        )
        for members in searched
    ]


journal_entries = Table(
    "journal_entries",
    metadata,
    # An id begins with its time, so the order of ids is that of time. PostgreSQL keeps a partition for each month.
    Column("id", _ULID, primary_key=True),
    Column("item", Integer, primary_key=True),
    Column("chain", Integer, primary_key=True),
    Column("sequence", BigInteger, nullable=False),
    Column("hash", String, nullable=False),
    # To the byte as it was hashed, which JSON keeps on PostgreSQL and JSONB would not.
    Column("body", Text().with_variant(postgresql.JSON(), "postgresql"), nullable=False),
    # Of no use but to programs before migration 0011, which may run beside this one.
    Column("portion", Integer, nullable=False, server_default="0"),
    Index("ix_journal_entries_chain_sequence", "chain", "sequence"),
    # On SQLite there is `journal_terms` instead, which `journal/terms.py` tells of.
    *_indexes_of_entries(("subject",), ("customer",), ("action", "answer"), ("answer",)),
    sqlite_with_rowid=False,
    postgresql_partition_by="RANGE (id)",
)


def make_journal_terms(connection: Connection) -> None:
    """Makes what entries are found by on SQLite, which `journal/terms.py` tells of, without any."""
    # A row for the entries of 32 ms, which finds them by what they say.
    connection.exec_driver_sql(
        "CREATE VIRTUAL TABLE journal_terms USING fts5("
        "slice UNINDEXED, entries UNINDEXED, denied UNINDEXED, terms, detail=none, columnsize=0, tokenize='ascii')"
    )
    # The terms that there are.
    connection.exec_driver_sql("CREATE VIRTUAL TABLE journal_terms_known USING fts5vocab(journal_terms, row)")


@event.listens_for(journal_entries, "after_create")
def _make_terms(_table: Table, connection: Connection, **_: object) -> None:
    if connection.dialect.name == "sqlite":
        make_journal_terms(connection)


journal_portions = Table(
    "journal_portions",
    metadata,
    # Of no use but to programs before migration 0011.
    Column("number", Integer, primary_key=True),
    Column("first_id", _ULID, nullable=False),
    Column("entries", Integer, nullable=False),
)

journal_rulings = Table(
    "journal_rulings",
    metadata,
    Column("digest", String, primary_key=True),
    Column("content", Text, nullable=False),
)

journal_checkpoints = Table(
    "journal_checkpoints",
    metadata,
    Column("chain", Integer, primary_key=True),
    Column("block", Integer, primary_key=True),
    Column("last", BigInteger, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("signature", String, nullable=False),
    Column("payload", Text, nullable=False),
)

journal_outbox = Table(
    "journal_outbox",
    metadata,
    # What belongs to a transaction waits here, until it is in a chain.
    Column("id", String, primary_key=True),
    Column("body", Text, nullable=False),
    Column("rulings", JSON, nullable=False),
)

journal_shadow = Table(
    "journal_shadow",
    metadata,
    # Counted from the entries, so that it need not be counted again at each look.
    Column("ruling", String, primary_key=True),
    Column("shadow", String, primary_key=True),
    Column("decisions", BigInteger, nullable=False),
)

policy_marks = Table(
    "policy_marks",
    metadata,
    # The public key that bundles are verified with: another one begins anew.
    Column("key_id", String, primary_key=True),
    # The newest that was taken.
    Column("sequence", BigInteger, nullable=False),
    # The one taken last, and an older one that may be taken once.
    Column("revision", String, nullable=False),
    Column("rollback_to", String),
)

policy_revisions = Table(
    "policy_revisions",
    metadata,
    Column("revision", String, primary_key=True),
    # When it came into force; the last time, where it did so more than once.
    Column("since", UtcDateTime, nullable=False),
    Column("bundle", LargeBinary, nullable=False),
)

schema_compatibility = Table(
    "schema_compatibility",
    metadata,
    # The oldest program that these tables serve, by the migration that it expects. One row.
    Column("oldest", String, primary_key=True),
)
