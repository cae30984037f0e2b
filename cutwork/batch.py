"""Many briefs from a file: goes on where it stopped, skips what is done, and a bad line costs that line only.

`results.jsonl` in the output folder is the whole state: one line a finished brief, with the line number and a hash of the
line it came from. Memory does not grow with the number of briefs.
"""

from __future__ import annotations

import csv
import hashlib
import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

from cutwork.domain import Json
from cutwork.errors import BadInput, Cancelled, CutworkError
from cutwork.studio import Studio, make_brief

FIELDS = {"kind", "size", "seed", "captions", "palette"}
OnLine = Callable[[int, int, str], None]


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
        {"done", "skipped", "failed", "unsatisfied", "interrupted", "seconds", "results"}; `failed` counts lines of this run.

    Raises:
        BadInput: if the file is missing or is no JSON lines, text lines or CSV.
    """
    total = sum(1 for _ in read(source))
    out.mkdir(parents=True, exist_ok=True)
    results = out / "results.jsonl"
    finished = _finished(results)
    summary: Json = {"done": 0, "skipped": 0, "failed": 0, "unsatisfied": 0}
    started = time.monotonic()
    seen = 0
    with results.open("a", encoding="utf-8") as log, ThreadPoolExecutor(jobs) as pool:
        if _cut_short(results):
            log.write("\n")
        waiting: set[Future[Json]] = set()

        def collect(futures: set[Future[Json]]) -> None:
            nonlocal seen
            for future in futures:
                row = future.result()
                if row["status"] == "cancelled":
                    continue
                seen += 1
                summary["failed" if row["status"] == "failed" else "done"] += 1
                summary["unsatisfied"] += row["status"] == "best_effort"
                log.write(json.dumps(row, ensure_ascii=False) + "\n")
                log.flush()
                on_line(seen, total, f"line {row['line']}: {row['error']}" if row["status"] == "failed" else "")

        for number, record in read(source):
            if cancelled():
                break
            key = _key(number, record)
            if key in finished:
                summary["skipped"] += 1
                seen += 1
                on_line(seen, total, "")
                continue
            waiting.add(pool.submit(_one, number, key, record, out, studio, plan_only, cancelled))
            if len(waiting) >= jobs:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                collect(done)
        collect(wait(waiting).done)
    return {**summary, "interrupted": cancelled(), "seconds": round(time.monotonic() - started, 2), "results": str(results)}


def read(source: Path) -> Iterator[tuple[int, Any]]:
    """Numbered records of a file: (line number from 1, value, or the error that line is).

    JSON lines may be strings or objects; other lines are taken as plain briefs; `.csv` needs a `brief` column.
    """
    if not source.is_file():
        raise BadInput(f"there is no file {source}")
    try:
        if source.suffix.lower() == ".csv":
            yield from _read_csv(source)
        else:
            yield from _read_lines(source)
    except UnicodeDecodeError as error:
        raise BadInput(f"{source} is not UTF-8 text: {error.reason} at byte {error.start}") from None


def _read_csv(source: Path) -> Iterator[tuple[int, Any]]:
    with source.open(encoding="utf-8-sig", newline="") as lines:
        reader = csv.DictReader(lines)
        if "brief" not in (reader.fieldnames or ()):
            raise BadInput(f"{source} needs a column named brief; it has {', '.join(reader.fieldnames or ()) or 'none'}")
        for row in reader:
            yield reader.line_num, {k: v for k, v in row.items() if k is not None and v not in (None, "")}


def _read_lines(source: Path) -> Iterator[tuple[int, Any]]:
    with source.open(encoding="utf-8-sig") as lines:
        for number, line in enumerate(lines, start=1):
            text = line.strip()
            if not text:
                continue
            if text[0] not in '{["':
                yield number, text
                continue
            try:
                yield number, json.loads(text)
            except json.JSONDecodeError as error:
                yield number, BadInput(f"not JSON: {error.msg} at column {error.colno}")


def _key(number: int, record: Any) -> str:
    said = str(record) if isinstance(record, Exception) else json.dumps(record, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(f"{number}\n{said}".encode()).hexdigest()[:16]


def _finished(results: Path) -> set[str]:
    """Keys of lines that need no second run. A line cut short by a crash is not finished."""
    keys = set()
    if results.is_file():
        for line in results.read_text(encoding="utf-8").splitlines():
            try:
                row = json.loads(line)
            except json.JSONDecodeError:
                continue
            if row.get("status") != "failed":
                keys.add(row.get("key"))
    return keys


def _cut_short(results: Path) -> bool:
    """Whether a crash left the last line without its end."""
    data = results.read_bytes()[-1:] if results.is_file() else b""
    return data not in (b"", b"\n")


def _one(number: int, key: str, record: Any, out: Path, studio: Studio, plan_only: bool, cancelled: Callable[[], bool]) -> Json:
    """One line's result; whatever goes wrong with it stays with it."""
    row: Json = {"line": number, "key": key}
    try:
        brief = _brief(record)
        row["brief"] = brief.text
        if plan_only:
            return row | {"status": "planned", "plan": studio.plan(brief).model_dump(mode="json"), "error": None}
        design = studio.design(brief, cancelled=cancelled)
        return row | {"status": design.status, "error": None, "design": studio.deliver(design, out / f"{number:05d}")}
    except Cancelled:
        return row | {"status": "cancelled", "error": "stopped"}
    except CutworkError as error:
        return row | {"status": "failed", "error": str(error)}
    except Exception as error:
        return row | {"status": "failed", "error": f"{type(error).__name__}: {error}"}


def _brief(record: Any) -> Any:
    if isinstance(record, Exception):
        raise record
    if isinstance(record, str):
        return make_brief(record)
    if not isinstance(record, dict) or not isinstance(record.get("brief"), str):
        raise BadInput(f"a line must be text or an object with a brief, got {str(record)[:80]!r}")
    unknown = set(record) - FIELDS - {"brief"}
    if unknown:
        raise BadInput(f"unknown fields {', '.join(sorted(unknown))}; allowed are brief, {', '.join(sorted(FIELDS))}")
    return make_brief(record["brief"], **{k: record[k] for k in FIELDS if k in record})
