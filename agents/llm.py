"""Language models behind the `Llm` port: any OpenAI-compatible server, and the name that picks one.

The only module that imports langchain, and only when the first question is asked. It knows nothing of agents: a prompt
and a schema go in, a value of the schema comes out. How an answer is won, at most two answers an `ask`:

1. The schema goes along as `json_schema`. A server that refuses that form (400, 404, 422, 501) is asked with a forced tool
   call, then JSON mode, then plain text; what it accepts is remembered. A refused form is not an answer.
2. Whatever comes back is looked at: a tool call or text, with or without fences, thinking or prose around it, mended
   where it is broken JSON. "No tool call" is a normal answer.
3. If no value of the schema can be had from it, the model is asked once more, in JSON mode, and told what was wrong.

Timeouts and transport retries (connection lost, 408, 409, 429, 5xx, with back-off) live in ONE layer: the openai client's
`timeout_s` and `max_retries`. Nothing here or above repeats a request for those reasons. Nothing a model wrote is executed.
"""

from __future__ import annotations

import base64
import json
import re
import warnings
import weakref
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic import BaseModel, SecretStr

from cutwork.agents.answers import Unusable, closed, parse, reask, short, wire_schema
from cutwork.agents.replay import OnCall, Recorded, RecordedLlm, Tally, load_calls
from cutwork.errors import BadInput, CutworkError, LlmFailed, NotConfigured, Refused
from cutwork.ports import Answer, Llm, Prompt
from cutwork.settings import HIDDEN, masked

OPENAI_URL = "https://api.openai.com/v1"
LEAST_SECRET = 4  # characters; hiding what is shorter would only garble messages
Mode = Literal["json_schema", "function_calling", "json_mode", "text"]
MODES: tuple[Mode, ...] = ("json_schema", "function_calling", "json_mode", "text")

_SEES = re.compile(
    r"gpt-4o|gpt-4\.1|gpt-4-turbo|gpt-[5-9]|(?:^|/)o[1345](?!-mini-2024)|claude|gemini|gemma-?[34]|vision|\bvl\b|-vl|vl-|llava|pixtral|internvl|minicpm-?v|"
    r"llama-?4|mistral-small-[34]|molmo|phi-[34].*multimodal|glm-4.*v\b|moondream|smolvlm",
    re.IGNORECASE,
)
_DECLINED = re.compile(
    r"\b(?:i|we)(?:['’]m| am| are)?\s+(?:sorry|unable|not able|cannot|can['’]?t|can not|won['’]?t)\b|against (?:my|our) (?:policy|guidelines)", re.IGNORECASE
)
_FILTERED = re.compile(r"content[_ ]?(?:filter|policy|management)|safety system|moderation", re.IGNORECASE)
_TOO_LONG = re.compile(r"context[_ ]?(?:length|window|size)|prompt is too long|too many tokens|exceeds? the (?:available )?context", re.IGNORECASE)
# langchain warns about what step 1 of the ladder handles.
_HANDLED = (r"This model does not support OpenAI's structured output", r"Invalid schema for OpenAI's structured output", r"Cannot use method='json_schema'")


@dataclass(frozen=True)
class _Reply:
    """One answer of a server, in whatever form it came."""

    text: str
    cut_off: bool = False


# Where the requests of the running ask are counted; langchain may send them from another thread, in a copy of this context.
_TALLY: ContextVar[Tally | None] = ContextVar("cutwork_llm_tally", default=None)


class _Server:
    """What the copies of a model share: the HTTP client, made when first used and closed when the last of them is gone.

    Also what the server was found to accept, so that no later run has to find out again.
    """

    def __init__(self, timeout_s: float, options: dict[str, Any]) -> None:
        self.mode: Mode = MODES[0]
        self.options = options
        self._timeout_s = timeout_s
        self._client: Any = None

    def client(self) -> Any:
        if self._client is None:
            import httpx2
            import openai

            try:
                self._client = openai.DefaultHttpx2Client(timeout=self._timeout_s, event_hooks={"request": [_counted]})
            except (httpx2.InvalidURL, ValueError, ImportError, OSError) as error:
                raise NotConfigured(
                    f"no HTTP client can be made: {masked(str(error))}", "check HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY, SSL_CERT_FILE and SSL_CERT_DIR"
                ) from error
            weakref.finalize(self, self._client.close)
        return self._client


