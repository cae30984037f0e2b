"""Everything Cutwork raises on purpose.

    CutworkError                     exit 1   a run failed
    ├── BadInput                     exit 2   a brief, size, box, file or flag that cannot be used
    │   └── BadSetting               exit 3   the same of the environment or cutwork.toml
    ├── NotConfigured                exit 3   settings, credentials, weights or a server are missing
    ├── LicenceRefused               exit 4   the model's licence does not allow the asked use
    ├── Refused                      exit 5   the model or a policy would not do it
    ├── LlmFailed                    exit 1   the language model gave no usable answer, after repair and one re-ask
    ├── StorageFailed                exit 1   database or blobs could not be read or written; nothing half-written is kept
    └── Cancelled                    exit 130 somebody asked the run to stop; it can be resumed

Each message says what was got and what was wanted. `hint`, where there is one, says how to mend it.
"""

from __future__ import annotations


class CutworkError(Exception):
    """Base of the tree above."""

    exit_code = 1

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint

    @property
    def with_hint(self) -> str:
        """What went wrong, and how to mend it where that is known."""
        return f"{self}; {self.hint}" if self.hint else str(self)


class BadInput(CutworkError, ValueError):
    """What the caller gave cannot be used. Also a ValueError, so that validators may raise it."""

    exit_code = 2


class BadSetting(BadInput):
    """A value of the environment or of `cutwork.toml` that cannot be used: the command is right, the configuration is not."""

    exit_code = 3


class NotConfigured(CutworkError):
    """A setting, credential, model file or server that is needed is not there."""

    exit_code = 3


class LicenceRefused(CutworkError):
    """The chosen model's licence does not allow the asked use."""

    exit_code = 4


class Refused(CutworkError):
    """A model or policy declined the request."""

    exit_code = 5


class LlmFailed(CutworkError):
    """No usable answer from the language model, after repair and one re-ask."""


class StorageFailed(CutworkError):
    """The database or the blob folder could not be read or written."""


class Cancelled(CutworkError):
    """The run was asked to stop; what it had finished is kept and it can be resumed."""

    exit_code = 130
    run: str | None = None  # its id, where it was kept
