"""The `Drawing` port over a process of its own, so that whoever asks for pictures is not slowed down by them.

A drawing is many small operations, and between any two of them it wants the interpreter's lock, which whoever answers requests wants too. A service
therefore draws in a child process: started with the first call, kept with its models loaded, and started anew if it dies. Calls and answers are pickles
of our own values over the child's standard input and output; pictures stay in the folder of blobs. The child works on calls at the same time, each in
a thread, as threads of one process would: its `LocalDrawing`s see to it that one picture is drawn at a time.

The child ends when its input does, which comes about however its parent ends, kill -9 too. (Linux could send it a signal then, but does so already when
the thread ends that started it.) Signals that stop Cutwork are the parent's to answer: the child has a session of its own, which a terminal's do not
reach, and does not hear those of a supervisor.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from queue import Empty, SimpleQueue
from typing import Any, BinaryIO, Concatenate, Literal, ParamSpec, TypeVar

from cutwork.domain import Artifact, Cutout, Design, Keep, Render, Round, Shot, Size
from cutwork.errors import Cancelled, CutworkError
from cutwork.ports import Watch
from cutwork.signals import STOPS
from cutwork.tools.drawing import LocalDrawing

LOOK_S = 0.05  # between looks whether a call is to be stopped
PATIENCE_S = 5.0  # with a child that was told to end
AT_ONCE = 256  # calls the child works on; more than ever ask, so that none waits for another kind of work
NICE = 5  # of the child below its parent: where both want a processor, whoever asks for an answer is the first to have it
KILL = 9  # the signal that a system short of memory sends
SAFE = ("builtins", "cutwork.errors")  # modules whose errors travel as they are: to read a library's would import the library

P = ParamSpec("P")
Result = TypeVar("Result")


@dataclass(frozen=True)
class _Call:
    """What the child is to do."""

    number: int
    local: LocalDrawing  # as it was made, without its model
    key: int  # whose call it is: the child keeps the first drawing of each key, and the model with it
    method: str
    args: tuple[Any, ...]
    watched: bool  # whether the method takes a watch
    previews: bool  # whether that takes previews


@dataclass(frozen=True)
class _Stop:
    """A call is to end at its next step."""

    number: int


@dataclass(frozen=True)
class _Word:
    """What the child says of a call: something for its watch, its result, or the error it ended with."""

    number: int
    kind: Literal["on_step", "on_preview", "say", "done", "failed"]
    what: Any


@dataclass(frozen=True)
class _Death:
    """The child has ended."""

    code: int  # as `subprocess` gives it: below 0 the signal that killed it


class AwayDrawing:
    """A drawing that a child process does. Safe to share between threads, as what it stands for is.

    Every method raises what that of `LocalDrawing` raises, as the same type; CutworkError if the child dies; Cancelled once it is closed.

    Args:
        local: what draws, in the child; its blobs are found there too. Not used yet, or its model would travel with every call.
    """

    _keys = count()

    def __init__(self, local: LocalDrawing, child: DrawingProcess) -> None:
        self.model = local.model
        self._local, self._child, self._key = local, child, next(self._keys)

    def _ask(self, method: Callable[Concatenate[LocalDrawing, P], Result], *args: P.args, **_: P.kwargs) -> Result:
        found: Result = self._child.ask(self._local, self._key, method.__name__, args)
        return found

    def warm(self) -> None:
        """Load the model now, so that the first picture does not wait for it."""
        self._ask(LocalDrawing.warm)

    def begun_from(self, sha256: str, noise: float, size: Size) -> Keep:
        return self._ask(LocalDrawing.begun_from, sha256, noise, size)

    def render(self, shot: Shot, watch: Watch) -> Render:
        made: Render = self._child.ask(self._local, self._key, "render", (shot,), watch)
        return made

    def cut(self, shot: Shot, render: Render) -> tuple[Cutout, ...]:
        return self._ask(LocalDrawing.cut, shot, render)

    def carry(self, shot: Shot, render: Render, cutouts: Sequence[Cutout], before: Round) -> tuple[Cutout, ...]:
        return self._ask(LocalDrawing.carry, shot, render, cutouts, before)

    def picture(self, render: Render, cutouts: Sequence[Cutout]) -> bytes:
        return self._ask(LocalDrawing.picture, render, cutouts)

    def contrasts(self, shot: Shot, render: Render, cutouts: Sequence[Cutout]) -> tuple[float, ...]:
        return self._ask(LocalDrawing.contrasts, shot, render, cutouts)

    def finish(self, design: Design) -> tuple[Artifact, ...]:
        return self._ask(LocalDrawing.finish, design)


# ------------------------------------------------------------------------------------------------------------ the parent


class DrawingProcess:
    """The child process for all drawings of a service: there from the first call on, and again with the next one after it died."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._line: _Line | None = None
        self._closed = False

    @property
    def pid(self) -> int | None:
        """The child's; None while there is none."""
        line = self._line
        return line.pid if line is not None and line.alive else None

    def ask(self, local: LocalDrawing, key: int, method: str, args: tuple[Any, ...], watch: Watch | None = None) -> Any:
        """What a method of a drawing returns, done by the child; `watch` hears of it in the caller's thread.

        Raises:
            Cancelled: when the watch asks for it, or the process is closed. CutworkError: if the child cannot be started or dies. What the method raises.
        """
        return self._open().ask(local, key, method, args, watch)

    def close(self) -> None:
        """End the child for good; whoever waits for it hears Cancelled."""
        with self._lock:
            self._closed = True
        if self._line is not None:
            self._line.close()

    def _open(self) -> _Line:
        with self._lock:
            if self._closed:
                raise Cancelled("nothing is drawn any more: the service ends")
            if self._line is None or not self._line.alive:
                self._line = _Line()
            return self._line


