"""The Model Context Protocol: our tools for other people's assistants, over stdio or HTTP.

Long work is handed in and asked after: a tool answers with a run at once, or after `wait_s` seconds with what there is then. Pictures
come small in the answer and whole as resources, `cutwork://artifacts/SHA256`. What goes wrong is told in the result, where the model that
asked can read it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter
from mcp.server.lowlevel.helper_types import ReadResourceContents
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ResourceNotFoundError, ToolError, UnexpectedToolError
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from mcp_types import CallToolResult, ToolAnnotations
from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from cutwork import __version__, delivery, domain
from cutwork.agents.calls import Layer
from cutwork.api import mcp_answers, mcp_areas, talk
from cutwork.api.files import image_work
from cutwork.api.mcp_areas import Box, Follow, Mask, Outline, Reference, Where
from cutwork.domain import Call, Design, Json, SaveForm
from cutwork.errors import BadInput, CutworkError
from cutwork.storage.jobs import OPEN
from cutwork.storage.owners import File

if TYPE_CHECKING:
    from cutwork.api.deps import Service
    from cutwork.api.models import Run

Asking = Context[Any, Any]
Find = Callable[[Asking], tuple["Service", str]]  # the service behind a call, and whose call it is
Wait = Annotated[float, Field(ge=0, le=600, description="seconds to wait for the end; 0 answers at once with a run to ask after")]
DesignId = Annotated[str, Field(description="id of a finished design, from an earlier answer")]
SessionId = Annotated[str, Field(description="id of a session, from an earlier answer")]
LOOKS, CHANGES = ToolAnnotations(read_only_hint=True), ToolAnnotations(read_only_hint=False, destructive_hint=False)
SAYS = """Cutwork designs subject-centred artwork of one-line briefs: it plans subjects and places, draws them, cuts each out onto its own
transparent layer and measures the result. Begin with `generate`, go on in its session with `say`, `edit_region` or `add_subject`, finish with `make_sticker`,
`compose_meme` or `make_repeat`. Drawing takes seconds to minutes: pass wait_s, or ask `get_run`."""
ForRun = Annotated[CallToolResult, mcp_answers.RunAnswer]
Kind = domain.Kind | Literal["auto"]
MOST_EVENTS = 100_000  # of one run


class Server(MCPServer[Any]):
    """Tools and resources of one service."""

    def __init__(self, find: Find) -> None:
        super().__init__("cutwork", title="Cutwork", instructions=SAYS, version=__version__, log_level="WARNING")
        self.find = find
        for tool, hint in TOOLS:
            self.add_tool(tool, annotations=hint)
        self.resource(mcp_answers.SCHEME + "{sha256}", name="artifact", title="A picture or file of a design", description="Files that answers link to.", mime_type="application/octet-stream")(_elsewhere)

    async def call_tool(self, name: str, arguments: Json, context: Asking | None = None) -> Any:
        """As every server's, but errors of ours are told in their own words."""
        try:
            return await super().call_tool(name, arguments, context)
        except UnexpectedToolError as error:
            if isinstance(error.__cause__, CutworkError):
                raise ToolError(in_words(error.__cause__)) from error.__cause__
            raise

    async def read_resource(self, uri: Any, context: Asking | None = None) -> Iterable[ReadResourceContents]:
        """A file that the caller may see, under its own media type."""
        if context is None:
            raise ResourceNotFoundError(f"{uri} is read by nobody")
        service, who = self.find(context)
        sha256 = str(uri).removeprefix(mcp_answers.SCHEME)
        found = await run_in_threadpool(service.designs.find_file, who, sha256)
        if found is None or sha256 not in service.studio.wired.blobs:
            raise ResourceNotFoundError(f"there is no artifact {sha256[:80]!r}")
        return [ReadResourceContents(content=await run_in_threadpool(service.studio.wired.blobs.get, sha256), mime_type=found.media_type)]


def asking(ctx: Asking) -> tuple[Service, str]:
    """The service behind a call, and whose call it is."""
    server = ctx.mcp_server
    assert isinstance(server, Server)
    return server.find(ctx)


def in_words(error: BaseException) -> str:
    """An error of ours as the model that asked should read it."""
    hint = getattr(error, "hint", None)
    return f"{error} ({hint})" if hint else str(error)


def _elsewhere(sha256: str) -> bytes:
    """Never called: `read_resource` reads, and knows the media type, which a template does not."""
    raise ResourceNotFoundError(f"there is no artifact {sha256[:80]!r}")


