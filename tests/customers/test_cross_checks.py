from sqlalchemy import Engine, text

from authz_service.customers.cross_checks import unknown_persons
from authz_service.customers.staging import staging_tables
from authz_service.storage.database import connect, upgrade
from tests.postgresql import PostgreSQL


def test_postgresql_looks_through_no_table_for_each_member(postgresql: PostgreSQL) -> None:
    engine: Engine = connect(postgresql.new_database())
    upgrade(engine)
    statement = unknown_persons().compile(engine, compile_kwargs={"literal_binds": True})
    with engine.connect() as connection, staging_tables(connection) as stage, connection.begin():
        stage.prepare_for_questions()
        plan = "\n".join(connection.scalars(text(f"EXPLAIN {statement}")))
    engine.dispose()
    assert plan.count("Anti Join") == 2
    assert "SubPlan" not in plan
