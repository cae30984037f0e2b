"""Many briefs from a file: goes on where it stopped, skips what is done, and a bad line costs that line only.

`results.jsonl` in the output folder is the whole state: one row an attempt, with the line's number and a key made of the
line and of what was asked of it (drawing or plan only, model, llm, rounds, steps). The last row of a key counts. Memory holds
a key for each finished line and nothing else that grows with the number of briefs.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, TextIO

from cutwork.domain import Brief, Design, Json
from cutwork.errors import BadInput, Cancelled, CutworkError
from cutwork.studio import Studio, make_brief

FIELDS = {"kind", "size", "seed", "captions", "palette"}  # the last is read so that it can be refused in plain words
LISTS = ("captions", "palette")  # in CSV, split on "|"
ASKED = ("model", "llm", "rounds", "steps")  # settings that make it another batch
DONE = ("planned", "accepted", "best_effort")
UNFINISHED = ("cancelled", "needs_approval")  # rows whose run is gone on with
RESULTS = "results.jsonl"
ERROR_CHARS = 500  # of a reason in the results
RECENT = 200  # cancelled runs looked through for the one a stopped line began

OnLine = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Line:
    """One brief of the file; `run` is one that an earlier batch began and did not finish."""

    number: int
    key: str
    record: Any
    run: str | None = None


def run_batch(
    source: Path,
    out: Path,
    studio: Studio,
    plan_only: bool = False,
    jobs: int = 1,
    on_line: OnLine = lambda done, total, text: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Json:
    """Work through a file of briefs.

    Returns:
        {"done", "skipped", "failed", "unsatisfied", "waiting", "interrupted", "seconds", "results"}, counting lines of this run;
        `unsatisfied` are among the done, `waiting` need a person's approval.

    Raises:
        BadInput: if the file is missing or is no JSON lines, text lines or CSV, or the folder cannot be written.
    """
    started = time.monotonic()
    total = sum(1 for _ in read(source))
    with _open_results(out) as log:
        done, unfinished = _past(out / RESULTS)
        report = _Report(log, total, on_line)
        work = partial(_one, out=out, studio=studio, plan_only=plan_only, cancelled=cancelled, stopped=_Stopped(studio))
        _schedule(_lines(source, _asked(studio, plan_only), unfinished), done, work, jobs, cancelled, report)
    return {**report.counts, "interrupted": cancelled(), "seconds": round(time.monotonic() - started, 2), "results": str(out / RESULTS)}


# Reading the briefs


def read(source: Path) -> Iterator[tuple[int, Any]]:
    """Numbered records of a file: (line number from 1, value, or the error that line is).

    JSON lines may be strings or objects; other lines are taken as plain briefs; `.csv` needs a `brief` column, and splits
    lists on "|".
    """
    if not source.is_file():
        raise BadInput(f"there is no file {source}")
    try:
        with source.open("rb") as file:
            if b"\0" in file.read(4096):
                raise BadInput(f"{source} is not UTF-8 text")
        # Bytes that are no text cost their own line: they come as lone surrogates here.
        with source.open(encoding="utf-8-sig", errors="surrogateescape", newline="" if _is_csv(source) else None) as lines:
            yield from _read_csv(source, lines) if _is_csv(source) else _read_lines(lines)
    except OSError as error:
        raise BadInput(f"{source} cannot be read: {error.strerror or error}") from None


def _is_csv(source: Path) -> bool:
    return source.suffix.lower() == ".csv"


def _read_csv(source: Path, lines: TextIO) -> Iterator[tuple[int, Any]]:
    reader = csv.DictReader(lines)
    try:
        columns = list(reader.fieldnames or ())
    except csv.Error as error:
        raise BadInput(f"{source} is not CSV: {error}") from None
    if "brief" not in columns:
        raise BadInput(f"{source} needs a column named brief; it has {', '.join(columns) or 'none'}")
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield reader.reader.line_num, BadInput(f"not CSV: {error}")
        else:
            yield reader.line_num, _csv_record(row)


def _csv_record(row: dict[Any, Any]) -> Any:
    if None in row:
        return BadInput("more fields than the header has; put text with commas between quotes")
    given = {key: value for key, value in row.items() if value not in (None, "")}
    if not all(map(_is_text, given.values())):
        return BadInput("not UTF-8 text")
    return {key: [part.strip() for part in value.split("|") if part.strip()] if key in LISTS else value for key, value in given.items()}


def _read_lines(lines: Iterable[str]) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(lines, start=1):
        if text := line.strip():
            yield number, _record(text)


def _record(text: str) -> Any:
    if not _is_text(text):
        return BadInput("not UTF-8 text")
    if text[0] not in '{["':
        return text
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        return BadInput(f"not JSON: {error.msg} at column {error.colno}")
    except ValueError as error:  # a number of thousands of digits
        return BadInput(f"not usable JSON: {error}")
    except RecursionError:
        return BadInput("not usable JSON: nested too deeply")


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _lines(source: Path, asked: str, unfinished: dict[str, str]) -> Iterator[Line]:
    for number, record in read(source):
        try:
            key = _key(number, record, asked)
        except (ValueError, RecursionError) as error:
            record = BadInput(f"not usable JSON: {error}")
            key = _key(number, record, asked)
        yield Line(number, key, record, unfinished.get(key))


def _asked(studio: Studio, plan_only: bool) -> str:
    """What is wanted of each line, as text to be compared."""
    return json.dumps({"mode": "plan" if plan_only else "draw"} | {name: getattr(studio.settings, name) for name in ASKED})


def _key(number: int, record: Any, asked: str) -> str:
    said = str(record) if isinstance(record, Exception) else json.dumps(record, sort_keys=True)
    return hashlib.sha256(f"{number}\n{asked}\n{said}".encode(errors="surrogatepass")).hexdigest()[:16]


# The results


def _open_results(out: Path) -> TextIO:
    """The log, ready for a new row, also after a crash in the middle of one."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        # A lone surrogate can only be written as an escape, and that escape is JSON's own.
        log = (out / RESULTS).open("a", encoding="utf-8", errors="backslashreplace")
        if _cut_short(out / RESULTS):
            log.write("\n")
            log.flush()
    except OSError as error:
        raise BadInput(f"the folder {out} cannot be written: {error.strerror or error}", hint="choose another with --out") from None
    return log


