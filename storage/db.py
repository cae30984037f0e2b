"""Opening a database, bringing it up to date, and transactions that fail in plain words.

SQLite by default (WAL, so that readers and one writer do not wait for each other), any SQLAlchemy URL by setting. Nothing
here knows a table but Alembic's own. A database that cannot be used is never deleted or overwritten; the error says how to
move it aside.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic_core import to_json
from sqlalchemy import URL, Connection, Engine, QueuePool, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError, StatementError

from cutwork.errors import BadInput, NotConfigured, StorageFailed

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0004"  # the newest migration; known here so that a database that is up to date costs no Alembic import
BUSY_S = 30.0  # how long one process waits for another's transaction
MIGRATIONS = Path(__file__).with_name("migrations")
UPGRADE_LOCK = 0x63757477  # any fixed number: names the lock PostgreSQL holds during an upgrade
URLS = "wanted such as sqlite:////home/me/cutwork.db or postgresql+psycopg://user@host/name"
ELSEWHERE = "choose another with CUTWORK_HOME or CUTWORK_DATABASE_URL"
MEMORY = (None, "", ":memory:")


def open_database(url: str) -> Engine:
    """An engine for that URL; a SQLite file's folder is made if it is not there.

    Raises:
        BadInput: if the URL cannot be read. NotConfigured: if its driver is not installed. StorageFailed: if the folder cannot be made.
    """
    address = _address(url)
    is_sqlite = address.get_backend_name() == "sqlite"
    if is_sqlite and address.database not in MEMORY:
        _make_folder(str(address.database))
    options: dict[str, Any] = _sqlite_options(address) if is_sqlite else {"pool_pre_ping": True}
    try:
        engine = create_engine(address, json_serializer=_to_json, **options)
    except NoSuchModuleError as error:
        raise BadInput(f"database URL {_shown(address)}: SQLAlchemy knows no such database", URLS) from error
    except ImportError as error:
        raise NotConfigured(f"database URL {_shown(address)}: its driver is not installed ({error})", f"install {error.name or 'it'} beside Cutwork") from error
    if is_sqlite:
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """One consistent view of the database; StorageFailed for whatever goes wrong with it."""
    with _plain_errors(engine), engine.connect() as connection:
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One transaction: all of it is kept, or on any error none of it; StorageFailed for whatever goes wrong with the database."""
    with _plain_errors(engine), engine.connect().execution_options(writes=True) as connection, connection.begin():
        yield connection


def upgrade(engine: Engine) -> None:
    """Bring the tables up to date. Processes doing so at once wait for each other; all succeed.

    Raises:
        StorageFailed: if the database is newer than this program, damaged, locked, read-only, or the disk is full.
    """
    with reading(engine) as connection:
        if revisions(connection) == {HEAD}:
            return
    with writing(engine) as connection:  # the write lock also keeps a second upgrade out
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": UPGRADE_LOCK})
        _migrate(connection)


def revisions(connection: Connection) -> set[str]:
    """The migrations the database stands at: one, or none if it is new."""
    if not inspect(connection).has_table("alembic_version"):
        return set()
    return set(connection.execute(text("SELECT version_num FROM alembic_version")).scalars())


def check(engine: Engine) -> list[str]:
    """What SQLite finds wrong with its file, empty if nothing; reads the whole file. Other databases look after themselves."""
    if engine.dialect.name != "sqlite":
        return []
    with reading(engine) as connection:
        damage = [str(line) for line in connection.execute(text("PRAGMA quick_check")).scalars() if line != "ok"]
        orphans = [f"a row of {row[0]} belongs to no row of {row[2]}" for row in connection.execute(text("PRAGMA foreign_key_check"))]
    return damage + orphans


