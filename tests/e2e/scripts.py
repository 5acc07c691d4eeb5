"""What the scripted model says in the browser tests, and the cells that bring it into a notebook."""

from __future__ import annotations

import json
from typing import Any

from .jupyter import JupyterServer

LOAD = "%load_ext copilot_widget"

SETUP = """
%load_ext copilot_widget
from copilot_widget import Copilot, tool

done = []

@tool(read_only=True)
def lookup(order_id: int) -> dict:
    "Find an order by its number."
    done.append(("lookup", order_id))
    return {"order": order_id, "status": "late"}

@tool(approval=True)
def refund(order_id: int, amount: float) -> str:
    "Pay an order back."
    done.append(("refund", order_id))
    return f"refunded {amount:.2f}"

copilot = Copilot(model="script:talk.json", tools=[lookup, refund])
"""

WORDS = [f"w{number}" for number in range(300)]
"""What "slow" is answered with, 30 a second: a word lost or doubled shows."""


def _say(text: str, **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": text, **more}


def _call(tool: str, **arguments: Any) -> dict[str, Any]:
    return {"type": "call", "toolName": tool, "input": arguments}


TALK = {
    "turns": [
        {
            "match": "order 17",
            "steps": [
                [_say("I will look at the order."), _call("lookup", order_id=17)],
                [_say("It is **late**."), _call("refund", order_id=17, amount=12.5)],
                "All done with the order.",
            ],
        },
        {"match": "follow-up", "steps": ["This is the second answer."]},
        {
            "match": "snoop",
            "steps": [[_call("list_variables"), _call("read_file", path="talk.json")], "Nothing to see."],
        },
        {"match": "slow", "steps": [[_say(" ".join(WORDS), tokensPerSecond=30)]]},
        {
            "match": "break",
            "steps": [[_say("Half an ans"), {"type": "error", "code": "connection", "message": "The line went dead."}]],
        },
    ]
}


def write_talk(server: JupyterServer) -> None:
    """Put the script beside the notebooks, as `script:talk.json`."""
    (server.files / "talk.json").write_text(json.dumps(TALK))
