"""Alembic runs this file for every command.

`upgrade` hands in its own connection and transaction. To write the next step by hand, give a database that is up to date:
`alembic -x url=sqlite:///dev.db revision --autogenerate --rev-id 0002 -m "what changes"`, with `script_location = storage/migrations`
in a local alembic.ini; then raise `HEAD` in `storage/db.py`. A new column that may not be empty needs a server default.
"""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection

from cutwork.storage import door_tables, service_tables, session_tables  # noqa: F401 - their tables are part of the metadata
from cutwork.storage.db import open_database, writing
from cutwork.storage.tables import Table


def run(connection: Connection) -> None:
    """Run the asked steps on that connection, in its transaction."""
    # SQLite can change little of a table in place: batch mode copies it.
    context.configure(connection=connection, target_metadata=Table.metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    with writing(open_database(context.get_x_argument(as_dictionary=True)["url"])) as opened:
        run(opened)