async def plan_design(ctx: Asking, brief: str, kind: Kind = "auto", size: str | None = None) -> Annotated[CallToolResult, mcp_answers.PlanAnswer]:
    """Plan a design without drawing it: its subjects and where each would stand. Takes no time to speak of."""
    service, _ = asking(ctx)
    plan = await run_in_threadpool(service.studio.plan, brief, kind=None if kind == "auto" else kind, size=size)
    places = [f"{plan.subject(r.subject).phrase} at {[round(v, 2) for v in r.box.root]}" for r in plan.regions]
    words = f"{plan.prompt}\n" + "\n".join([*places, *plan.notes])
    return mcp_answers.result(mcp_answers.PlanAnswer(words=words, plan=plan.model_dump(mode="json")), words)


async def generate(
    ctx: Asking, brief: str, kind: Kind = "auto", size: str | None = None, seed: Annotated[int, Field(ge=0)] | None = None, reference: Reference | None = None,
    follow: Follow | None = None, session: str | None = None, wait_s: Wait = 0,
) -> ForRun:  # fmt: skip
    """Begin a design of a one-line brief, such as "a grumpy cat and a rocket on a purple background". Answers with a run to ask after; go on in its session."""
    service, who = asking(ctx)
    begins = None if reference is None else await image_work(lambda: mcp_areas.picture(service, who, reference, "reference"))
    given = {"brief": brief, "kind": kind, "size": size, "seed": seed, "reference": begins, "follow": follow}
    args = {key: value for key, value in given.items() if value is not None and (key, value) != ("kind", "auto")}
    return await _turn(ctx, session, "", [Call(tool="design", args=args)], wait_s)


async def get_run(ctx: Asking, run: str, wait_s: Wait = 0) -> ForRun:
    """How a run goes, and what it made once it is done."""
    service, who = asking(ctx)
    return await _answer(ctx, await run_in_threadpool(service.run, run, who), wait_s)


async def cancel_run(ctx: Asking, run: str) -> ForRun:
    """Cancel exactly this run. What it had made is kept."""
    service, who = asking(ctx)
    return await _answer(ctx, await run_in_threadpool(service.cancel, run, who), 5)


async def say(ctx: Asking, words: str, session: str | None = None, wait_s: Wait = 0) -> ForRun:
    """Say something in a session, as a person would: "make the cat bigger", "the dog should be a fox, keep the rest", "undo". Without a session a new one begins."""
    return await _turn(ctx, session, words, [], wait_s)


async def edit_region(
    ctx: Asking, session: SessionId, subject: Annotated[str, Field(description='the subject\'s id, or words for it such as "the cat"')], phrase: str | None = None,
    box: Box | None = None, where: Where | None = None, mask: Mask | None = None, outline: Outline | None = None,
    z: Annotated[Layer | None, Field(description="who lies over whom: to the front or back of all, or one step forward or backward")] = None,
    scale: Annotated[float, Field(gt=0.1, lt=10)] | None = None, region: Annotated[int, Field(ge=0)] | None = None, wait_s: Wait = 0,
) -> ForRun:  # fmt: skip
    """Change one subject and keep the rest, bit for bit: what it is (`phrase`), where it is (one of `box`, `where`, `mask`, `outline`), in front of whom (`z`), or how large (`scale`)."""
    which = {"subject": subject}
    more = {} if region is None else {"region": region}
    place = await _place(ctx, session, box=box, where=where, mask=mask, outline=outline)
    calls = [Call(tool="move", args=which | place | ({"z": z} if z else {}) | more)] if place or z else []
    calls += [Call(tool="resize", args=which | {"scale": scale} | more)] if scale else []
    calls += [Call(tool="change_subject", args=which | {"phrase": phrase})] if phrase else []  # last: it may not be called so any more afterwards
    if not calls:
        raise BadInput("nothing is to be changed", "give a phrase, a place, z or a scale")
    return await _turn(ctx, session, "", calls, wait_s)


async def add_subject(
    ctx: Asking, session: SessionId, phrase: Annotated[str, Field(description='all of it, such as "a small red balloon"')],
    box: Box | None = None, where: Where | None = None, mask: Mask | None = None, outline: Outline | None = None, wait_s: Wait = 0,
) -> ForRun:  # fmt: skip
    """Add a subject to a design and keep the rest: where one of `box`, `where`, `mask` and `outline` says, or wherever there is room."""
    place = await _place(ctx, session, box=box, where=where, mask=mask, outline=outline)
    return await _turn(ctx, session, "", [Call(tool="add", args={"phrase": phrase} | place)], wait_s)


