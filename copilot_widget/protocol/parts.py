"""The parts of a message. Each knows its own fields on the wire, and keeps those it does not know."""

from __future__ import annotations

from dataclasses import MISSING, dataclass, field, fields
from functools import cache
from typing import Any, ClassVar, Literal

from pydantic.alias_generators import to_camel

from .chunks import Json, ProviderMetadata
from .jsontext import mend

TextState = Literal["streaming", "done"]


@dataclass(eq=False, repr=False)
class Part:
    """A part of a message. Two parts are equal where they are the same on the wire."""

    type: str
    extra: dict[str, Json] = field(default_factory=dict[str, Json], kw_only=True)
    """Fields on the wire that have no attribute here."""

    wire_fields: ClassVar[tuple[tuple[str, str, bool], ...]] = ()
    """(attribute, key on the wire, required) of every field but type; where it is empty, the dataclass's fields."""

    def to_wire(self) -> dict[str, Json]:
        """The part as it travels. Values are not copied."""
        wire: dict[str, Json] = {"type": self.type}
        for name, key, required in wire_fields(type(self)):
            value = getattr(self, name)
            if required or value is not None:
                wire[key] = value
        wire.update(self.extra)
        return wire

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Part) and self.to_wire() == other.to_wire()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{key}={value!r}' for key, value in self.to_wire().items())})"


@cache
def wire_fields(cls: type[Part]) -> tuple[tuple[str, str, bool], ...]:
    return cls.wire_fields or tuple(
        (each.name, to_camel(each.name), each.default is MISSING)
        for each in fields(cls)
        if each.name not in ("type", "extra")
    )


# ---- text -----------------------------------------------------------------------------------------------


class _Growing(Part):
    """Text that grows by deltas: they are joined when somebody reads, so that a delta always costs the same."""

    def __init__(self, kind: str, text: str, extra: dict[str, Json] | None) -> None:
        super().__init__(kind, extra=extra or {})
        self._pieces = [text]

    @property
    def text(self) -> str:
        pieces = self._pieces
        if len(pieces) > 1:
            pieces[:] = [mend("".join(pieces))]
        return pieces[0]

    @text.setter
    def text(self, text: str) -> None:
        self._pieces = [text]

    def append(self, delta: str) -> None:
        self._pieces.append(delta)


class TextPart(_Growing):
    """A piece of the answer, or of the question."""

    wire_fields = (
        ("text", "text", True),
        ("state", "state", False),
        ("citations", "citations", False),
        ("provider_metadata", "providerMetadata", False),
    )

    def __init__(
        self,
        text: str = "",
        *,
        state: TextState | None = None,
        citations: list[Any] | None = None,
        provider_metadata: ProviderMetadata | None = None,
        extra: dict[str, Json] | None = None,
    ) -> None:
        super().__init__("text", text, extra)
        self.state: TextState | None = state
        self.citations = citations
        self.provider_metadata = provider_metadata


class ReasoningPart(_Growing):
    """What the model thought on the way."""

    wire_fields = (
        ("id", "id", False),
        ("text", "text", True),
        ("state", "state", False),
        ("provider_metadata", "providerMetadata", False),
    )

    def __init__(
        self,
        text: str = "",
        *,
        id: str | None = None,
        state: TextState | None = None,
        provider_metadata: ProviderMetadata | None = None,
        extra: dict[str, Json] | None = None,
    ) -> None:
        super().__init__("reasoning", text, extra)
        self.id = id
        self.state: TextState | None = state
        self.provider_metadata = provider_metadata


# ---- the others -----------------------------------------------------------------------------------------


@dataclass(eq=False, repr=False)
class FilePart(Part):
    type: str = field(default="file", init=False)
    media_type: str
    url: str
    """A URL, or a data URL."""
    filename: str | None = None
    provider_reference: dict[str, str] | None = None
    provider_metadata: ProviderMetadata | None = None


@dataclass(eq=False, repr=False)
class ReasoningFilePart(Part):
    type: str = field(default="reasoning-file", init=False)
    media_type: str
    url: str
    provider_metadata: ProviderMetadata | None = None


@dataclass(eq=False, repr=False)
class SourceUrlPart(Part):
    type: str = field(default="source-url", init=False)
    source_id: str
    url: str
    title: str | None = None
    provider_metadata: ProviderMetadata | None = None


@dataclass(eq=False, repr=False)
class SourceDocumentPart(Part):
    type: str = field(default="source-document", init=False)
    source_id: str
    media_type: str
    title: str
    filename: str | None = None
    provider_metadata: ProviderMetadata | None = None


@dataclass(eq=False, repr=False)
class CustomPart(Part):
    type: str = field(default="custom", init=False)
    kind: str
    provider_metadata: ProviderMetadata | None = None


@dataclass(eq=False, repr=False)
class DataPart(Part):
    """A part of ours, `type` is "data-NAME"."""

    data: Json
    id: str | None = None


@dataclass(eq=False, repr=False)
class SteeringMessagePart(Part):
    """What the user added while the run went on; `parts` are text and file parts as they travel."""

    type: str = field(default="steering-message", init=False)
    id: str
    parts: list[Json]


@dataclass(eq=False, repr=False)
class StepStartPart(Part):
    """Where a step begins."""

    type: str = field(default="step-start", init=False)


@dataclass(eq=False, repr=False)
class UnknownPart(Part):
    """A part of a type that is not known here: all its fields are in `extra`."""
