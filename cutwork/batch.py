"""Many briefs from a file: goes on where it stopped, skips what is done, and a bad line costs that line only.

A line is done when its newest row in the results says so and has its key, which is made of the line, of what is in the reference
picture that it names, and of what was asked of it (drawing or plan only, model, llm, rounds, steps). Memory holds a key for each line and nothing else that grows with the
number of briefs.
"""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, as_completed, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TextIO

from cutwork.domain import Brief, Design, Json
from cutwork.errors import BadInput, Cancelled, CutworkError
from cutwork.graphs.state import start
from cutwork.refinish import wishes
from cutwork.results import DONE, Results, kept
from cutwork.studio import Studio, make_brief

FIELDS = {"kind", "size", "seed", "captions", "palette", "set", "reference", "follow"}
LISTS = ("captions", "palette", "set")  # in CSV, split on "|"
ASKED = ("model", "llm", "rounds", "steps", "guidance", "technique", "lora")  # settings that make it another batch
ERROR_CHARS = 500  # of a reason in the results
STDIN = "-"
WANTED = 'a line must be text, or an object whose "brief" is text'

OnLine = Callable[[int, int, str], None]


class Source(NamedTuple):
    """A file of briefs that can be read twice, and what it is called."""

    path: Path
    name: str

    @property
    def folder(self) -> Path:
        """Where what its lines name is looked for: beside it; where it came through a pipe, here."""
        return Path() if self.name == STDIN else self.path.parent


@dataclass(frozen=True)
class Line:
    """One brief of the file; `run` is one that an earlier batch began and did not finish."""

    number: int
    key: str
    record: Any
    run: str | None = None


def run_batch(
    source: Path | Source,
    out: Path,
    studio: Studio,
    plan_only: bool = False,
    jobs: int = 1,
    on_line: OnLine = lambda done, total, text: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Json:
    """Work through a file of briefs, or what comes through a pipe; "-" is stdin.

    Returns:
        {"done", "skipped", "failed", "unsatisfied", "waiting", "left", "interrupted", "seconds", "results"}, counting lines of this run;
        `unsatisfied` are among the done, `waiting` need a person's approval, `left` were not come to, or stopped midway.

    Raises:
        BadInput: if the file is missing or is no JSON lines, text lines or CSV, or the folder cannot be written
            or has the results of another file.
    """
    started = time.monotonic()
    with opened(source) as file:
        numbers = {number for number, _ in read(file)}
        with kept(out, file.name, numbers) as results:
            report = _Report(results, len(numbers), on_line)
            work = partial(_one, folder=file.folder, out=out, studio=studio, plan_only=plan_only, cancelled=cancelled)
            _schedule(_lines(file, _asked(studio, plan_only), results), results.done, work, jobs, cancelled, report)
    left = len(numbers) - sum(report.counts[name] for name in ("done", "skipped", "failed", "waiting"))
    return {**report.counts, "left": left, "interrupted": cancelled(), "seconds": round(time.monotonic() - started, 2), "results": str(results.path)}


# Reading the briefs


@contextmanager
def opened(source: Path | Source) -> Iterator[Source]:
    """A file as it is; what can be read only once is copied first."""
    if isinstance(source, Source):
        yield source
    elif str(source) == STDIN or source.is_fifo():
        with tempfile.NamedTemporaryFile(suffix=source.suffix) as copy:
            _take(source, copy)
            yield Source(Path(copy.name), STDIN)
    else:
        yield Source(source, source.name)


def _take(source: Path, copy: Any) -> None:
    try:
        if str(source) == STDIN:
            shutil.copyfileobj(sys.stdin.buffer, copy)
        else:
            with source.open("rb") as pipe:
                shutil.copyfileobj(pipe, copy)
        copy.flush()
    except (OSError, ValueError, AttributeError) as error:  # the last two: there is no stdin
        raise BadInput(f"{source} cannot be read: {getattr(error, 'strerror', None) or error}") from None


def read(source: Path | Source) -> Iterator[tuple[int, Any]]:
    """Numbered records of a file: (line number from 1, value, or the error that line is).

    JSON lines may be strings or objects; other lines are taken as plain briefs; `.csv` needs a `brief` column, and splits
    lists on "|".
    """
    path, name = (source.path, source.name) if isinstance(source, Source) else (source, str(source))
    if not path.is_file():
        raise BadInput(f"there is no file {path}")
    try:
        with path.open("rb") as file:
            if b"\0" in file.read(4096):
                raise BadInput(f"{name} is not UTF-8 text")
        # Bytes that are no text cost their own line: they come as lone surrogates here.
        with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="" if _is_csv(path) else None) as lines:
            yield from _read_csv(name, lines) if _is_csv(path) else _read_lines(lines)
    except OSError as error:
        raise BadInput(f"{name} cannot be read: {error.strerror or error}") from None


