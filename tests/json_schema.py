"""A validator for the part of JSON Schema (draft 2020-12) that docs/schemas uses; any other keyword is an error."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_TYPES: dict[str, Any] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
}
_NOTES = {"$schema", "$defs", "title", "description"}


def faults(value: Any, schema: Mapping[str, Any], root: Mapping[str, Any] | None = None, at: str = "$") -> list[str]:
    """What of `value` does not follow `schema`, one sentence each."""
    root = schema if root is None else root
    found: list[str] = []
    for keyword, wanted in schema.items():
        if keyword not in _NOTES:
            found += _RULES[keyword](value, wanted, schema, root, at)
    return found


def _type(value: Any, wanted: Any, *rest: Any) -> list[str]:
    names = [wanted] if isinstance(wanted, str) else wanted
    is_one = any(isinstance(value, _TYPES[name]) and (name == "boolean") == isinstance(value, bool) for name in names)
    return [] if is_one else [f"{rest[-1]}: {value!r} is no {wanted}"]


def _reference(value: Any, wanted: str, schema: Any, root: Any, at: str) -> list[str]:
    place = root
    for step in wanted.removeprefix("#/").split("/"):
        place = place[step]
    return faults(value, place, root, at)


def _any_of(value: Any, wanted: Any, schema: Any, root: Any, at: str) -> list[str]:
    tried = [faults(value, one, root, at) for one in wanted]
    if not all(tried):
        return []
    return [f"{at}: fits none of {len(tried)}", *(fault for one in tried for fault in one)]


def _properties(value: Any, wanted: Any, schema: Any, root: Any, at: str) -> list[str]:
    if not isinstance(value, dict):
        return []
    return [
        fault for name in wanted if name in value for fault in faults(value[name], wanted[name], root, f"{at}.{name}")
    ]


def _additional(value: Any, wanted: Any, schema: Any, root: Any, at: str) -> list[str]:
    if not isinstance(value, dict) or wanted is True:
        return []
    extra = {name: one for name, one in value.items() if name not in schema.get("properties", {})}
    if wanted is False:
        return [f"{at}: unknown key {name}" for name in extra]
    return [fault for name, one in extra.items() for fault in faults(one, wanted, root, f"{at}.{name}")]


def _items(value: Any, wanted: Any, schema: Any, root: Any, at: str) -> list[str]:
    if not isinstance(value, list):
        return []
    return [fault for place, one in enumerate(value) for fault in faults(one, wanted, root, f"{at}[{place}]")]


def _rule(is_kept: Any, kinds: Any = object) -> Any:
    def check(value: Any, wanted: Any, schema: Any, root: Any, at: str) -> list[str]:
        return [] if not isinstance(value, kinds) or is_kept(value, wanted) else [f"{at}: {value!r} against {wanted!r}"]

    return check


_RULES: dict[str, Any] = {
    "type": _type,
    "$ref": _reference,
    "anyOf": _any_of,
    "properties": _properties,
    "additionalProperties": _additional,
    "items": _items,
    "required": _rule(lambda value, wanted: set(wanted) <= set(value), dict),
    "enum": _rule(lambda value, wanted: value in wanted),
    "const": _rule(lambda value, wanted: value == wanted),
    "minimum": _rule(lambda value, wanted: value >= wanted, (int, float)),
    "maximum": _rule(lambda value, wanted: value <= wanted, (int, float)),
    "exclusiveMinimum": _rule(lambda value, wanted: value > wanted, (int, float)),
    "minItems": _rule(lambda value, wanted: len(value) >= wanted, list),
    "maxItems": _rule(lambda value, wanted: len(value) <= wanted, list),
    "pattern": _rule(lambda value, wanted: re.search(wanted, value) is not None, str),
}
