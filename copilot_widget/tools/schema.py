"""A Python signature as JSON Schema, and a model's arguments as Python values; by pydantic.

Only `Arguments.__init__` is free of pydantic: it runs when a function is decorated, and importing copilot_widget
must not load pydantic.
"""

from __future__ import annotations

import inspect
import json
import typing
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, cast

from ..errors import ToolError, UsageError
from ..models.base import Json
from .base import ToolContext
from .call_form import call_form
from .docstring import Docstring
from .jsonable import cut_line, safe_repr
from .kinds import is_a

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError


class Arguments:
    """The parameters of one function that a model fills in. Raises UsageError for a signature that cannot be a tool."""

    def __init__(self, function: Callable[..., Any], docstring: Docstring) -> None:
        self._function = function
        self._docstring = docstring
        self._model: type[BaseModel] | None = None
        self._context_names: set[str] = set()
        try:
            self._signature = inspect.signature(function)
        except (TypeError, ValueError):
            name = getattr(function, "__name__", repr(function))
            raise UsageError(
                f"{name} has no signature to make a schema of.",
                hint="Wrap it in a function of your own with type hints.",
            ) from None

    @property
    def model(self) -> type[BaseModel]:
        """The pydantic model of the arguments; fields are named p0, p1, … so that no parameter name is forbidden."""
        if self._model is None:
            self._model = self._build()
        return self._model

    def json_schema(self) -> dict[str, Json]:
        from pydantic.errors import PydanticUserError

        model = self.model
        try:
            schema = model.model_json_schema(by_alias=True)
        except PydanticUserError as error:
            raise self._no_tool(error.message) from error
        schema.setdefault("properties", {})
        _drop_titles(schema)
        return schema

    def parse(self, text: str) -> dict[str, Json]:
        """The arguments' JSON text as JSON that `bind` accepts. Raises ToolError in words for the model."""
        given = self._load(text)
        _, given = self._validate(given)
        return given

    def bind(self, given: Json, context: ToolContext | None) -> tuple[list[Any], dict[str, Any]]:
        """Positional and keyword arguments for the function; Python values as its type hints say."""
        model, _ = self._validate(dict(cast("Mapping[str, Json]", given or {})))
        positional: list[Any] = []
        named: dict[str, Any] = dict(model.model_extra or {})
        fields = {info.alias: key for key, info in type(model).model_fields.items()}
        for name, parameter in self._signature.parameters.items():
            if name in self._context_names:
                value = context
            elif name not in fields:  # *args, **kwargs
                continue
            elif fields[name] in model.model_fields_set:
                value = getattr(model, fields[name])
            elif parameter.kind is parameter.POSITIONAL_ONLY or _is_field(parameter.default):
                value = getattr(model, fields[name])  # a later one may have been given; a Field is no value
            else:
                continue  # the function knows its own default
            if parameter.kind is parameter.POSITIONAL_ONLY:
                positional.append(value)
            else:
                named[name] = value
        return positional, named

    # ---- building ----------------------------------------------------------------------------------------

    def _hints(self) -> dict[str, Any]:
        target = self._function
        target = target if inspect.isroutine(target) else type(target).__call__
        try:
            return typing.get_type_hints(inspect.unwrap(target), include_extras=True)
        except Exception as error:
            name = getattr(self._function, "__name__", "tool")
            raise UsageError(
                f"The type hints of {name} cannot be read: {error}.",
                hint="Define or import these names at module level.",
            ) from error

    def _build(self) -> type[BaseModel]:
        from pydantic import BaseModel, ConfigDict, Field, create_model
        from pydantic.errors import PydanticUserError

        hints = self._hints()
        self._context_names = {name for name, hint in hints.items() if _is_context(hint)}
        fields: dict[str, Any] = {}
        open_ended = False
        for place, (name, parameter) in enumerate(self._signature.parameters.items()):
            if parameter.kind is parameter.VAR_KEYWORD:
                open_ended = True
            if name in self._context_names or parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
                continue
            default = ... if parameter.default is parameter.empty else parameter.default
            extra: dict[str, Any] = {"alias": name}
            described = self._docstring.parameters.get(name)
            if described and not _has_description(hints.get(name)):
                extra["description"] = described
            hint = hints.get(name, Any)
            if _is_field(default):  # the default is itself a pydantic Field(…)
                given = cast("Any", default)
                extra = extra if given.description is None else {"alias": name}
                hint = Annotated[hint, given]
                if given.default_factory is not None:
                    fields[f"p{place}"] = (hint, Field(default_factory=given.default_factory, **extra))
                    continue
                default = given.default
            fields[f"p{place}"] = (hint, Field(default, **extra))
        config = ConfigDict(
            extra="allow" if open_ended else "forbid",
            arbitrary_types_allowed=False,
            coerce_numbers_to_str=True,
            protected_namespaces=(),
        )
        try:
            return create_model("Arguments", __base__=_with_config(BaseModel, config), **fields)
        except PydanticUserError as error:
            raise self._no_tool(error.message) from error

    def _no_tool(self, why: str) -> UsageError:
        name = getattr(self._function, "__name__", "tool")
        return UsageError(
            f"{name} cannot be a tool: {cut_line(why, 200)}.",
            hint="Use types that JSON can carry: str, int, float, bool, list, dict, Literal, Enum, dataclasses.",
        )

    # ---- reading -----------------------------------------------------------------------------------------

    def _load(self, text: str) -> dict[str, Json]:
        try:
            given: Json = json.loads(text, strict=False) if text.strip() else {}
            if isinstance(given, str):  # some models encode the object twice
                given = json.loads(given, strict=False)
        except (ValueError, RecursionError) as error:
            raise ToolError(
                f"The arguments are not valid JSON: {error}. Send one JSON object that fits {self._call_form()}."
            ) from None
        if given is None:
            return {}
        if not is_a(given, dict):
            raise ToolError(f"The arguments must be a JSON object that fits {self._call_form()}, got {_short(given)}.")
        return given

    def _validate(self, given: dict[str, Json]) -> tuple[BaseModel, dict[str, Json]]:
        """The validated model, and the JSON it was made of. Raises ToolError."""
        from pydantic import ValidationError

        try:
            return self.model.model_validate(given), given
        except ValidationError as error:
            first = error
        # Models often send a nested object as JSON text; where that is the only fault, it is no fault.
        unpacked = {key: _unpack(value) for key, value in given.items()}
        if unpacked != given:
            try:
                return self.model.model_validate(unpacked), unpacked
            except ValidationError:
                pass
        raise ToolError(self._explain(first))

    def _explain(self, error: ValidationError) -> str:
        lines: list[str] = []
        for one in error.errors(include_url=False)[:10]:
            where = ".".join(str(part) for part in one["loc"])
            if one["type"] == "missing":
                lines.append(f"{where}: is required")
            elif one["type"] == "extra_forbidden":
                lines.append(f"{where}: is not an argument of this tool")
            else:
                words = one["msg"].removeprefix("Input ").removeprefix("Value error, ")
                lines.append(f"{where}: {words}, got {_short(one['input'])}")
        more = error.error_count() - len(lines)
        lines += [f"… and {more} more"] if more > 0 else []
        return "\n".join([*lines, f"Expected: {self._call_form()}"])

    def _call_form(self) -> str:
        return call_form(getattr(self._function, "__name__", "tool"), self.json_schema())