def alembic_config() -> Config:
    """Alembic set up for the migrations in this package, with no alembic.ini on disk."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


def _migrate(connection: Connection) -> None:
    found = revisions(connection)
    if found == {HEAD}:
        return  # another process was faster
    from alembic import command
    from alembic.script import ScriptDirectory

    config = alembic_config()
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if not found <= known:
        strange = ", ".join(sorted(found - known))
        raise StorageFailed(
            f"the database {_shown(connection.engine.url)} is at revision {strange}, this Cutwork knows up to {HEAD}: a newer one wrote it",
            f"nothing was changed. Install the newer Cutwork, or {ELSEWHERE}",
        )
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _address(url: str) -> URL:
    try:
        return make_url(url)
    except ArgumentError as error:
        raise BadInput("the database URL cannot be read", URLS) from error


def _make_folder(database: str) -> None:
    if database.startswith("file:"):  # an SQLite URI says itself how it is to be opened
        return
    folder = Path(database).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageFailed(f"cannot make the folder {folder} for the database: {error.strerror}", ELSEWHERE) from error


def _sqlite_options(address: URL) -> dict[str, Any]:
    if address.database not in MEMORY:
        return {"connect_args": {"timeout": BUSY_S}}
    # A database in memory lives in one connection: threads take turns on it.
    return {"poolclass": QueuePool, "pool_size": 1, "max_overflow": 0, "connect_args": {"check_same_thread": False}}


def _prepare_sqlite(connection: sqlite3.Connection, _: object) -> None:
    connection.isolation_level = None  # the driver begins nothing by itself; _begin_sqlite does
    for pragma in (f"busy_timeout = {int(BUSY_S * 1000)}", "foreign_keys = ON", "synchronous = NORMAL"):
        connection.execute(f"PRAGMA {pragma}")
    _use_wal(connection)


def _use_wal(connection: sqlite3.Connection) -> None:
    """Switch the file to WAL, once in its life. SQLite does not always wait for others here, so this does."""
    deadline = time.monotonic() + BUSY_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            code = getattr(error, "sqlite_errorname", "")
            if code.startswith("SQLITE_READONLY"):
                return  # may still be read; a write will say so
            if not code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and writes later fails at once if another wrote in between, whatever the busy timeout: take the lock first.
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("writes") else "BEGIN")


def _to_json(value: Any) -> str:
    return to_json(value, inf_nan_mode="null").decode()


def _shown(url: URL) -> str:
    return url.database or "in memory" if url.get_backend_name() == "sqlite" else url.render_as_string(hide_password=True)


@contextmanager
def _plain_errors(engine: Engine) -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        raise _plain(engine.url, error.orig or error) from error
    except sqlite3.Error as error:  # from preparing a connection
        raise _plain(engine.url, error) from error
    except StatementError as error:
        raise StorageFailed(f"a value cannot be stored: {error.orig or error}") from error
    except SQLAlchemyError as error:
        raise StorageFailed(f"the database {_shown(engine.url)} failed: {error}") from error


def _plain(url: URL, error: BaseException) -> StorageFailed:
    """The database's own error, in words that say what to do about it."""
    where, code = f"the database {_shown(url)}", getattr(error, "sqlite_errorname", "")
    if code.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        aside = f"{url.database}.damaged"
        return StorageFailed(
            f"{where} is damaged or not a database: {error}",
            f"nothing was changed. Move it aside (mv {url.database} {aside}) and start anew, or rescue what is readable: sqlite3 {aside} .recover",
        )
    if code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return StorageFailed(f"{where} was held by another process for more than {BUSY_S:.0f} s", "see which other program has it open, then try again")
    if code.startswith("SQLITE_FULL") or code in ("SQLITE_IOERR_WRITE", "SQLITE_IOERR_FSYNC", "SQLITE_IOERR_SHMSIZE"):
        return StorageFailed(f"{where} could not be written, the disk may be full: {error}", "nothing half-written is kept; free some space and try again")
    if code.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_AUTH")):
        return StorageFailed(f"{where} cannot be opened or written: {error}", f"check that its folder exists and is writable, or {ELSEWHERE}")
    return StorageFailed(f"{where} failed: {error}")