async def cut_out_subjects(ctx: Asking, design: DesignId) -> Annotated[CallToolResult, mcp_answers.LayersAnswer]:
    """A finished design's subjects, each on its own transparent layer, with its mask."""
    found, service = await _design(ctx, design)
    layers = mcp_answers.layers(found)
    words = "\n".join(f"{one.region + 1} {one.subject}: {one.image.uri}" for one in layers) or "The design has no cut-outs."
    links = [mcp_answers.link(file) for one in layers for file in (one.image, one.mask)]
    return mcp_answers.result(mcp_answers.LayersAnswer(design=found.id, layers=layers), words, *await run_in_threadpool(mcp_answers.small, found, service), *links)


async def compose_meme(
    ctx: Asking, design: DesignId, captions: Annotated[list[str], Field(min_length=1, max_length=8, description="the first on top, the others below")], wait_s: Wait = 20
) -> ForRun:
    """Letter a finished design as a meme. Nothing is drawn again."""
    return await _finish(ctx, {"design": design, "kind": "meme", "captions": captions}, wait_s)


async def make_repeat(
    ctx: Asking, design: DesignId, repeat: domain.Repeat | None = None, words: Annotated[str, Field(description='more wishes, such as "in 4 colours, 30 cm, 300 dpi"')] = "", wait_s: Wait = 20
) -> ForRun:
    """Make a seamless textile repeat of a finished design's subjects. Nothing is drawn again."""
    settings = {"settings": {"textile": {"repeat": repeat}}} if repeat else {}
    return await _finish(ctx, {"design": design, "kind": "textile", "words": words, **settings}, wait_s)


async def make_sticker(
    ctx: Asking, design: DesignId, preset: Annotated[str | None, Field(description="whatsapp, telegram, discord or print")] = None, words: str = "", wait_s: Wait = 20
) -> ForRun:
    """Make stickers of a finished design's subjects: trimmed, outlined, sized for where they go. Nothing is drawn again."""
    settings = {"settings": {"sticker": {"preset": preset}}} if preset else {}
    return await _finish(ctx, {"design": design, "kind": "sticker", "words": words, **settings}, wait_s)


async def critique(ctx: Asking, design: DesignId) -> Annotated[CallToolResult, mcp_answers.CritiqueAnswer]:
    """How well a design turned out, measured: where each subject was planned, where the model looked for it, what was cut, and the critic's verdict."""
    found, _ = await _design(ctx, design)
    answer = mcp_answers.critique(found)
    return mcp_answers.result(answer, "\n".join(answer.words))


async def branch(
    ctx: Asking, session: SessionId, turn: Annotated[str | None, Field(description="a turn's id, or its number in the session; null goes before the first")]
) -> Annotated[CallToolResult, mcp_answers.SessionAnswer]:
    """Go back to an earlier turn of a session. What is said next goes on from there; what came after it is kept beside it."""
    service, who = asking(ctx)
    await run_in_threadpool(service.session, session, who)
    turns = await run_in_threadpool(service.sessions.turns, session)
    found = next((t for t in turns if turn in (t.id, str(t.number))), None)
    if turn is not None and found is None:
        raise BadInput(f"session {session} has no turn {turn!r}; it has {', '.join(str(t.number) for t in turns) or 'none'}")
    await run_in_threadpool(service.sessions.go_to, session, found.id if found else None)
    words = f"Session {session} stands at turn {found.number}: {found.words or found.reply}" if found else f"Session {session} stands before its first turn."
    answer = mcp_answers.SessionAnswer(session=session, turn=found.id if found else None, design=found.design if found else None, words=words)
    return mcp_answers.result(answer, words)


async def export_run(
    ctx: Asking, design: DesignId, form: Annotated[SaveForm, Field(description="layers for other programs, all of it, or the receipt as a picture")]
) -> Annotated[CallToolResult, mcp_answers.FileAnswer]:
    """A finished design as one file for other programs."""
    found, service = await _design(ctx, design)
    made = await image_work(delivery.made_as, found, service.studio.wired.blobs, form)
    _, who = asking(ctx)
    await run_in_threadpool(service.designs.give_file, who, File(made.sha256, made.media_type, "export"))
    answer = mcp_answers.FileAnswer(design=found.id, file=mcp_answers.file(made))
    return mcp_answers.result(answer, f"{made.name}: {answer.file.uri}", mcp_answers.link(answer.file))


async def list_models(ctx: Asking) -> Annotated[CallToolResult, mcp_answers.ModelsAnswer]:
    """The models that can draw here."""
    service, _ = asking(ctx)
    answer = mcp_answers.ModelsAnswer(own=service.studio.settings.model, models=await run_in_threadpool(service.models))
    return mcp_answers.result(answer, "\n".join(f"{row['id']}: {row.get('title', '')}" for row in answer.models))


