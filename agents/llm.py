"""Language models behind the `Llm` port: any OpenAI-compatible server, recordings of it, and the name that picks one.

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
import time
import warnings
import weakref
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, SecretStr, ValidationError

from cutwork.domain import LlmCall
from cutwork.errors import BadInput, CutworkError, LlmFailed, NotConfigured, Refused
from cutwork.ports import Answer, Llm, Prompt

OPENAI_URL = "https://api.openai.com/v1"
OnCall = Callable[[LlmCall], None]
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
_THINKING = re.compile(r"<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.DOTALL | re.IGNORECASE)
# langchain warns about what step 1 of the ladder handles.
_HANDLED = (r"This model does not support OpenAI's structured output", r"Invalid schema for OpenAI's structured output", r"Cannot use method='json_schema'")


@dataclass
class _Tally:
    """What one `ask` has cost so far."""

    attempts: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    last: str = ""
    started: float = field(default_factory=time.perf_counter)

    def call(self, prompt: Prompt, llm: str, answer: str, ok: bool) -> LlmCall:
        """The record of the ask; the prompt is kept as sent, images aside."""
        return LlmCall(
            agent=prompt.name, llm=llm, prompt=prompt.text, answer=answer, ok=ok, attempts=max(1, self.attempts),
            input_tokens=self.input_tokens, output_tokens=self.output_tokens, seconds=round(time.perf_counter() - self.started, 4),
        )  # fmt: skip


@dataclass(frozen=True)
class _Reply:
    """One answer of a server, in whatever form it came."""

    text: str
    cut_off: bool = False


# Where the requests of the running ask are counted; langchain may send them from another thread, in a copy of this context.
_TALLY: ContextVar[_Tally | None] = ContextVar("cutwork_llm_tally", default=None)


class _Unusable(Exception):
    """An answer from which no value of the schema can be had; the message goes back to the model."""


class _Connections:
    """The HTTP client of a model, shared by its copies, made when first used and closed when the last of them is gone."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._client: Any = None

    def client(self) -> Any:
        if self._client is None:
            import openai

            self._client = openai.DefaultHttpx2Client(timeout=self._timeout_s, event_hooks={"request": [_counted]})
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
        self._model = model
        self._api_key = api_key or "not-needed"
        self._timeout_s = timeout_s
        self._max_retries = max_retries
        self._max_tokens = max_tokens
        self._on_call = on_call
        self._options: dict[str, Any] = {"temperature": temperature, "seed": seed}
        self._mode: Mode = MODES[0]
        self._connections = _Connections(timeout_s)

    def recording(self, on_call: OnCall) -> OpenAiLlm:
        """The same model and connections, with its calls handed to `on_call`, such as one run's record."""
        other = object.__new__(OpenAiLlm)
        other.__dict__.update(self.__dict__)
        other._on_call = on_call
        return other

    def ask(self, prompt: Prompt, schema: type[Answer]) -> Answer:
        """Answer as an instance of `schema`. See the module's docstring for how, and the port for what it raises."""
        tally = _Tally()
        outer = _TALLY.set(tally)
        try:
            value = self._win(prompt, schema, tally)
        except CutworkError as error:
            self._record(prompt, tally, tally.last or str(error), ok=False)
            raise
        finally:
            _TALLY.reset(outer)
        self._record(prompt, tally, value.model_dump_json(), ok=True)
        return value

    def _record(self, prompt: Prompt, tally: _Tally, answer: str, ok: bool) -> None:
        if self._on_call is not None:
            self._on_call(tally.call(prompt, self.name, answer, ok))

    def _win(self, prompt: Prompt, schema: type[Answer], tally: _Tally) -> Answer:
        messages = [_human(prompt, self.sees)]
        first = self._send(messages, schema, self._mode, tally)
        spare: Answer | None = None
        try:
            value = parse(first.text, schema)
            if not first.cut_off:
                return value
            spare, fault = value, "the answer was cut off before its end; answer more briefly"
        except _Unusable as error:
            fault = str(error)
        messages += [("ai", first.text or "(nothing)"), ("human", _reask(fault, schema))]
        again: Mode = self._mode if self._mode in ("json_mode", "text") else "json_mode"
        second = self._send(messages, schema, again, tally)
        try:
            return parse(second.text, schema)
        except _Unusable as error:
            if spare is not None:
                return spare
            if _DECLINED.search(second.text) and _DECLINED.search(first.text):
                raise Refused(f"{self.name} declined: {_short(second.text)}") from error
            raise LlmFailed(f"{self.name} gave no usable answer for {prompt.name!r}: {fault}; asked again: {error}") from error

    def _send(self, messages: list[Any], schema: type[BaseModel], mode: Mode, tally: _Tally) -> _Reply:
        """One answer in the best form the server accepts from `mode` downwards."""
        import openai

        remember = mode == self._mode
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
            except (openai.OpenAIError, ValueError, TypeError, LookupError, AttributeError) as error:
                # The last four: langchain reading an answer that is no chat completion at all.
                raise self._explained(error) from error
        if remember:
            self._mode = mode
        tally.last = reply.text
        return reply

    def _request(self, messages: list[Any], schema: type[BaseModel], mode: Mode, tally: _Tally) -> _Reply:
        chat = self._chat()
        if mode == "text":
            message = chat.invoke(messages)
        else:
            wire = wire_schema(schema)
            forms: dict[str, Any] = {"strict": _closed(wire)} if mode == "json_schema" else {}
            message = chat.with_structured_output(wire, method=mode, include_raw=True, **forms).invoke(messages)["raw"]
        usage = message.usage_metadata or {}
        tally.input_tokens += usage.get("input_tokens", 0)
        tally.output_tokens += usage.get("output_tokens", 0)
        return self._read(message)

    def _read(self, message: Any) -> _Reply:
        if refusal := message.additional_kwargs.get("refusal"):
            raise Refused(f"{self.name} declined: {_short(str(refusal))}")
        finish = message.response_metadata.get("finish_reason")
        if finish == "content_filter":
            raise Refused(f"{self.name}: the server's content filter stopped the answer")
        return _Reply(_words(message), cut_off=finish == "length")

    def _chat(self) -> Any:
        """A fresh `ChatOpenAI` over the shared connections; cheap, so what the server refused needs no rebuilding."""
        from langchain_openai import ChatOpenAI

        for message in _HANDLED:
            warnings.filterwarnings("ignore", message=message, category=UserWarning)
        options = {key: value for key, value in self._options.items() if value is not None}
        if self._max_tokens is not None:
            options["max_tokens"] = self._max_tokens
        return ChatOpenAI(
            model=self._model, base_url=self.base_url, api_key=SecretStr(self._api_key), timeout=self._timeout_s, max_retries=self._max_retries,
            http_client=self._connections.client(), use_responses_api=False, **options,
        )  # fmt: skip

    def _drop_option(self, error: Any) -> bool:
        """Whether the server refused temperature or seed, which are then left out from now on."""
        if error.status_code not in (400, 422):
            return False
        named = [key for key, value in self._options.items() if value is not None and key in _told(error).lower()]
        if named:
            self._options = {key: (None if key in named else value) for key, value in self._options.items()}
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

        text = _short(str(error))
        told = _told(error)
        if isinstance(error, openai.APIConnectionError):
            return self._unconnected(error)
        if not isinstance(error, openai.APIStatusError):
            return LlmFailed(f"{self.name}: the server at {self.base_url} did not answer as a chat server does: {text}")
        status = error.status_code
        if status in (401, 403):
            return NotConfigured(f"{self.name}: {self.base_url} did not accept the credentials ({status}): {text}", "check OPENAI_API_KEY and OPENAI_BASE_URL")
        if status == 404:
            hint = "check the model name, and that OPENAI_BASE_URL ends in /v1"
            return NotConfigured(f"{self.name}: {self.base_url} has no such model or path: {text}", hint)
        if _FILTERED.search(told):
            return Refused(f"{self.name}: a content policy refused the request: {text}")
        if _TOO_LONG.search(told):
            return LlmFailed(f"{self.name}: the prompt is too long for the model: {text}", hint="use a shorter brief or a model with a longer context")
        tries = f" after {self._max_retries + 1} tries" if status in (408, 409, 429) or status >= 500 else ""
        return LlmFailed(f"{self.name}: {self.base_url} answered {status}{tries}: {text}", hint="try again later" if tries else None)

    def _unconnected(self, error: Exception) -> CutworkError:
        """A server that was never reached is a matter of settings; one that broke off is not."""
        import httpx2

        unreached = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.UnsupportedProtocol, httpx2.InvalidURL, httpx2.ProxyError)
        cause = list(_causes(error))[-1]
        if isinstance(cause, unreached):
            return NotConfigured(
                f"{self.name}: no server can be reached at {self.base_url}: {_short(str(cause)) or type(cause).__name__}",
                hint=f"check that a server runs at {self.base_url} (OPENAI_BASE_URL), or use --llm offline",
            )
        if isinstance(cause, httpx2.TimeoutException):
            return LlmFailed(f"{self.name}: {self.base_url} gave no answer within {self._timeout_s:g} s", hint="raise the LLM timeout or use a faster model")
        return LlmFailed(f"{self.name}: the connection to {self.base_url} broke off: {_short(str(cause or error))}", hint="try again later")


