"""Reading what a model answered, and saying what is wanted of it: text to a value of a schema, and the schema for the wire.

Knows nothing of servers. "No tool call", prose, fences and broken JSON are normal answers here; what is certain is mended,
and the rest is named in words that can go back to the model. Nothing a model wrote is executed.
"""

from __future__ import annotations

import json
import re
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from cutwork.ports import Answer

_THINKING = re.compile(r"<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.DOTALL | re.IGNORECASE)


class Unusable(Exception):
    """An answer from which no value of the schema can be had; the message goes back to the model."""


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
        raise Unusable(f"the JSON object has none of the fields {', '.join(schema.model_fields)}")
    try:
        return schema.model_validate(found)
    except ValidationError:
        pass
    try:
        return schema.model_validate(_without_nulls(found))
    except ValidationError as error:
        faults = (f"{'.'.join(map(str, item['loc'])) or 'answer'}: {item['msg']}" for item in error.errors()[:5])
        raise Unusable("; ".join(faults)) from error


def _json(text: str) -> dict[str, Any] | list[Any]:
    bare = _THINKING.sub("", text).strip() or text.strip()
    if not bare:
        raise Unusable("the answer was empty")
    try:
        value = json.loads(bare, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        value = _mended(bare)
    if not isinstance(value, (dict, list)) or not value:
        raise Unusable(f"there is no JSON object in {short(bare)!r}")
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
    raise Unusable("the answer is a list, wanted one JSON object")


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


def closed(node: Any) -> bool:
    """Whether every property has a type, which servers that hold strictly to a schema demand."""
    if isinstance(node, list):
        return all(map(closed, node))
    if not isinstance(node, dict):
        return True
    typed = all(set(value) & {"type", "$ref", "anyOf", "enum", "const", "allOf"} for value in node.get("properties", {}).values())
    return typed and all(map(closed, node.values()))


def reask(fault: str, schema: type[BaseModel]) -> str:
    """What is said to a model whose answer cannot be used."""
    return (
        f"That answer cannot be used: {fault}.\nAnswer again with one JSON object and nothing else, no prose, no fences. "
        f"It must fit this JSON schema:\n{json.dumps(wire_schema(schema), ensure_ascii=False)}"
    )


def short(text: str, limit: int = 300) -> str:
    """A text on one line, cut where it grows long."""
    line = re.sub(r"\s+", " ", text).strip()
    return line if len(line) <= limit else line[: limit - 1] + "…"
