"""The copilot's live view as a person meets it: by role and name, and by the attributes that the page promises.

The transcript is `role="log"`; the composer a textbox named "Message"; the buttons are named Send, Stop,
"Allow once", Deny, Copy, "Insert cell"; an approval is a group whose name begins "Approval needed". Inside the log
parts carry `data-part`, a tool row `data-tool` and `data-state`, and the footer `data-usage` when the run has ended.
"""

from __future__ import annotations

import re

from playwright.sync_api import Locator, expect

LONG = 60_000
"""Milliseconds for what may include loading litellm or starting a kernel."""


class View:
    """A live view inside `root`."""

    def __init__(self, root: Locator) -> None:
        self.root = root
        self.log = root.get_by_role("log")
        self.message = root.get_by_role("textbox", name="Message")

    def button(self, name: str) -> Locator:
        return self.root.get_by_role("button", name=name, exact=True)

    @property
    def send(self) -> Locator:
        return self.button("Send")

    @property
    def stop(self) -> Locator:
        return self.button("Stop")

    @property
    def approval(self) -> Locator:
        return self.root.get_by_role("group", name=re.compile("^Approval needed"))

    def parts(self, kind: str) -> Locator:
        return self.log.locator(f'[data-part="{kind}"]')

    def tool(self, name: str) -> Locator:
        return self.log.locator(f'[data-tool="{name}"]')

    @property
    def usage(self) -> Locator:
        """One for each run that has ended."""
        return self.log.locator("[data-usage]")

    def wait_ended(self, *, runs: int = 1) -> None:
        expect(self.usage).to_have_count(runs, timeout=LONG)

    def expect_state(self, tool: str, state: str, *, nth: int = 0) -> None:
        expect(self.tool(tool).nth(nth)).to_have_attribute("data-state", state, timeout=LONG)

    def expect_text(self, text: str | re.Pattern[str]) -> None:
        expect(self.log).to_contain_text(text, timeout=LONG)

    def ask(self, text: str) -> None:
        """Type into the composer and press Enter, as a person does."""
        self.message.fill(text)
        self.message.press("Enter")