def _cut_short(results: Path) -> bool:
    """Whether a crash left the last line without its end."""
    with results.open("rb") as file:
        if file.seek(0, os.SEEK_END) == 0:
            return False
        file.seek(-1, os.SEEK_END)
        return file.read(1) != b"\n"


def _past(results: Path) -> tuple[set[str], dict[str, str]]:
    """Keys of lines that need no second run, and runs by key that are to be gone on with. A row cut short does not count."""
    done: set[str] = set()
    unfinished: dict[str, str] = {}
    with results.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            try:
                row = json.loads(line)
                key, status, run = str(row["key"]), row["status"], row.get("id")
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
                continue
            unfinished.pop(key, None)
            if status in DONE:
                done.add(key)
            elif status in UNFINISHED and isinstance(run, str):
                unfinished[key] = run
    return done, unfinished


@dataclass
class _Report:
    """Counts what came of the lines, keeps each row, and tells."""

    log: TextIO
    total: int
    on_line: OnLine
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("done", "skipped", "failed", "unsatisfied", "waiting"), 0))
    seen: int = 0

    def skip(self) -> None:
        self.counts["skipped"] += 1
        self._tell("")

    def add(self, row: Json) -> None:
        self.log.write(json.dumps(row, ensure_ascii=False) + "\n")
        self.log.flush()
        status = row["status"]
        if status == "cancelled":
            return
        self.counts["done" if status in DONE else "waiting" if status == "needs_approval" else "failed"] += 1
        self.counts["unsatisfied"] += status == "best_effort"
        self._tell("" if status in DONE else f"line {row['line']}: {row['error']}")

    def _tell(self, text: str) -> None:
        self.seen += 1
        self.on_line(self.seen, self.total, text)


# The work