class Recorded:
    """Any `Llm`, with an `LlmCall` of every ask handed to `on_call`. Tokens are not known here: `OpenAiLlm` records itself."""

    def __init__(self, llm: Llm, on_call: OnCall) -> None:
        self.name = llm.name
        self.sees = llm.sees
        self._llm = llm
        self._on_call = on_call

    def ask(self, prompt: Prompt, schema: type[Answer]) -> Answer:
        """As the `Llm` inside answers."""
        tally = _Tally(attempts=1)
        try:
            value = self._llm.ask(prompt, schema)
        except CutworkError as error:
            self._on_call(tally.call(prompt, self.name, str(error), ok=False))
            raise
        self._on_call(tally.call(prompt, self.name, value.model_dump_json(), ok=True))
        return value


class RecordedLlm:
    """Answers from stored calls, in order for each agent, without any model. A call that failed fails again.

    Args:
        calls: as they were stored.
        name: what to be called; the recorded model's own name if None.
        exact: refuse a prompt whose text is not the recorded one.
    """

    def __init__(self, calls: Iterable[LlmCall], name: str | None = None, sees: bool = False, exact: bool = False) -> None:
        stored = list(calls)
        self.name = name or (stored[0].llm if stored else "recorded")
        self.sees = sees
        self._exact = exact
        self._left: dict[str, deque[LlmCall]] = defaultdict(deque)
        for call in stored:
            self._left[call.agent].append(call)

    def ask(self, prompt: Prompt, schema: type[Answer]) -> Answer:
        """The next stored answer of the prompt's agent.

        Raises:
            LlmFailed: if none is left, the stored call failed, its prompt differs (with `exact`) or it does not fit the schema.
        """
        if not self._left[prompt.name]:
            raise LlmFailed(f"the recording has no further answer for {prompt.name!r}", hint="run it again with a language model or --llm offline")
        call = self._left[prompt.name].popleft()
        if self._exact and call.prompt != prompt.text:
            raise LlmFailed(f"the recorded prompt for {prompt.name!r} differs from the one asked now")
        if not call.ok:
            raise LlmFailed(f"recorded failure of {prompt.name!r}: {_short(call.answer)}")
        try:
            return parse(call.answer, schema)
        except _Unusable as error:
            raise LlmFailed(f"the recorded answer for {prompt.name!r} does not fit {schema.__name__}: {error}") from error