class OpenAiLlm:
    """A model on any OpenAI-compatible server.

    Args:
        model: its name on that server.
        base_url: where the server's `/v1` is; None is OpenAI's own.
        api_key: may be None for a server of one's own.
        timeout_s: for one request, from connecting to the last byte.
        max_retries: further tries after a lost connection, 408, 409, 429 or 5xx. The only transport retries there are.
        sees: whether the model looks at images; None goes by its name.
        temperature: 0 by default; dropped, like `seed`, for models that refuse it.
        max_tokens: of one answer; None is the server's own limit.
        on_call: is handed one `LlmCall` for every ask, failed ones too.
    """

    def __init__(
        self,
        model: str,
        base_url: str | None = None,
        api_key: str | None = None,
        timeout_s: float = 120.0,
        max_retries: int = 2,
        sees: bool | None = None,
        on_call: OnCall | None = None,
        *,
        temperature: float = 0.0,
        seed: int | None = 0,
        max_tokens: int | None = None,
    ) -> None:
        if not model.strip():
            raise BadInput("the model name is empty", hint="say which, such as --llm openai:gpt-4o-mini")
        if api_key is None and base_url is None:
            raise NotConfigured(
                f"no API key for openai:{model}",
                hint="set OPENAI_API_KEY, or OPENAI_BASE_URL for a server of your own, or use --llm offline",
            )
        self.name = f"openai:{model}"
        self.sees = bool(_SEES.search(model)) if sees is None else sees
        self.base_url = base_url or OPENAI_URL
        self._at = masked(self.base_url)  # as it may be shown
        self._secrets = _secrets(self.base_url, api_key)
        self._model = model
        self._api_key = api_key or "not-needed"
        self._timeout_s = timeout_s
        self._max_retries = max_retries
        self._max_tokens = max_tokens
        self._on_call = on_call
        self._server = _Server(timeout_s, {"temperature": temperature, "seed": seed})

    def recording(self, on_call: OnCall) -> OpenAiLlm:
        """The same model over the same connections, with its calls handed to `on_call`, such as one run's record. Costs nothing."""
        other = object.__new__(OpenAiLlm)
        other.__dict__.update(self.__dict__)
        other._on_call = on_call
        return other

    def ask(self, prompt: Prompt, schema: type[Answer]) -> Answer:
        """Answer as an instance of `schema`. See the module's docstring for how, and the port for what it raises."""
        tally = Tally()
        outer = _TALLY.set(tally)
        try:
            value = self._win(prompt, schema, tally)
        except CutworkError as error:
            self._record(prompt, tally, self._hidden(tally.last) or str(error), ok=False)
            raise
        finally:
            _TALLY.reset(outer)
        self._record(prompt, tally, value.model_dump_json(), ok=True)
        return value

    def _record(self, prompt: Prompt, tally: Tally, answer: str, ok: bool) -> None:
        if self._on_call is not None:
            self._on_call(tally.call(prompt, self.name, answer, ok))

    def _hidden(self, text: str) -> str:
        """Text from outside without our key and passwords: servers and libraries quote what they were sent."""
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        return masked(text)

    def _win(self, prompt: Prompt, schema: type[Answer], tally: Tally) -> Answer:
        messages = [_human(prompt, self.sees)]
        first = self._send(messages, schema, self._server.mode, tally)
        spare: Answer | None = None
        try:
            value = parse(first.text, schema)
            if not first.cut_off:
                return value
            spare, fault = value, "the answer was cut off before its end; answer more briefly"
        except Unusable as error:
            fault = str(error)
        messages += [("ai", first.text or "(nothing)"), ("human", reask(fault, schema))]
        again: Mode = self._server.mode if self._server.mode in ("json_mode", "text") else "json_mode"
        second = self._send(messages, schema, again, tally)
        try:
            return parse(second.text, schema)
        except Unusable as error:
            if spare is not None:
                return spare
            if _DECLINED.search(second.text) and _DECLINED.search(first.text):
                raise Refused(f"{self.name} declined: {short(self._hidden(second.text))}") from error
            raise LlmFailed(self._hidden(f"{self.name} gave no usable answer for {prompt.name!r}: {fault}; asked again: {error}")) from error

    def _send(self, messages: list[Any], schema: type[BaseModel], mode: Mode, tally: Tally) -> _Reply:
        """One answer in the best form the server accepts from `mode` downwards."""
        import httpx2
        import openai

        remember = mode == self._server.mode
        while True:
            try:
                reply = self._request(messages, schema, mode, tally)
                break
            except openai.LengthFinishReasonError as error:
                reply = _cut_off(error, tally)
                break
            except openai.ContentFilterFinishReasonError as error:
                raise Refused(f"{self.name}: the server's content filter stopped the answer") from error
            except openai.APIStatusError as error:
                if self._drop_option(error):
                    continue
                mode = self._lower(mode, error)
            except httpx2.InvalidURL as error:
                raise NotConfigured(f"{self.name}: the address {self._at} cannot be used: {self._hidden(str(error))}", "check OPENAI_BASE_URL") from error
            except (openai.OpenAIError, ValueError, TypeError, LookupError, AttributeError) as error:
                # The last four: langchain reading an answer that is no chat completion at all.
                raise self._explained(error) from error
        if remember:
            self._server.mode = mode
        tally.last = reply.text
        return reply

    def _request(self, messages: list[Any], schema: type[BaseModel], mode: Mode, tally: Tally) -> _Reply:
        chat = self._chat()
        if mode == "text":
            message = chat.invoke(messages)
        else:
            wire = wire_schema(schema)
            forms: dict[str, Any] = {"strict": closed(wire)} if mode == "json_schema" else {}
            message = chat.with_structured_output(wire, method=mode, include_raw=True, **forms).invoke(messages)["raw"]
        usage = message.usage_metadata or {}
        tally.input_tokens += usage.get("input_tokens", 0)
        tally.output_tokens += usage.get("output_tokens", 0)
        return self._read(message)

    def _read(self, message: Any) -> _Reply:
        if refusal := message.additional_kwargs.get("refusal"):
            raise Refused(f"{self.name} declined: {short(self._hidden(str(refusal)))}")
        finish = message.response_metadata.get("finish_reason")
        if finish == "content_filter":
            raise Refused(f"{self.name}: the server's content filter stopped the answer")
        return _Reply(_words(message), cut_off=finish == "length")

    def _chat(self) -> Any:
        """A fresh `ChatOpenAI` over the shared connections; cheap, so what the server refused needs no rebuilding."""
        from langchain_openai import ChatOpenAI

        for message in _HANDLED:
            warnings.filterwarnings("ignore", message=message, category=UserWarning)
        options = {key: value for key, value in self._server.options.items() if value is not None}
        if self._max_tokens is not None:
            options["max_tokens"] = self._max_tokens
        return ChatOpenAI(
            model=self._model, base_url=self.base_url, api_key=SecretStr(self._api_key), timeout=self._timeout_s, max_retries=self._max_retries,
            http_client=self._server.client(), use_responses_api=False, **options,
        )  # fmt: skip

    def _drop_option(self, error: Any) -> bool:
        """Whether the server refused temperature or seed, which are then left out from now on."""
        if error.status_code not in (400, 422):
            return False
        named = [key for key, value in self._server.options.items() if value is not None and key in _told(error).lower()]
        if named:
            self._server.options = {key: (None if key in named else value) for key, value in self._server.options.items()}
        return bool(named)

    def _lower(self, mode: Mode, error: Any) -> Mode:
        """The next humbler form, if it was the form that the server refused."""
        text = _told(error)
        about_form = error.status_code in (400, 422, 501) or (error.status_code in (404, 500) and re.search(r"response_format|tool|grammar|schema", text, re.I))
        if mode == "text" or not about_form or _FILTERED.search(text) or _TOO_LONG.search(text):
            raise self._explained(error) from error
        return MODES[MODES.index(mode) + 1]

    def _explained(self, error: Exception) -> CutworkError:
        """What a failure means to the person who set this up."""
        import openai

        text = short(self._hidden(str(error)))  # hidden first: a key cut short would not be found
        told = _told(error)
        if isinstance(error, openai.APIConnectionError):
            return self._unconnected(error)
        if not isinstance(error, openai.APIStatusError):
            return LlmFailed(f"{self.name}: the server at {self._at} did not answer as a chat server does: {text}")
        status = error.status_code
        if status in (401, 403):
            return NotConfigured(f"{self.name}: {self._at} did not accept the credentials ({status}): {text}", "check OPENAI_API_KEY and OPENAI_BASE_URL")
        if status == 404:
            hint = "check the model name, and that OPENAI_BASE_URL ends in /v1"
            return NotConfigured(f"{self.name}: {self._at} has no such model or path: {text}", hint)
        if _FILTERED.search(told):
            return Refused(f"{self.name}: a content policy refused the request: {text}")
        if _TOO_LONG.search(told):
            return LlmFailed(f"{self.name}: the prompt is too long for the model: {text}", hint="use a shorter brief or a model with a longer context")
        tries = f" after {self._max_retries + 1} tries" if status in (408, 409, 429) or status >= 500 else ""
        return LlmFailed(f"{self.name}: {self._at} answered {status}{tries}: {text}", hint="try again later" if tries else None)

    def _unconnected(self, error: Exception) -> CutworkError:
        """A server that was never reached is a matter of settings; one that broke off is not."""
        import httpx2

        unreached = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.UnsupportedProtocol, httpx2.InvalidURL, httpx2.ProxyError)
        cause = list(_causes(error))[-1]
        if isinstance(cause, unreached):
            return NotConfigured(
                f"{self.name}: no server can be reached at {self._at}: {short(self._hidden(str(cause))) or type(cause).__name__}",
                hint=f"check that a server runs at {self._at} (OPENAI_BASE_URL), or use --llm offline",
            )
        if isinstance(cause, httpx2.TimeoutException):
            return LlmFailed(f"{self.name}: {self._at} gave no answer within {self._timeout_s:g} s", hint="raise the LLM timeout or use a faster model")
        return LlmFailed(f"{self.name}: the connection to {self._at} broke off: {short(self._hidden(str(cause or error)))}", hint="try again later")


