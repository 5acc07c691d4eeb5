"""A notebook stays small: what a cell of %copilot adds to the file, and to the state of widgets that may be saved."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from .kernels import Kernel

CELLS = 30
PROSE = "Revenue falls in **May**, since the refunds are signed the wrong way round. " * 12
ANSWER = f"{PROSE}\n\n```python\n" + "df.loc[df.qty < 0, 'price'] *= -1\n" * 12 + "```\n"

STATE = """
from ipywidgets import Widget
import json
print(len(json.dumps(Widget.get_manager_state(drop_defaults=True))))
"""


def test_thirty_cells_with_their_widgets_state(start_kernel: Callable[..., Kernel], tmp_path: Path) -> None:
    script = tmp_path / "talk.json"
    script.write_text(json.dumps({"steps": [ANSWER], "end": "last"}))
    kernel = start_kernel()
    kernel.run("%load_ext copilot_widget").check()
    state_of_one = outputs = 0
    for number in range(CELLS):
        shown = kernel.run(f"%copilot --send --wait --model script:{script} question {number}").check()
        kernel.run("pass")  # what a thread sends after the cell belongs to the next
        records = [each for each in (*shown.displays, *shown.updates) if "text/html" in each]
        views = [each for each in shown.displays if "text/html" not in each]
        outputs += len(json.dumps([records[-1], *views]))
        if number == 0:
            state_of_one = int(kernel.run(STATE).check().stdout)
    state = int(kernel.run(STATE).check().stdout)
    print(
        f"outputs {outputs / CELLS:.0f} a cell; state {(state - state_of_one) / (CELLS - 1):.0f}, once {state_of_one}"
    )
    assert outputs > CELLS * 2 * len(ANSWER), "the records are there"
    bundle = 100_000  # once, for all: base64 of its gzipped code
    assert outputs + state <= CELLS * (3 * len(ANSWER) + 8_000) + bundle
    assert outputs <= CELLS * (3 * len(ANSWER) + 5_000)