def _is_csv(path: Path) -> bool:
    return path.suffix.lower() == ".csv"


def _read_csv(name: str, lines: TextIO) -> Iterator[tuple[int, Any]]:
    head = next(iter(lines), "")
    between = max(",;\t", key=head.count)  # as the tables of the person's country have it
    try:
        columns = [column.strip().lower() for column in next(csv.reader([head], delimiter=between), [])]
    except csv.Error as error:
        raise BadInput(f"{name} is not CSV: {error}") from None
    if "brief" not in columns:
        raise BadInput(f"{name} needs a column named brief; it has {', '.join(columns) or 'none'}")
    unknown = sorted(set(columns) - FIELDS - {"brief", ""})
    if unknown:
        raise BadInput(f"{name} has unknown columns {', '.join(unknown)}; allowed are brief, {', '.join(sorted(FIELDS))}")
    reader = csv.DictReader(lines, columns, delimiter=between)
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield reader.reader.line_num + 1, BadInput(f"not CSV: {error}")
        else:
            yield reader.line_num + 1, _csv_record(row)


def _csv_record(row: dict[Any, Any]) -> Any:
    if None in row:
        return BadInput("more fields than the header has; put text with commas between quotes")
    given = {key: value for key, value in row.items() if value not in (None, "")}
    if not all(map(_is_text, given.values())):
        return BadInput("not UTF-8 text")
    return {key: _several(key, value) if key in LISTS else value for key, value in given.items()}


def _several(key: str, value: str) -> list[str]:
    """A list in a field: with "|" between, colours also with commas; a caption may be empty, which leaves that place free."""
    parts = [part.strip() for part in value.split("," if key == "palette" and "|" not in value else "|")]
    return parts if key == "captions" and any(parts) else [part for part in parts if part]


def _read_lines(lines: Iterable[str]) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(lines, start=1):
        if text := line.strip():
            yield number, _record(text)


def _record(text: str) -> Any:
    if not _is_text(text):
        return BadInput("not UTF-8 text")
    plain = text[0] not in '{["'
    try:
        value = json.loads(text)
        return BadInput(f"{WANTED}, got {text[:80]}; put it in quotes if it is the brief") if plain else value
    except json.JSONDecodeError as error:
        if plain:
            return text
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


def _lines(source: Source, asked: str, results: Results) -> Iterator[Line]:
    for number, record in read(source):
        try:
            key = _key(number, record, asked, source.folder)
        except (ValueError, RecursionError) as error:
            record = BadInput(f"not usable JSON: {error}")
            key = _key(number, record, asked, source.folder)
        begun, run = results.runs.get(number, (None, None))
        yield Line(number, key, record, run if begun == key else None)


def _asked(studio: Studio, plan_only: bool) -> str:
    """What is wanted of each line, as text to be compared."""
    return json.dumps({"mode": "plan" if plan_only else "draw"} | {name: getattr(studio.settings, name) for name in ASKED})


def _key(number: int, record: Any, asked: str, folder: Path) -> str:
    said = str(record) if isinstance(record, Exception) else json.dumps(record, sort_keys=True)
    if isinstance(record, dict) and isinstance(record.get("reference"), str):
        said += f"\n{_content(folder / record['reference'])}"
    return hashlib.sha256(f"{number}\n{asked}\n{said}".encode(errors="surrogatepass")).hexdigest()[:16]