def recorded(llm: Llm, on_call: OnCall) -> Llm:
    """The same `Llm` with every ask handed to `on_call`, by itself where it can count tokens.

    Make one `Llm` for a process with `make_llm` and wrap it for each run with this: a batch then shares one HTTP client and
    what was learnt of the server, and each run still has a record of its own.
    """
    return llm.recording(on_call) if isinstance(llm, OpenAiLlm) else Recorded(llm, on_call)


def make_llm(
    name: str,
    base_url: str | None = None,
    api_key: str | None = None,
    timeout_s: float = 120.0,
    max_retries: int = 2,
    sees: bool | None = None,
    on_call: OnCall | None = None,
) -> Llm:
    """The `Llm` of a name: "offline", "openai:<model>" for any OpenAI-compatible server, or "replay:<file>" for recorded calls.

    Raises:
        BadInput: for any other name, or a file that is no recording. NotConfigured: if neither a key nor a base URL is given for an "openai:" model.
    """
    if name == "offline":
        from cutwork.agents.offline import OfflineLlm

        planner: Llm = OfflineLlm()
        return planner if on_call is None else Recorded(planner, on_call)
    provider, _, model = name.partition(":")
    if provider == "openai" and model.strip():
        return OpenAiLlm(model.strip(), base_url, api_key, timeout_s, max_retries, sees, on_call)
    if provider == "replay" and model.strip():
        replay = RecordedLlm(load_calls(Path(model.strip())), name, sees)
        return replay if on_call is None else Recorded(replay, on_call)
    known = "offline, openai:<model>, replay:<file>"
    raise BadInput(f"there is no language model {name!r}; there are: {known}", hint="such as --llm offline or --llm openai:gpt-4o-mini")