def _with_config(base: type[BaseModel], config: Any) -> type[BaseModel]:
    return cast("type[BaseModel]", type("ToolArguments", (base,), {"model_config": config, "__module__": __name__}))


def _is_field(default: Any) -> bool:
    return type(default).__name__ == "FieldInfo" and type(default).__module__.startswith("pydantic")


def _has_description(hint: Any) -> bool:
    return any(_is_field(item) and item.description for item in getattr(hint, "__metadata__", ()))


def _is_context(hint: Any) -> bool:
    return hint is ToolContext or ToolContext in typing.get_args(hint)


def _drop_titles(schema: Any) -> None:
    """pydantic titles every property by its name again; these only cost tokens. Walks schemas, never their values."""
    if not isinstance(schema, dict):
        return
    node = cast("dict[str, Any]", schema)
    node.pop("title", None)
    for key in ("properties", "$defs"):
        for one in node.get(key, {}).values():
            _drop_titles(one)
    for key in ("anyOf", "allOf", "oneOf", "prefixItems"):
        for one in node.get(key, ()):
            _drop_titles(one)
    for key in ("items", "additionalProperties"):
        _drop_titles(node.get(key))


def _short(value: Any) -> str:
    return cut_line(safe_repr(value, 80), 80)


def _unpack(value: Json) -> Json:
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


__all__ = ["Arguments"]
