"""SQLite keeps the rows that decisions read with their keys, so that each is found by one look-up instead of two."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

# With all that refer to them; whoever is referred to before those who do.
_TABLES = ("people", "other_provider_numbers", "options", "customers", "members", "subscriptions")


def upgrade() -> None:
    database = op.get_bind()
    if database.dialect.name == "sqlite":
        _rebuild(database)


def _rebuild(database: sa.Connection) -> None:
    made = {table: _made_with(database, table, "table") for table in _TABLES}
    indexes = [index for table in _TABLES for index in _made_with(database, table, "index")]
    for table in _TABLES:
        # Those that refer to it go on to do so, under its new name.
        op.rename_table(table, f"{table}_before")
    for table in _TABLES:
        [statement] = made[table]
        database.exec_driver_sql(statement + "\n WITHOUT ROWID")
        now, before = (sa.Table(name, sa.MetaData(), autoload_with=database) for name in (table, f"{table}_before"))
        rows = sa.select(before).order_by(*(before.c[key.name] for key in now.primary_key))
        database.execute(now.insert().from_select(now.c.keys(), rows))
    for table in reversed(_TABLES):
        op.drop_table(f"{table}_before")
    for index in indexes:
        database.exec_driver_sql(index)


def _made_with(database: sa.Connection, table: str, what: str) -> list[str]:
    """The statements that made a table, or its indexes other than those of its keys."""
    statements = sa.text("SELECT sql FROM sqlite_master WHERE tbl_name = :table AND type = :what AND sql IS NOT NULL")
    return list(database.scalars(statements, {"table": table, "what": what}))


def downgrade() -> None:
    raise NotImplementedError("a step back would lose data; restore a backup")