def recorded(llm: Llm, on_call: OnCall) -> Llm:
    """The same `Llm` with every ask handed to `on_call`, by itself where it can count tokens."""
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
    """The `Llm` of a name: "offline", or "openai:<model>" for any OpenAI-compatible server.

    Raises:
        BadInput: for any other name. NotConfigured: if neither a key nor a base URL is given for an "openai:" model.
    """
    if name == "offline":
        from cutwork.agents.offline import OfflineLlm

        planner: Llm = OfflineLlm()
        return planner if on_call is None else Recorded(planner, on_call)
    provider, _, model = name.partition(":")
    if provider == "openai" and model.strip():
        return OpenAiLlm(model.strip(), base_url, api_key, timeout_s, max_retries, sees, on_call)
    raise BadInput(f"there is no language model {name!r}; there are: offline, openai:<model>", hint="such as --llm offline or --llm openai:gpt-4o-mini")


def _counted(request: object) -> None:
    """One request has gone out, the client's own retries among them."""
    del request
    if (tally := _TALLY.get()) is not None:
        tally.attempts += 1


# ------------------------------------------------------------------------------------------------------ reading answers


def parse(text: str, schema: type[Answer]) -> Answer:
    """The value of the schema that an answer holds; what is certain is mended, the rest is named.

    Certain is: fences, thinking and prose around the JSON; broken JSON that can be closed; NaN (JSON has none: null);
    null for a field that has a default; one wrapper object around the value; a bare list for a schema with one list field.
    """
    found = _json(text)
    if isinstance(found, list):
        found = _as_object(found, schema)
    found = _unwrapped(found, schema)
    if not set(found) & set(schema.model_fields):
        raise _Unusable(f"the JSON object has none of the fields {', '.join(schema.model_fields)}")
    try:
        return schema.model_validate(found)
    except ValidationError:
        pass
    try:
        return schema.model_validate(_without_nulls(found))
    except ValidationError as error:
        faults = (f"{'.'.join(map(str, item['loc'])) or 'answer'}: {item['msg']}" for item in error.errors()[:5])
        raise _Unusable("; ".join(faults)) from error