def _content(path: Path) -> str:
    """Hash of a file; of one that cannot be read, which its line says when its turn comes, nothing."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError):
        return ""


# Telling


@dataclass
class _Report:
    """Counts what came of the lines, keeps each row, and tells."""

    results: Results
    total: int
    on_line: OnLine
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("done", "skipped", "failed", "unsatisfied", "waiting"), 0))
    seen: int = 0

    def skip(self) -> None:
        self.counts["skipped"] += 1
        self._tell("")

    def add(self, row: Json) -> None:
        self.results.add(row)
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


def _schedule(lines: Iterable[Line], done: dict[int, str], work: Callable[[Line], Json], jobs: int, cancelled: Callable[[], bool], report: _Report) -> None:
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
                if done.get(line.number) == line.key:
                    report.skip()
                    continue
                waiting.add(pool.submit(work, line))
                if len(waiting) >= jobs:
                    finished, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                    collect(finished)
        finally:
            collect(as_completed(waiting))


def _one(line: Line, folder: Path, out: Path, studio: Studio, plan_only: bool, cancelled: Callable[[], bool]) -> Json:
    """One line's result; whatever goes wrong with it stays with it."""
    row: Json = {"line": line.number, "key": line.key}
    try:
        brief = _brief(line.record, studio, folder)
        row["brief"] = brief.text
        if plan_only:
            start(brief, studio.wired.terms())  # what cannot be drawn is refused before it is planned too
            return row | {"status": "planned", "plan": studio.plan(brief).model_dump(mode="json"), "error": None}
        design = _draw(line.run, brief, studio, cancelled)
        row["id"] = design.id
        if design.status == "needs_approval":
            return row | {"status": design.status, "error": f"waits for approval: cutwork resume {design.id} --approve"}
        if design.status not in DONE:
            return row | {"status": "failed", "error": design.error or f"the run is {design.status}"}
        return row | {"status": design.status, "error": None, "design": studio.deliver(design, out / f"{line.number:05d}")}
    except Cancelled as stop:
        return row | {"status": "cancelled", "error": "stopped", "id": stop.run}
    except CutworkError as error:
        return row | {"status": "failed", "error": str(error)[:ERROR_CHARS]}
    except Exception as error:
        return row | {"status": "failed", "error": f"{type(error).__name__}: {error}"[:ERROR_CHARS]}


def _draw(run: str | None, brief: Brief, studio: Studio, cancelled: Callable[[], bool]) -> Design:
    """The line's design: gone on with where a run of it was stopped, else begun."""
    if run is not None:
        try:
            design = studio.show(run)
            return design if design.status == "needs_approval" else studio.resume(run, cancelled=cancelled)
        except BadInput:  # it is gone, or cannot be resumed
            pass
    return studio.design(brief, cancelled=cancelled)


def _brief(record: Any, studio: Studio, folder: Path) -> Brief:
    if isinstance(record, Exception):
        raise record
    if isinstance(record, str):
        return make_brief(record)
    if not isinstance(record, dict) or not isinstance(record.get("brief"), str):
        raise BadInput("the row has no brief" if not record else f"{WANTED}, got {str(record)[:80]!r}")
    unknown = set(record) - FIELDS - {"brief"}
    if unknown:
        raise BadInput(f"unknown fields {', '.join(sorted(unknown))}; allowed are brief, {', '.join(sorted(FIELDS))}")
    given = {k: record[k] for k in FIELDS - {"set", "reference"} if k in record}
    picture = record.get("reference")
    if picture is not None and not isinstance(picture, str):
        raise BadInput(f"reference is the path of one picture, got {str(picture)[:80]!r}")
    asked = record.get("set", [])
    if not isinstance(asked, list) or not all(isinstance(one, str) for one in asked):
        raise BadInput(f"set is a list of NAME=VALUE, got {str(asked)[:80]!r}")
    taken = None if picture is None else (studio.take(folder / picture),)
    return make_brief(record["brief"], **given, references=taken, wishes=wishes(asked, str(given.get("kind") or "textile")) or None)
