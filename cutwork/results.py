"""What became of a batch's lines: `results.jsonl` in its folder, one row a line of the file, the newest.

A new row is added at the end, so that a crash loses none. Rows that do not count any more are taken out when a batch begins
and ends: the rest is written beside the file, which then takes its name, so that a crash finds the one or the other whole.
A row that is done stays until a newer one of its line is written.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple, TextIO

from cutwork.domain import DELIVERED, Json
from cutwork.errors import BadInput, StorageFailed
from cutwork.storage.leases import lease

RESULTS = "results.jsonl"
DONE = ("planned", *DELIVERED)
UNFINISHED = ("cancelled", "needs_approval")  # rows whose run is gone on with


class _Row(NamedTuple):
    """What is asked of a row that is kept."""

    file: str | None
    line: int
    key: str
    status: str
    run: str | None

    @property
    def counts(self) -> bool:
        """Whether it saves work; any other is of a line that is tried again."""
        return self.status in DONE or (self.status in UNFINISHED and self.run is not None)


class Results:
    """The rows of one folder. `done` and `runs` are those it had when the batch began, by line: keys, and keys with the run to be gone on with."""

    def __init__(self, path: Path, file: str, log: TextIO, rows: dict[int, _Row]) -> None:
        self.path = path
        self.done = {line: row.key for line, row in rows.items() if row.status in DONE}
        self.runs = {line: (row.key, row.run) for line, row in rows.items() if row.status in UNFINISHED and row.run}
        self.replaced = False
        self._file, self._log = file, log

    def add(self, row: Json) -> None:
        """Keep a row, from now on the only one of its line."""
        self.replaced |= row["line"] in self.done or row["line"] in self.runs
        self._log.write(json.dumps({"file": self._file, **row}, ensure_ascii=False) + "\n")
        self._log.flush()


@contextmanager
def kept(out: Path, file: str, numbers: Collection[int]) -> Iterator[Results]:
    """Hold the results that a folder has of the file of that name; `numbers` are the lines it has now.

    Raises:
        BadInput: if they are of another file, another batch works on them, or the folder cannot be written.
    """
    path = out / RESULTS
    with _held(out):
        try:
            rows = _standing(path, file)
            _compact(path, [line for line, row in rows.items() if row.counts and line in numbers])
            # A lone surrogate can only be written as an escape, and that escape is JSON's own.
            log = path.open("a", encoding="utf-8", errors="backslashreplace")
        except OSError as error:
            raise _unwritable(out, error) from None
        results = Results(path, file, log, {line: row for line, row in rows.items() if line in numbers})
        del rows
        try:
            with log:
                yield results
        finally:
            if results.replaced:
                with suppress(OSError):  # the next batch does it
                    _compact(path, None)


@contextmanager
def _held(out: Path) -> Iterator[None]:
    """Two batches that replace each other's file would lose rows."""
    with ExitStack() as held:
        try:
            out.mkdir(parents=True, exist_ok=True)
            held.enter_context(lease(out, ".results"))
        except (OSError, StorageFailed) as error:
            raise _unwritable(out, error) from None
        except BadInput:
            raise BadInput(f"another batch is writing to {out}", hint="wait until it is done, or choose another --out") from None
        yield


def _unwritable(out: Path, error: Exception) -> BadInput:
    return BadInput(f"the folder {out} cannot be written: {getattr(error, 'strerror', None) or error}", hint="choose another with --out")


def _standing(path: Path, file: str) -> dict[int, _Row]:
    """The newest row of each line. A row cut short by a crash does not count."""
    rows: dict[int, _Row] = {}
    foreign = False
    for text in _texts(path):
        row = _row(text)
        if row is None:
            foreign |= text.endswith(b"\n")
        elif row.file not in (None, file):
            raise BadInput(f"{path.parent} has the results of {row.file}, not of {file}", hint="choose another --out for this file")
        else:
            rows[row.line] = row
    if foreign and not rows:
        raise BadInput(f"{path} is not the results of a batch", hint="choose another --out")
    return rows


def _texts(path: Path) -> Iterator[bytes]:
    with suppress(FileNotFoundError), path.open("rb") as lines:
        yield from lines


def _row(text: bytes) -> _Row | None:
    try:
        row = json.loads(text)
        file, line, run = row.get("file"), row["line"], row.get("id")
        if not isinstance(line, int):
            return None
        return _Row(str(file) if file is not None else None, line, str(row["key"]), str(row["status"]), str(run) if run is not None else None)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _compact(path: Path, lines: Collection[int] | None) -> None:
    """Keep the newest row of each of these lines, or of all, and nothing else."""
    newest: dict[int, int] = {}
    texts, whole = 0, True
    for text in _texts(path):
        if row := _row(text):
            newest[row.line] = texts
        texts, whole = texts + 1, text.endswith(b"\n")
    wanted = set(newest.values()) if lines is None else {newest[line] for line in lines}
    if len(wanted) == texts and whole:
        return
    beside = path.with_name(f"{RESULTS}.new")
    try:
        with beside.open("wb") as file:
            file.writelines(text.rstrip(b"\n") + b"\n" for place, text in enumerate(_texts(path)) if place in wanted)
        os.replace(beside, path)
    except OSError:
        with suppress(OSError):
            beside.unlink()
        raise
