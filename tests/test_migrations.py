"""The database's shape: built by migrations, equal to the tables, and never touched when it is not ours to touch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, make_url, text
from sqlalchemy.schema import CreateTable

from cutwork.errors import StorageFailed
from cutwork.storage import door_tables, service_tables, session_tables  # noqa: F401 - its tables are part of the metadata
from cutwork.storage.db import HEAD, alembic_config, open_database, reading, revisions, upgrade, writing
from cutwork.storage.tables import Table


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "cutwork.db"


def opened(file: Path) -> Engine:
    return open_database(f"sqlite:///{file}")


def test_migrations_build_exactly_the_tables(file: Path) -> None:
    engine = opened(file)
    upgrade(engine)
    with reading(engine) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, Table.metadata) == []
        assert set(inspect(connection).get_table_names()) == {*Table.metadata.tables, "alembic_version"}


def test_foreign_keys_and_names_are_as_declared(file: Path) -> None:
    engine = opened(file)
    upgrade(engine)
    with reading(engine) as connection:
        there = inspect(connection)
        for name, table in Table.metadata.tables.items():
            assert {key["name"] for key in there.get_foreign_keys(name)} == {key.name for key in table.foreign_key_constraints}
            assert all(key["options"].get("ondelete") == "CASCADE" for key in there.get_foreign_keys(name))
            assert there.get_pk_constraint(name)["constrained_columns"] == [column.name for column in table.primary_key]


def test_the_newest_step_is_the_one_the_code_knows() -> None:
    assert ScriptDirectory.from_config(alembic_config()).get_heads() == [HEAD]


def test_steps_can_be_taken_back(file: Path) -> None:
    engine = opened(file)
    upgrade(engine)
    config = alembic_config()
    with writing(engine) as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
    with reading(engine) as connection:
        assert inspect(connection).get_table_names() == ["alembic_version"]
    upgrade(engine)
    with reading(engine) as connection:
        assert revisions(connection) == {HEAD}


def test_a_developer_can_run_alembic_by_hand(file: Path, tmp_path: Path) -> None:
    scripts = alembic_config().get_main_option("script_location")
    (tmp_path / "alembic.ini").write_text(f"[alembic]\nscript_location = {scripts}\npath_separator = os\n")
    subprocess.run([sys.executable, "-m", "alembic", "-x", f"url=sqlite:///{file}", "upgrade", "head"], cwd=tmp_path, check=True, capture_output=True)
    with reading(opened(file)) as connection:
        assert revisions(connection) == {HEAD}


def test_an_upgrade_with_nothing_to_do_writes_nothing_and_loads_no_alembic(file: Path) -> None:
    upgrade(opened(file))
    code = "import sys; from cutwork.storage.db import *; upgrade(open_database(sys.argv[1])); print('alembic' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code, f"sqlite:///{file}"], capture_output=True, text=True, check=True).stdout
    assert out == "False\n"


@pytest.mark.slow
def test_processes_that_start_at_once_all_succeed(file: Path, tmp_path: Path) -> None:
    code = """
import pathlib, sys, time
from cutwork.storage.db import open_database, upgrade
from alembic import command
pathlib.Path(sys.argv[2]).touch()
while not pathlib.Path("go").exists(): time.sleep(0.001)
upgrade(open_database(sys.argv[1]))
"""
    ready = [tmp_path / f"ready{n}" for n in range(4)]
    processes = [subprocess.Popen([sys.executable, "-c", code, f"sqlite:///{file}", str(one)], cwd=tmp_path, stderr=subprocess.PIPE) for one in ready]
    while not all(one.exists() for one in ready):
        assert all(process.poll() is None for process in processes)
    (tmp_path / "go").touch()
    said = [process.communicate(timeout=60)[1] for process in processes]
    assert [process.returncode for process in processes] == [0] * 4, said
    with reading(opened(file)) as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all() == [HEAD]


def test_a_step_that_fails_is_undone_whole(file: Path) -> None:
    engine = opened(file)
    with writing(engine) as connection:
        connection.execute(text("CREATE TABLE receipts (ours INTEGER)"))  # another program's, which the last table runs into
    with pytest.raises(StorageFailed, match="receipts"):
        upgrade(engine)
    with reading(engine) as connection:
        assert inspect(connection).get_table_names() == ["receipts"]


def test_a_newer_database_is_refused_and_left_alone(file: Path) -> None:
    engine = opened(file)
    upgrade(engine)
    with writing(engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StorageFailed, match=r"at revision 9999.*a newer one wrote it") as caught:
        upgrade(engine)
    assert "newer Cutwork" in str(caught.value.hint)
    with reading(engine) as connection:
        assert revisions(connection) == {"9999"}


@pytest.mark.parametrize("content", [b"not a database at all, " * 100, b"SQLite format 3\0" + b"\xff" * 5_000])
def test_a_file_that_is_no_database_is_named_and_kept(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    with pytest.raises(StorageFailed, match="damaged or not a database") as caught:
        upgrade(opened(file))
    assert f"mv {file} {file}.damaged" in str(caught.value.hint)
    assert file.read_bytes() == content


def test_a_database_cut_short_is_named_and_kept(file: Path) -> None:
    engine = opened(file)
    upgrade(engine)
    engine.dispose()
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    engine = opened(file)

    def read_all() -> None:
        with reading(engine) as connection:
            for name in Table.metadata.tables:
                connection.execute(text(f"SELECT count(*) FROM {name}"))

    with pytest.raises(StorageFailed, match="damaged or not a database"):
        read_all()
    engine.dispose()
    assert file.read_bytes() == whole[: len(whole) // 2]


@pytest.mark.parametrize("dialect", ["postgresql", "mysql"])
def test_other_databases_can_be_given_these_tables(dialect: str) -> None:
    spoken = make_url(f"{dialect}://").get_dialect()()
    for table in Table.metadata.sorted_tables:
        assert f"CREATE TABLE {table.name}" in str(CreateTable(table).compile(dialect=spoken))


def test_an_empty_file_is_a_new_database(file: Path) -> None:
    file.touch()
    engine = opened(file)
    upgrade(engine)
    with reading(engine) as connection:
        assert revisions(connection) == {HEAD}