class _Line:
    """One child, and who waits for its answers."""

    def __init__(self) -> None:
        start = f"import sys; sys.path[:] = {sys.path!r}; from cutwork.tools.away import serve; serve()"
        try:
            self._process = subprocess.Popen([sys.executable, "-c", start], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
        except OSError as error:
            instead = "set CUTWORK_DRAWING_PROCESS=false to draw in the service's own"
            raise CutworkError(f"the process that draws cannot be started: {error}", instead) from error
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._calls, self._words = self._process.stdin, self._process.stdout
        self._numbers = count()
        self._waiting: dict[int, SimpleQueue[_Word | _Death]] = {}
        self._death: _Death | None = None
        self._closing = False
        self._lock, self._sending = threading.Lock(), threading.Lock()
        self._listener = threading.Thread(target=self._listen, name="drawing process", daemon=True)
        self._listener.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether more may be asked."""
        return self._death is None and not self._closing

    def ask(self, local: LocalDrawing, key: int, method: str, args: tuple[Any, ...], watch: Watch | None) -> Any:
        """As `DrawingProcess.ask`."""
        number, words = next(self._numbers), SimpleQueue[_Word | _Death]()
        with self._lock:
            self._waiting[number] = words
            if self._death is not None:
                words.put(self._death)
        try:
            self._send(_Call(number, local, key, method, args, watch is not None, watch is not None and watch.on_preview is not None))
            return self._result(number, words, watch or Watch())
        finally:
            with self._lock:
                del self._waiting[number]

    def _result(self, number: int, words: SimpleQueue[_Word | _Death], watch: Watch) -> Any:
        """Hand on what the child says to the watch, until it says how the call ended."""
        stopped = False
        while True:
            if not stopped and watch.cancelled():
                stopped = True
                self._send(_Stop(number))
            try:
                word = words.get(timeout=LOOK_S)
            except Empty:
                continue
            if isinstance(word, _Death):
                raise Cancelled("stopped with the process that drew") if self._closing or watch.cancelled() else _died(word.code)
            if word.kind == "done":
                return word.what
            if word.kind == "failed":
                raise word.what
            try:
                _tell(watch, word)
            except BaseException:  # who watches cannot go on, as when an event cannot be kept
                self._send(_Stop(number))
                raise

    def _send(self, message: _Call | _Stop) -> None:
        """Into the child's input. One that is dead is heard of by its silence."""
        data = pickle.dumps(message)
        with self._sending, suppress(OSError, ValueError):  # ValueError: it is closed
            self._calls.write(data)
            self._calls.flush()

    def _listen(self) -> None:
        """Hand out what the child says, until it ends."""
        try:
            while True:
                word: _Word = pickle.load(self._words)
                with self._lock:
                    if word.number in self._waiting:  # else nobody wants to know any more
                        self._waiting[word.number].put(word)
        except EOFError:
            pass
        except Exception:  # it died in the middle of a word, or says what cannot be read: then nobody may wait for more
            self._process.kill()
        death = _Death(self._process.wait())
        with self._lock:
            self._death = death
            for words in self._waiting.values():
                words.put(death)
        self._hang_up()
        self._words.close()

    def _hang_up(self) -> None:
        with self._sending, suppress(OSError):  # what was not sent never will be
            self._calls.close()

    def close(self) -> None:
        """End the child and wait for that."""
        self._closing = True
        late = threading.Timer(PATIENCE_S, self._process.kill)
        late.start()
        self._hang_up()
        self._listener.join()
        late.cancel()


def _tell(watch: Watch, word: _Word) -> None:
    tell = getattr(watch, word.kind)
    if tell is not None:
        tell(*word.what)


def _died(code: int) -> CutworkError:
    """What is told of a child that ended with this code, as `subprocess` gives it."""
    how, why = f"exit code {code}", "the log may say why"
    if code < 0:
        how = f"signal {-code} ({signal.strsignal(-code)})"
    if -code == KILL:
        why = "perhaps for want of memory: a smaller picture or model, CUTWORK_OFFLOAD or CUTWORK_QUANTIZE want less"
    return CutworkError(f"the process that draws ended in the middle, with {how}", f"{why}. The next picture gets a new one; this run can be resumed")


# ------------------------------------------------------------------------------------------------------------- the child


def serve() -> None:
    """Be the child: do what comes in on standard input, until no more can come."""
    for signum in STOPS:
        signal.signal(signum, signal.SIG_IGN)
    if sys.platform != "win32":
        os.nice(NICE)
    calls, words = _channel()
    code = 0
    try:
        _Served(words).hear(calls)
    except Exception:
        traceback.print_exc()
        code = 1
    os._exit(code)  # nobody is left for whom to go on with what is being drawn


def _channel() -> tuple[BinaryIO, BinaryIO]:
    """Standard input and output as nobody else can read and write them: what libraries print goes where errors go."""
    calls, words = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    os.close(nothing)
    with suppress(OSError):  # a service may have none
        os.dup2(2, 1)
    return calls, words


class _Served:
    """Calls that are done."""

    def __init__(self, words: BinaryIO) -> None:
        self._words, self._sending = words, threading.Lock()
        self._drawings: dict[int, LocalDrawing] = {}
        self._stops: dict[int, threading.Event] = {}
        self._threads = ThreadPoolExecutor(AT_ONCE, "drawing")

    def hear(self, calls: BinaryIO) -> None:
        """Begin with every call that comes in, until the end of the input."""
        while True:
            try:
                message: _Call | _Stop = pickle.load(calls)
            except (EOFError, pickle.UnpicklingError):  # the latter where the parent died in the middle of a word
                return
            if isinstance(message, _Call):
                self._drawings.setdefault(message.key, message.local)
                self._stops[message.number] = threading.Event()
                self._threads.submit(self._do, message)
            elif (stop := self._stops.get(message.number)) is not None:
                stop.set()

    def _do(self, call: _Call) -> None:
        try:
            watch = (self._watch(call),) if call.watched else ()
            word = _Word(call.number, "done", getattr(self._drawings[call.key], call.method)(*call.args, *watch))
            data = pickle.dumps(word)
        except BaseException as error:
            data = pickle.dumps(_Word(call.number, "failed", _portable(error)))
        del self._stops[call.number]
        self._send(data)

    def _watch(self, call: _Call) -> Watch:
        def telling(kind: Literal["on_step", "on_preview", "say"]) -> Callable[..., None]:
            return lambda *what: self._send(pickle.dumps(_Word(call.number, kind, what)))

        return Watch(telling("on_step"), telling("on_preview") if call.previews else None, self._stops[call.number].is_set, telling("say"))

    def _send(self, data: bytes) -> None:
        with self._sending:
            self._words.write(data)
            self._words.flush()


def _portable(error: BaseException) -> Exception:
    """An error as the parent can read it: of ours and of Python's the same, of others one that names them. What was not foreseen carries where it came about."""
    note = "" if isinstance(error, CutworkError) else "".join(traceback.format_exception(error))
    told = error if isinstance(error, Exception) and type(error).__module__ in SAFE and _travels(error) else RuntimeError(f"{type(error).__name__}: {error}")
    if note:
        told.add_note(f"In the process that draws:\n{note}")
    return told


def _travels(error: Exception) -> bool:
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return False
    return True