def _schedule(lines: Iterable[Line], done: set[str], work: Callable[[Line], Json], jobs: int, cancelled: Callable[[], bool], report: _Report) -> None:
    """Keep `jobs` lines at work until the file ends or somebody asks to stop; what was begun is always reported."""
    waiting: set[Future[Json]] = set()

    def collect(futures: Iterable[Future[Json]]) -> None:
        for future in futures:
            report.add(future.result())

    with ThreadPoolExecutor(jobs) as pool:
        try:
            for line in lines:
                if cancelled():
                    break
                if line.key in done:
                    report.skip()
                    continue
                waiting.add(pool.submit(work, line))
                if len(waiting) >= jobs:
                    finished, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                    collect(finished)
        finally:
            collect(wait(waiting).done)


def _one(line: Line, out: Path, studio: Studio, plan_only: bool, cancelled: Callable[[], bool], stopped: _Stopped) -> Json:
    """One line's result; whatever goes wrong with it stays with it."""
    row: Json = {"line": line.number, "key": line.key}
    try:
        brief = _brief(line.record)
        row["brief"] = brief.text
        if plan_only:
            return row | {"status": "planned", "plan": studio.plan(brief).model_dump(mode="json"), "error": None}
        design = _draw(line.run, brief, studio, cancelled, stopped)
        row["id"] = design.id
        if design.status == "needs_approval":
            return row | {"status": design.status, "error": f"waits for approval: cutwork resume {design.id} --approve"}
        if design.status not in DONE:
            return row | {"status": "failed", "error": design.error or f"the run is {design.status}"}
        return row | {"status": design.status, "error": None, "design": studio.deliver(design, out / f"{line.number:05d}")}
    except _StoppedRun as stop:
        return row | {"status": "cancelled", "error": "stopped", "id": stop.id}
    except CutworkError as error:
        return row | {"status": "failed", "error": str(error)[:ERROR_CHARS]}
    except Exception as error:
        return row | {"status": "failed", "error": f"{type(error).__name__}: {error}"[:ERROR_CHARS]}


class _StoppedRun(Exception):
    """A run stopped on request."""

    def __init__(self, id: str | None) -> None:
        self.id = id


def _draw(run: str | None, brief: Brief, studio: Studio, cancelled: Callable[[], bool], stopped: _Stopped) -> Design:
    """The line's design: gone on with where a run of it was stopped, else begun."""
    if run is not None:
        try:
            design = studio.show(run)
            return design if design.status == "needs_approval" else studio.resume(run, cancelled=cancelled)
        except BadInput:  # it is gone, or cannot be resumed
            pass
        except Cancelled:
            raise _StoppedRun(run) from None
    since = datetime.now(UTC).isoformat(timespec="seconds")
    try:
        return studio.design(brief, cancelled=cancelled)
    except Cancelled:
        raise _StoppedRun(stopped.run_of(brief, since)) from None


class _Stopped:
    """Finds the run that a stopped line began; each run belongs to one line."""

    def __init__(self, studio: Studio) -> None:
        self.studio, self.taken, self.lock = studio, set[str](), threading.Lock()

    def run_of(self, brief: Brief, since: str) -> str | None:
        with self.lock, suppress(CutworkError):
            for id, _, _, created in self.studio.runs(RECENT, "cancelled"):
                if created >= since and id not in self.taken and self.studio.show(id).brief == brief:
                    self.taken.add(id)
                    return str(id)
        return None


def _brief(record: Any) -> Brief:
    if isinstance(record, Exception):
        raise record
    if isinstance(record, str):
        return make_brief(record)
    if not isinstance(record, dict) or not isinstance(record.get("brief"), str):
        raise BadInput(f'a line must be text, or an object whose "brief" is text, got {str(record)[:80]!r}')
    unknown = set(record) - FIELDS - {"brief"}
    if unknown:
        raise BadInput(f"unknown fields {', '.join(sorted(unknown))}; allowed are brief, {', '.join(sorted(FIELDS - {'palette'}))}")
    return make_brief(record["brief"], **{k: record[k] for k in FIELDS if k in record})