TOOLS = (
    (plan_design, LOOKS), (generate, CHANGES), (get_run, LOOKS), (cancel_run, CHANGES), (say, CHANGES), (edit_region, CHANGES), (add_subject, CHANGES), (cut_out_subjects, LOOKS),
    (compose_meme, CHANGES), (make_repeat, CHANGES), (make_sticker, CHANGES), (critique, LOOKS), (branch, CHANGES), (export_run, LOOKS), (list_models, LOOKS),
)  # fmt: skip


async def _place(ctx: Asking, session: str, **given: Any) -> Json:
    """Where a subject is to be, as a session's tools are told it."""
    service, who = asking(ctx)
    return await image_work(lambda: mcp_areas.place(service, who, session, given))


async def _turn(ctx: Asking, session: str | None, words: str, calls: list[Call], wait_s: float) -> CallToolResult:
    """A turn of a session, of a new one where none is named."""
    service, who = asking(ctx)
    return await _answer(ctx, await run_in_threadpool(_said, service, who, session, words, calls), wait_s)


def _said(service: Service, who: str, session: str | None, words: str, calls: list[Call]) -> Run:
    place = service.session(session, who) if session else service.sessions.create(owner=who)
    return talk.say(service, who, place, words, talk.current(service, place), calls)


async def _finish(ctx: Asking, asked: Json, wait_s: float) -> CallToolResult:
    service, who = asking(ctx)
    return await _answer(ctx, await run_in_threadpool(service.submit, "finish", asked, who), wait_s)


async def _answer(ctx: Asking, run: Run, wait_s: float) -> CallToolResult:
    """A run in words, after so many seconds or when it has ended."""
    service, who = asking(ctx)
    if wait_s and run.status in OPEN:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await _listen(ctx, service, run, who)
        run = await run_in_threadpool(service.run, run.id, who)
    progress = await run_in_threadpool(_progress, service, run) if run.status in OPEN else None
    return await run_in_threadpool(mcp_answers.of_run, run, service, progress)


async def _listen(ctx: Asking, service: Service, run: Run, who: str) -> None:
    """Pass on what happens until the run ends."""
    async for event in service.follow(run.id, who):
        doing = f"step {event.data['done']} of {event.data['total']}" if event.kind == "step" else event.data.get("node") or event.data.get("text") or event.data.get("tool")
        if doing:
            await ctx.report_progress(event.number, None, str(doing))


def _progress(service: Service, run: Run) -> mcp_answers.Progress:
    """How far a run is, of what it told last."""
    progress = mcp_answers.Progress(ahead=run.ahead)
    for event in service.jobs.events(run.id, 0, MOST_EVENTS):
        if event.kind == "step":
            progress.step, progress.steps = event.data.get("done"), event.data.get("total")
        elif event.kind in ("node", "call"):
            progress.doing = event.data.get("node") or event.data.get("tool")
    return progress


async def _design(ctx: Asking, id: str) -> tuple[Design, Service]:
    service, who = asking(ctx)
    return await run_in_threadpool(service.design, id, who), service


class _Way:
    """Where the service's app meets the MCP server, which lives as long as the app does."""

    def __init__(self) -> None:
        self.manager: StreamableHTTPSessionManager | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.manager is None:
            await Response("The service is not up.", 503)(scope, receive, send)
        else:
            await self.manager.asgi_app(scope, receive, send)

    @contextlib.asynccontextmanager
    async def open(self, app: Any) -> AsyncIterator[None]:  # noqa: ARG002 - the signature of lifespans
        """From start to end of the app."""
        server = Server(_of_request)
        server.streamable_http_app(stateless_http=True, transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False))
        async with server.session_manager.run():
            self.manager = server.session_manager
            yield
        self.manager = None


def router() -> APIRouter:
    """MCP at `/mcp` of the service, each call on its own: nothing is lost when the service restarts. Hosts and tokens are the service's to check."""
    way = _Way()
    return APIRouter(lifespan=way.open, routes=[Route("/mcp", way, methods=["GET", "POST", "DELETE"], include_in_schema=False)])


def _of_request(ctx: Asking) -> tuple[Service, str]:
    """The service of the app that was called, and whoever it found the caller to be."""
    request: Any = ctx.request_context.request
    return request.app.state.service, str(request.state.tenant)


async def over_stdio(service: Service, who: str) -> None:
    """Serve one client on stdin and stdout until it leaves. Stdout is the client's: whatever else is printed meanwhile goes to stderr."""
    await Server(lambda ctx: (service, who)).run_stdio_async()
