"""Drawing in a child process: the same pictures, heard and stopped across, and a service that outlives it and never leaves it behind."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from asyncio import to_thread
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from builders import HASH, a_shot
from stepping import Stepping

from cutwork.api.app import create_app
from cutwork.api.deps import Service
from cutwork.api.server import serve
from cutwork.domain import Brief, DrawSettings, Render, Shot, Size
from cutwork.errors import BadInput, Cancelled, CutworkError, LicenceRefused, NotConfigured, StorageFailed
from cutwork.ports import Watch
from cutwork.storage.blobs import FileBlobs
from cutwork.storage.owners import LOCAL
from cutwork.studio import Studio
from cutwork.tools.away import NICE, AwayDrawing, DrawingProcess
from cutwork.tools.drawing import LocalDrawing
from cutwork.wiring import Wired

PATIENCE_S = 60.0
pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="looks at processes as Linux shows them")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("blobs")


@pytest.fixture(scope="module")
def process() -> Iterator[DrawingProcess]:
    """One child for all tests that do not end it."""
    made = DrawingProcess()
    yield made
    made.close()


@pytest.fixture
def stepping(process: DrawingProcess, folder: Path) -> AwayDrawing:
    return AwayDrawing(Stepping(folder), process)


@pytest.fixture
def alone(folder: Path) -> Iterator[tuple[AwayDrawing, DrawingProcess]]:
    """A drawing with a child of its own."""
    made = DrawingProcess()
    yield AwayDrawing(Stepping(folder), made), made
    made.close()


def steps(many: int = 4, how: str = "steps", seed: int = 7) -> Shot:
    return a_shot(seed, background=how, draw=DrawSettings(steps=many))


def is_there(pid: int) -> bool:
    """Whether a process lives; one that nobody has waited for yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def until(true: Callable[[], Any]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


# the same as in this process


@pytest.mark.slow
def test_pictures_and_cut_outs_are_the_same_to_the_bit(process: DrawingProcess, folder: Path) -> None:
    """With the embedded model; what it says on its way is the same too."""
    shot, told = a_shot(3, size=(64, 64), draw=DrawSettings(steps=3)), dict[str, list[Any]]()
    made = {}
    for name, drawing in (("here", LocalDrawing("mini", FileBlobs(folder))), ("away", AwayDrawing(LocalDrawing("mini", FileBlobs(folder)), process))):
        heard = told.setdefault(name, [])
        render = drawing.render(shot, Watch(on_step=lambda *step, heard=heard: heard.append(step), on_preview=lambda *seen, heard=heard: heard.append(seen)))
        cutouts = drawing.cut(shot, render)
        found = drawing.picture(render, cutouts), drawing.contrasts(shot, render, cutouts), drawing.begun_from(render.image, 0.7, Size((64, 64)))
        made[name] = render.model_copy(update={"seconds": 0.0}), cutouts, found
    assert made["here"] == made["away"]
    assert [what for what in told["here"] if what[1] == 3] == [(1, 3), (2, 3), (3, 3)]
    assert told["here"] == told["away"]


def test_what_it_says_arrives_in_order_and_in_the_callers_thread(stepping: AwayDrawing, folder: Path) -> None:
    heard: list[tuple[Any, ...]] = []
    callers = set[int]()

    def hear(*what: Any) -> None:
        heard.append(what)
        callers.add(threading.get_ident())

    stepping.render(steps(3), Watch(on_step=hear, on_preview=hear, say=hear))
    previews = [FileBlobs(folder).put(b"%d" % step) for step in range(3)]
    assert heard == [("begins",), *(what for step, preview in enumerate(previews, 1) for what in ((step, 3), (step, preview)))]
    assert callers == {threading.get_ident()}
    heard.clear()
    stepping.render(steps(2), Watch(on_step=hear))
    assert heard == [(1, 2), (2, 2)], "previews that nobody takes are not made"


def test_what_libraries_print_is_no_answer(stepping: AwayDrawing) -> None:
    assert stepping.cut(steps(), Render(image=HASH, record=HASH, seed=1, model="mini", steps=1)) == ()


@pytest.mark.slow
def test_a_service_that_draws_away_does_not_load_torch(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom cutwork.studio import Studio\nfrom cutwork.wiring import Wired\nfrom cutwork.api.app import create_app\nfrom cutwork.api.deps import Service\n"
        "studio = Studio()\nstudio.wired = Wired(studio.settings, away=True)\ncreate_app(Service(studio))\nstudio.plan('a cat and a dog')\n"
        "print(type(studio.wired.drawing).__name__, studio.wired.drawing is studio.wired.drawing_for(studio.wired.terms()), 'torch' in sys.modules)\nstudio.wired.close()"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "AwayDrawing True False\n"


@pytest.mark.parametrize(("wanted", "kind"), [(True, AwayDrawing), (False, LocalDrawing)])
def test_a_service_draws_away_unless_the_settings_say_otherwise(home: Path, wanted: bool, kind: type) -> None:
    studio = Studio(home=home, drawing_process=wanted)
    assert type(studio.wired.drawing) is LocalDrawing, "as commands do, whatever is set"
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(BadInput, match="cannot be bound"):
        serve(studio, "127.0.0.1", taken.getsockname()[1], print)
    assert type(studio.wired.drawing) is kind


# stopping


def test_it_stops_at_its_next_step_and_the_next_call_works(stepping: AwayDrawing, process: DrawingProcess) -> None:
    stop, heard = threading.Event(), list[int]()

    def on_step(done: int, total: int) -> None:
        heard.append(done)
        if done == 3:
            stop.set()

    with pytest.raises(Cancelled, match="stopped at step"):
        stepping.render(steps(200), Watch(on_step=on_step, cancelled=stop.is_set))
    assert heard == list(range(1, len(heard) + 1))
    assert len(heard) >= 3
    pid = process.pid
    assert stepping.render(steps(2), Watch()).steps == 2
    assert process.pid == pid


def test_a_call_that_is_stopped_before_it_is_asked_does_not_end(stepping: AwayDrawing) -> None:
    with pytest.raises(Cancelled):
        stepping.render(steps(200), Watch(cancelled=lambda: True))


def test_an_error_of_who_watches_stops_it(process: DrawingProcess, tmp_path: Path) -> None:
    """As when an event cannot be kept."""
    drawing = AwayDrawing(Stepping(tmp_path), process)

    def on_step(done: int, total: int) -> None:
        raise StorageFailed("the disk is full")

    with pytest.raises(StorageFailed, match="the disk is full"):
        drawing.render(steps(200, seed=1), Watch(on_step=on_step))
    assert drawing.render(steps(1, seed=2), Watch()).seed == 2  # in its turn, when the other has ended
    blobs = FileBlobs(tmp_path)
    assert [blobs.get(name).split()[0] for name in blobs if blobs.get(name)] == [b"2"]


# errors


def test_errors_keep_their_type_and_hint(stepping: AwayDrawing, process: DrawingProcess, folder: Path) -> None:
    with pytest.raises(LicenceRefused, match="wants to be read") as caught:
        stepping.render(steps(how="licence"), Watch())
    assert caught.value.hint == "read it"
    with pytest.raises(BadInput) as refused:
        stepping.begun_from("1" * 64, 0.7, Size((64, 64)))
    with pytest.raises(BadInput) as here:
        Stepping(folder).begun_from("1" * 64, 0.7, Size((64, 64)))
    assert (str(refused.value), refused.value.hint) == (str(here.value), here.value.hint)
    with pytest.raises(NotConfigured, match="no device 'cuda:7'") as wanting:
        AwayDrawing(LocalDrawing("mini", FileBlobs(folder), device="cuda:7"), process).warm()
    assert "cutwork doctor" in str(wanting.value.hint)


@pytest.mark.parametrize(
    ("how", "kind", "said"),
    [("arithmetic", ZeroDivisionError, "nothing to divide by"), ("unknown", RuntimeError, "Unknown: what is this"), ("exit", RuntimeError, "SystemExit: 3")],
)
def test_what_was_not_foreseen_says_where_it_came_about(stepping: AwayDrawing, how: str, kind: type[Exception], said: str) -> None:
    with pytest.raises(kind, match=said) as caught:
        stepping.render(steps(how=how), Watch())
    assert "in _fail" in "".join(caught.value.__notes__)


def test_an_answer_that_cannot_be_sent_is_an_error(stepping: AwayDrawing) -> None:
    with pytest.raises(Exception, match="pickle"):
        stepping.cut(steps(how="unsendable"), Render(image=HASH, record=HASH, seed=1, model="mini", steps=1))


# several at once


def test_pictures_of_several_threads_are_drawn_one_at_a_time(stepping: AwayDrawing, folder: Path) -> None:
    with ThreadPoolExecutor(4) as threads:
        renders = list(threads.map(lambda seed: stepping.render(steps(5, seed=seed), Watch()), range(4)))
    assert [render.seed for render in renders] == [0, 1, 2, 3]
    told = [FileBlobs(folder).get(render.image).decode().split() for render in renders]
    assert [int(seed) for seed, *_ in told] == [0, 1, 2, 3]
    spans = sorted((float(began), float(ended)) for _, began, ended, *_ in told)
    assert all(before[1] <= after[0] for before, after in zip(spans, spans[1:], strict=False))
    assert len({pid for *_, pid, _ in told}) == 1


def test_other_work_does_not_wait_for_a_picture(stepping: AwayDrawing) -> None:
    stop, begun = threading.Event(), threading.Event()
    with ThreadPoolExecutor(1) as threads:
        drawn = threads.submit(stepping.render, steps(200), Watch(on_step=lambda done, total: begun.set(), cancelled=stop.is_set))
        assert begun.wait(PATIENCE_S)
        assert stepping.cut(steps(), Render(image=HASH, record=HASH, seed=1, model="mini", steps=1)) == ()
        assert not drawn.done()
        stop.set()
        with pytest.raises(Cancelled):
            drawn.result(PATIENCE_S)


# its end


def test_a_child_that_is_killed_fails_what_it_did_and_the_next_call_has_a_new_one(alone: tuple[AwayDrawing, DrawingProcess]) -> None:
    drawing, process = alone
    pids: list[int | None] = []

    def kill(done: int, total: int) -> None:
        if not pids:
            pids.append(process.pid)
            os.kill(process.pid or 0, signal.SIGKILL)

    with pytest.raises(CutworkError, match=r"ended in the middle, with signal 9 \(Killed\)") as caught:
        drawing.render(steps(200), Watch(on_step=kill))
    assert type(caught.value) is CutworkError
    assert "memory" in str(caught.value.hint)
    assert drawing.render(steps(2), Watch()).steps == 2
    assert process.pid not in (None, *pids)
    with pytest.raises(CutworkError, match="with exit code 7"):
        drawing.render(steps(how="dies"), Watch())
    assert drawing.render(steps(2), Watch()).steps == 2


def test_one_that_dies_when_it_was_to_stop_has_stopped(alone: tuple[AwayDrawing, DrawingProcess]) -> None:
    drawing, process = alone
    with pytest.raises(Cancelled):
        drawing.render(steps(how="dies"), Watch(cancelled=lambda: process.pid is None))


def test_closing_ends_it_in_the_middle_of_a_picture_and_for_good(alone: tuple[AwayDrawing, DrawingProcess]) -> None:
    drawing, process = alone
    begun = threading.Event()
    with ThreadPoolExecutor(1) as threads:
        drawn = threads.submit(drawing.render, steps(200), Watch(on_step=lambda done, total: begun.set()))
        assert begun.wait(PATIENCE_S)
        pid = process.pid
        process.close()
        with pytest.raises(Cancelled, match="the process that drew"):
            drawn.result(PATIENCE_S)
    assert pid is not None
    assert not Path(f"/proc/{pid}").exists(), "nor is it left for somebody to wait for"
    assert process.pid is None
    with pytest.raises(Cancelled):
        drawing.warm()


@pytest.mark.slow
def test_a_step_that_takes_longer_than_a_service_waits_for_is_broken_off_and_its_run_waits(home: Path) -> None:
    studio = Studio(home=home)
    studio.wired = Wired(studio.settings, away=True)
    studio.wired.__dict__["drawing"] = AwayDrawing(Stepping(studio.settings.blobs), studio.wired._process)
    service = Service(studio)

    async def live() -> str:
        app = create_app(service)
        async with app.router.lifespan_context(app):
            (run,) = service.draw(Brief(text="a cat and a dog"), [steps(how="hangs")], "mini", LOCAL)
            await to_thread(until, lambda: any(event.kind == "step" for event in service.jobs.events(run.id)))
            return run.id

    run = service.run(asyncio.run(live()), LOCAL)
    assert (run.status, service.worker.busy, studio.wired._process.pid) == ("waiting", False, None)


@pytest.mark.slow
def test_nothing_is_left_open(folder: Path) -> None:
    def opened() -> int:
        gc.collect()
        return len(os.listdir("/proc/self/fd"))

    before, threads = opened(), threading.active_count()
    process = DrawingProcess()
    drawing = AwayDrawing(Stepping(folder), process)
    drawing.warm()
    os.kill(process.pid or 0, signal.SIGKILL)
    until(lambda: process.pid is None)
    drawing.warm()
    process.close()
    assert (opened(), threading.active_count()) == (before, threads)


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_that_stop_cutwork_are_its_parents(stepping: AwayDrawing, process: DrawingProcess, signum: int) -> None:
    stepping.warm()
    pid = process.pid
    assert pid is not None
    os.kill(pid, signum)
    assert stepping.render(steps(3), Watch()).steps == 3
    assert process.pid == pid
    assert os.getsid(pid) != os.getsid(0), "what a terminal sends does not reach it"


def test_it_gives_way_to_its_parent(stepping: AwayDrawing, process: DrawingProcess) -> None:
    stepping.warm()
    assert os.getpriority(os.PRIO_PROCESS, process.pid or 0) == min(19, os.getpriority(os.PRIO_PROCESS, 0) + NICE)


PARENT = """
import sys
from pathlib import Path
from builders import a_shot
from stepping import Stepping
from cutwork.ports import Watch
from cutwork.storage.blobs import FileBlobs
from cutwork.tools.away import NICE, AwayDrawing, DrawingProcess
from cutwork.tools.drawing import LocalDrawing
process, folder = DrawingProcess(), Path(sys.argv[1])
drawing = AwayDrawing(Stepping(folder) if sys.argv[2] == "steps" else LocalDrawing("mini", FileBlobs(folder)), process)
drawing.render(a_shot(draw={"steps": 200}), Watch(on_step=lambda done, total: print(process.pid, flush=True)))
"""


@pytest.mark.parametrize("what", ["steps", pytest.param("mini", marks=pytest.mark.slow)])
def test_it_ends_with_its_parent_however_that_ends(folder: Path, what: str) -> None:
    """In the middle of a picture, also of one that is computed."""
    path = os.pathsep.join([str(Path(__file__).parent), *filter(None, sys.path)])
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(folder), what], stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": path})
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert is_there(pid)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    until(lambda: not is_there(pid))