def _secrets(base_url: str, api_key: str | None) -> tuple[str, ...]:
    """What must never be shown: the key, and passwords and keys in the address, as written and as meant; the longest first."""
    try:
        parts = urlsplit(base_url)
        query = [value for name, value in parse_qsl(parts.query) if re.search(r"key|token|secret|password", name, re.IGNORECASE)]
        found = {api_key, parts.password, unquote(parts.password or ""), *query}
    except ValueError:  # no address at all, which the first question will say
        found = {api_key}
    return tuple(sorted((one for one in found if one and len(one) >= LEAST_SECRET), key=len, reverse=True))


def _counted(request: object) -> None:
    """One request has gone out, the client's own retries among them."""
    del request
    if (tally := _TALLY.get()) is not None:
        tally.attempts += 1


def _words(message: Any) -> str:
    """The text that may hold the value: a tool call's arguments, else what was said."""
    for call in message.tool_calls:
        return json.dumps(call["args"])
    for call in message.invalid_tool_calls:
        if call.get("args"):
            return str(call["args"])
    content = message.content
    if isinstance(content, str):
        return content
    return "".join(part if isinstance(part, str) else str(part.get("text", "")) for part in content)


def _cut_off(error: Any, tally: Tally) -> _Reply:
    """What had been said when the answer hit its token limit."""
    usage = error.completion.usage
    if usage is not None:
        tally.input_tokens += usage.prompt_tokens
        tally.output_tokens += usage.completion_tokens
    return _Reply(error.completion.choices[0].message.content or "", cut_off=True)


def _human(prompt: Prompt, sees: bool) -> tuple[str, Any]:
    if not (prompt.images and sees):
        return "human", prompt.text
    parts: list[dict[str, Any]] = [{"type": "text", "text": prompt.text}]
    for image in prompt.images:
        data = base64.b64encode(image).decode("ascii")
        parts.append({"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}})
    return "human", parts


def _told(error: Any) -> str:
    """All that a server said about an error, its code included."""
    return f"{error} {getattr(error, 'body', '')}"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what caused it, down to the transport's own word for it."""
    here: BaseException | None = error
    while here is not None:
        yield here
        # Below the HTTP client's errors are only the sockets'.
        here = None if type(here).__module__.startswith("httpx2") else here.__cause__
