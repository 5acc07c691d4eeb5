"""Run All sends nothing, as far as a kernel can know; what a person runs alone is sent."""

from __future__ import annotations

from typing import Any

import pytest

from .kernels import Kernel
from .test_magic import pause

LOAD = "%load_ext copilot_widget"
ASK = "run = %copilot --model demo hello"
BOTH = f"{LOAD}\n{ASK}"


def together(kernel: Kernel, *cells: str) -> list[Any]:
    """As a front end asks for them that sends all at once."""
    return [kernel.reply(cell).check() for cell in [kernel.submit(cell) for cell in cells]]


def one_by_one(kernel: Kernel, *cells: str) -> list[Any]:
    """As one asks that waits for each cell's end."""
    return [kernel.run(cell).check() for cell in cells]


def was_sent(kernel: Kernel) -> bool:
    return kernel.value("run is not None")


@pytest.mark.parametrize(
    "cells",
    [
        ("x = 1", LOAD, ASK),
        ("x = 1", "y = 2", BOTH),
        ("x = 1", BOTH, "y = 2"),
        (BOTH, "x = 1", "y = 2"),
    ],
)
def test_all_cells_of_a_fresh_kernel_send_nothing(kernel: Kernel, cells: tuple[str, ...]):
    together(kernel, *cells)
    assert not was_sent(kernel)


@pytest.mark.parametrize("cells", [(ASK, "x = 1"), ("x = 1", ASK), ("x = 1", ASK, "y = 2"), (f"{ASK}\nx = 1", "y = 2")])
def test_all_cells_send_nothing_where_the_extension_is_loaded(kernel: Kernel, cells: tuple[str, ...]):
    kernel.run(LOAD).check()
    pause()
    together(kernel, *cells)
    assert not was_sent(kernel)
    pause()
    kernel.run(ASK).check()
    assert was_sent(kernel)


def test_a_first_cell_that_loads_and_asks_is_sent(kernel: Kernel):
    kernel.run(BOTH).check()
    assert was_sent(kernel)


def test_a_cell_that_loads_and_asks_after_others_is_a_draft_that_says_why(kernel: Kernel):
    kernel.run("x = 1").check()
    pause()
    reply = kernel.run(BOTH).check()
    assert not was_sent(kernel)
    assert reply.displays
    pause()
    kernel.run(BOTH).check()
    assert was_sent(kernel), "the next time it is known when the one before was run"


def test_cells_that_were_sent_one_by_one_send_nothing_either(kernel: Kernel):
    kernel.run(LOAD).check()
    pause()
    one_by_one(kernel, "import time; time.sleep(0.3)", ASK)
    assert not was_sent(kernel)


def test_what_a_person_runs_while_another_cell_is_busy_is_sent(kernel: Kernel):
    kernel.run(LOAD).check()
    pause()
    busy = kernel.submit("import time; time.sleep(1)")
    pause()
    asked = kernel.submit(ASK)
    pause()
    after = kernel.submit("x = 1")
    for cell in (busy, asked, after):
        kernel.reply(cell).check()
    assert was_sent(kernel)


def test_a_silent_request_of_the_front_end_is_no_cell(kernel: Kernel):
    kernel.run(LOAD).check()
    pause()
    asked = kernel.submit(ASK)
    kernel.submit("1", silent=True)
    kernel.reply(asked).check()
    assert was_sent(kernel)


def test_the_cells_behind_run_in_their_order_and_stop_at_an_error(kernel: Kernel):
    """Looking at what waits takes nothing out of the line."""
    kernel.run(f"{LOAD}\norder = []").check()
    pause()
    cells = [f"{ASK}\norder.append(0)", *(f"order.append({n})" for n in range(1, 20))]
    together(kernel, *cells)
    assert kernel.value("order") == list(range(20))
    pause()
    submitted = [kernel.submit(cell) for cell in (ASK, "1 / 0", "order.append(99)")]
    assert [kernel.reply(cell).status for cell in submitted] == ["ok", "error", "aborted"]
    assert kernel.value("order") == list(range(20))
