"""Ctrl-C, SIGTERM and SIGHUP all mean: stop. Whatever they meet, the command ends with one line and exit code 130.

While Cutwork is imported they end the process at once, since an exception in the middle of an import may be swallowed or come
out as another. In a command they raise KeyboardInterrupt. A run asks `console.cancellable` instead, and stops at its next step.
"""

from __future__ import annotations

import os
import signal
import stat
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, NoReturn

INTERRUPTED = 130
STOPS = tuple(signal.Signals[name] for name in ("SIGINT", "SIGTERM", "SIGHUP") if name in signal.Signals.__members__)

Answer = Callable[[int, Any], Any]


def listen(answer: Answer) -> dict[int, Any]:
    """Let `answer` meet the signals from now on; returns who met them before."""
    return {signum: signal.signal(signum, answer) for signum in STOPS if not _shut_out(signum)}


def _shut_out(signum: int) -> bool:
    """Whether the process was started not to hear it, as nohup does. A shell does that to Ctrl-C for anything behind `&`, which is not meant so."""
    return signum != signal.SIGINT and signal.getsignal(signum) is signal.SIG_IGN


@contextmanager
def answered(answer: Answer) -> Iterator[None]:
    """Let `answer` meet the signals for a while. Only the main thread hears any."""
    before = listen(answer) if threading.current_thread() is threading.main_thread() else {}
    try:
        yield
    finally:
        for signum, earlier in before.items():
            signal.signal(signum, signal.SIG_DFL if earlier is None else earlier)


def leave(signum: int, frame: Any, go_on: str = "") -> NoReturn:  # noqa: ARG001 - the signature of signal handlers
    """End the process now, without asking anybody."""
    with suppress(OSError):
        os.write(2, f"cutwork: interrupted{go_on}\n".encode())
    os._exit(INTERRUPTED)


def interrupt(signum: int, frame: Any) -> NoReturn:  # noqa: ARG001 - the signature of signal handlers
    """Raise KeyboardInterrupt."""
    let_go_of_terminal()
    raise KeyboardInterrupt


@contextmanager
def interruptible() -> Iterator[None]:
    """Signals raise KeyboardInterrupt, which comes out as that whatever the libraries on its way made of it.

    Some keep it as the cause of an error of theirs; compiled ones keep only its name. So any error after a signal is that signal.
    """
    before = sys.unraisablehook
    asked: list[int] = []  # signals that were answered

    def answer(signum: int, frame: Any) -> NoReturn:
        asked.append(signum)
        interrupt(signum, frame)

    def heard(lost: Any) -> None:
        if isinstance(lost.exc_value, KeyboardInterrupt):  # it met a callback that cannot raise, and would be forgotten
            leave(signal.SIGINT, None)
        before(lost)

    sys.unraisablehook = heard
    try:
        with answered(answer):
            yield
    except BaseException as error:
        stop = _interrupt_behind(error) or (KeyboardInterrupt() if asked else None)
        if stop is None or stop is error:
            raise
        raise stop from None
    finally:
        sys.unraisablehook = before


def _interrupt_behind(error: BaseException | None) -> KeyboardInterrupt | None:
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error


def let_go_of_terminal() -> None:
    """Where the terminal hung up, every word to it would be an error: say them to nobody."""
    for stream in (1, 2):
        with suppress(OSError):
            if stat.S_ISCHR(os.fstat(stream).st_mode) and not os.isatty(stream):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
