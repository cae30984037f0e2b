"""Waiting for runs on behalf of a client that may leave: what nobody waits for any more is cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from fastapi import Request

from cutwork.errors import CutworkError

if TYPE_CHECKING:
    from cutwork.api.deps import Service
    from cutwork.api.models import Run
    from cutwork.storage.jobs import Event

LOOKS_S = 0.5  # between two looks whether the client is still there


class ClientLeft(Exception):
    """The client closed the connection; there is nobody to answer."""


async def ended(service: Service, ids: Sequence[str], tenant: str, request: Request) -> list[Run]:
    """These runs, when all have ended. If the client leaves before, they are cancelled.

    Raises:
        ClientLeft: when it did.
    """
    async with until_gone(service, ids, tenant):
        return [await _end_of(service, id, tenant, request) for id in ids]


async def _end_of(service: Service, id: str, tenant: str, request: Request) -> Run:
    ending = asyncio.ensure_future(service.wait(id, tenant))
    try:
        while not (await asyncio.wait({ending}, timeout=LOOKS_S))[0]:
            if await request.is_disconnected():
                raise ClientLeft
        return ending.result()
    finally:
        ending.cancel()


async def events(service: Service, id: str, tenant: str, *, after: int = 0, cancel: bool = True) -> AsyncIterator[Event]:
    """What happens in a run, to its end. Where whoever listens goes away before, the run is cancelled, unless it should go on."""
    if not cancel:
        async for event in service.follow(id, tenant, after=after):
            yield event
        return
    async with until_gone(service, [id], tenant):
        async for event in service.follow(id, tenant, after=after):
            yield event


@asynccontextmanager
async def until_gone(service: Service, ids: Sequence[str], tenant: str) -> AsyncIterator[None]:
    """Cancel the runs where this is left before its time: the client is gone, or got an error instead of them. Not where the service ends: they go on when it is back."""
    try:
        yield
    except BaseException:
        if not service.hub.closed:
            asyncio.get_running_loop().run_in_executor(None, _give_up, service, ids, tenant)  # whoever leaves waits for no database
        raise


def _give_up(service: Service, ids: Sequence[str], tenant: str) -> None:
    for id in ids:
        with suppress(CutworkError):
            service.cancel(id, tenant)
