"""Whether a stream has really ended, or only stopped.

litellm invents a "stop" for a stream that breaks off. What the other side has said it keeps in the stream's
`received_finish_reason` or `intermittent_finish_reason`. Not so for Gemini, where it invents a "stop" for every chunk:
there the chunks are looked at before litellm has parsed them.
"""

from __future__ import annotations

from typing import Any, cast


class EndWatch:
    """Watches one of litellm's streams, from before its first chunk."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._gemini = False
        self._told = False
        if getattr(stream, "make_call", None) is not None:
            stream.make_call = self._watching(stream.make_call)

    @property
    def said_so(self) -> bool:
        """False where nobody has said that the answer is complete."""
        if self._gemini:
            return self._told
        names = ("received_finish_reason", "intermittent_finish_reason")
        return any(getattr(self._stream, name, "unknown") is not None for name in names)

    def _watching(self, open_stream: Any) -> Any:
        async def opened(*args: Any, **options: Any) -> Any:
            chunks = await open_stream(*args, **options)
            parse = getattr(chunks, "chunk_parser", None)
            if parse is not None:
                chunks.chunk_parser = self._looking(parse)
            return chunks

        return opened

    def _looking(self, parse: Any) -> Any:
        def parsed(chunk: Any) -> Any:
            candidates = cast("dict[str, Any]", chunk).get("candidates") if isinstance(chunk, dict) else None
            if isinstance(candidates, list):
                self._gemini = True
                found = cast("list[Any]", candidates)
                self._told = self._told or any(isinstance(one, dict) and "finishReason" in one for one in found)
            return parse(chunk)

        return parsed


__all__ = ["EndWatch"]
