"""A page of the stock AI SDK client, driven from Python: js/scripts/page.mjs is the page, this is the person."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from .serving import ROOT


class Page:
    """Each method does one thing and sees what the page shows then."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.seen: dict[str, Any] = {}

    async def act(self, act: str, **given: Any) -> Page:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"act": act, **given}).encode() + b"\n")
        await self._process.stdin.drain()
        self.seen = await self._line()
        assert self.seen["ok"], self.seen["failure"]
        return self

    async def _line(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = await asyncio.wait_for(self._process.stdout.readline(), 60)
        assert line, (await self._process.stderr.read()).decode() if self._process.stderr else ""
        return json.loads(line)

    async def say(self, text: str, **options: Any) -> Page:
        """Send a message; what comes is looked at later."""
        return await self.act("send", message={"text": text, **options})

    async def ask(self, text: str, **options: Any) -> Page:
        await self.say(text, **options)
        return await self.settle()

    async def settle(self) -> Page:
        """Wait until nothing comes any more."""
        return await self.act("settle")

    async def read(self, characters: int) -> Page:
        """Wait until so much of the answer is there."""
        return await self.act("read", characters=characters)

    # ---- what is seen ---------------------------------------------------------------------------------------

    @property
    def status(self) -> str:
        return self.seen["status"]

    @property
    def messages(self) -> list[dict[str, Any]]:
        return self.seen["messages"]

    @property
    def answer(self) -> dict[str, Any]:
        return self.messages[-1]

    @property
    def text(self) -> str:
        return "".join(part["text"] for part in self.answer["parts"] if part["type"] == "text")

    @property
    def states(self) -> dict[str, str]:
        """Of the answer's calls, by id."""
        return {part["toolCallId"]: part["state"] for part in self.answer["parts"] if "toolCallId" in part}


@asynccontextmanager
async def open_page(
    address: str, token: str, chat: str, messages: list[dict[str, Any]] | None = None
) -> AsyncIterator[Page]:
    """A page on a conversation; `messages` are what it was opened with."""
    node = shutil.which("node") or str(ROOT / ".venv" / "bin" / "node")
    process = await asyncio.create_subprocess_exec(
        node, "scripts/page.mjs", address, token, chat,
        cwd=ROOT / "js", stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, limit=64_000_000,
    )  # fmt: skip
    page = Page(process)
    try:
        await page._line()
        await page.act("look")
        if messages is not None:
            await page.act("open", messages=messages)
        yield page
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


__all__ = ["Page", "open_page"]