def _json(text: str) -> dict[str, Any] | list[Any]:
    bare = _THINKING.sub("", text).strip() or text.strip()
    if not bare:
        raise _Unusable("the answer was empty")
    try:
        value = json.loads(bare, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        value = _mended(bare)
    if not isinstance(value, (dict, list)) or not value:
        raise _Unusable(f"there is no JSON object in {_short(bare)!r}")
    return value


def _mended(text: str) -> Any:
    """Broken JSON closed and cleaned, and its NaNs (which the mender reads as text) made null."""
    import json_repair

    start = min((i for i in (text.find("{"), text.find("[")) if i >= 0), default=-1)
    if start < 0:
        return None
    try:
        return _without_nan(json_repair.loads(text))
    except (ValueError, RecursionError):
        return None


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _without_nan(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_nan(item) for item in value]
    if isinstance(value, str) and value.strip().lower() in ("nan", "-nan", "inf", "-inf", "infinity", "-infinity"):
        return None
    return None if isinstance(value, float) and value * 0 != 0 else value


def _as_object(items: list[Any], schema: type[BaseModel]) -> dict[str, Any]:
    objects = [item for item in items if isinstance(item, dict) and set(item) & set(schema.model_fields)]
    if objects:  # prose with brackets around the value, or the value in a list
        return max(objects, key=len)
    lists = [name for name, info in schema.model_fields.items() if _is_list_of_objects(info.annotation)]
    required = [name for name, info in schema.model_fields.items() if info.is_required()]
    if len(lists) == 1 and not required and all(isinstance(item, dict) for item in items):
        return {lists[0]: items}
    raise _Unusable("the answer is a list, wanted one JSON object")


def _is_list_of_objects(annotation: Any) -> bool:
    return get_origin(annotation) is list and all(isinstance(a, type) and issubclass(a, BaseModel) for a in get_args(annotation))


def _unwrapped(found: dict[str, Any], schema: type[BaseModel]) -> dict[str, Any]:
    """The value inside {"LayoutAnswer": {…}}, {"name": …, "arguments": {…}} and the like."""
    for _ in range(3):
        if set(found) & set(schema.model_fields):
            break
        inner = [value for value in found.values() if isinstance(value, dict)]
        if len(inner) != 1:
            break
        found = inner[0]
    return found


def _without_nulls(value: Any) -> Any:
    """Null keys left out, so that defaults hold; nulls inside lists stay, since there a place has a meaning."""
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value


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


def _cut_off(error: Any, tally: _Tally) -> _Reply:
    """What had been said when the answer hit its token limit."""
    usage = error.completion.usage
    if usage is not None:
        tally.input_tokens += usage.prompt_tokens
        tally.output_tokens += usage.completion_tokens
    return _Reply(error.completion.choices[0].message.content or "", cut_off=True)


# ---------------------------------------------------------------------------------------------------- writing questions


def wire_schema(schema: type[BaseModel]) -> dict[str, Any]:
    """The schema as servers enforce it best: every field asked for, no others, no defaults to be lazy with."""
    closed: dict[str, Any] = _close(schema.model_json_schema())
    closed["title"] = schema.__name__
    return closed


def _close(node: Any) -> Any:
    if isinstance(node, list):
        return [_close(item) for item in node]
    if not isinstance(node, dict):
        return node
    out = {key: _close(value) for key, value in node.items() if key != "default"}
    if isinstance(out.get("properties"), dict):
        # A property may itself be called "default"; take the names from the original.
        out["properties"] = {name: _close(value) for name, value in node["properties"].items()}
        out["required"] = list(node["properties"])
        out["additionalProperties"] = False
    return out


def _closed(node: Any) -> bool:
    """Whether every property has a type, which servers that hold strictly to a schema demand."""
    if isinstance(node, list):
        return all(map(_closed, node))
    if not isinstance(node, dict):
        return True
    typed = all(set(value) & {"type", "$ref", "anyOf", "enum", "const", "allOf"} for value in node.get("properties", {}).values())
    return typed and all(map(_closed, node.values()))


def _human(prompt: Prompt, sees: bool) -> tuple[str, Any]:
    if not (prompt.images and sees):
        return "human", prompt.text
    parts: list[dict[str, Any]] = [{"type": "text", "text": prompt.text}]
    for image in prompt.images:
        data = base64.b64encode(image).decode("ascii")
        parts.append({"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}})
    return "human", parts


def _reask(fault: str, schema: type[BaseModel]) -> str:
    return (
        f"That answer cannot be used: {fault}.\nAnswer again with one JSON object and nothing else, no prose, no fences. "
        f"It must fit this JSON schema:\n{json.dumps(wire_schema(schema), ensure_ascii=False)}"
    )


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


def _short(text: str, limit: int = 300) -> str:
    line = re.sub(r"\s+", " ", text).strip()
    return line if len(line) <= limit else line[: limit - 1] + "…"
