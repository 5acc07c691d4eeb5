"""Completion as front ends ask for it: by complete_request in a cell, and by the page's command in a composer."""

from __future__ import annotations

from typing import Any

from .kernels import Kernel


def test_a_cell_and_a_composer_complete(shared_kernel: Kernel) -> None:
    kernel = shared_kernel
    kernel.run(
        "%load_ext copilot_widget\n"
        "import pandas as pd\n"
        "df = pd.DataFrame({'price': [1.0], 'two words': [2]})\n"
        "class Watched:\n"
        "    touched = []\n"
        "    def __getattr__(self, name): self.touched.append(name); raise AttributeError(name)\n"
        "    def __repr__(self): self.touched.append('repr'); __import__('time').sleep(60)\n"
        "watched = Watched()\n"
        "by_watched = {(watched, 1): 2}\n"
    ).check()

    def completed(code: str) -> tuple[list[str], dict[str, Any]]:
        reply = kernel.client.complete(code, len(code), reply=True, timeout=30)["content"]
        assert reply["status"] == "ok"
        assert [each["text"] for each in reply["metadata"]["_jupyter_types_experimental"]] == reply["matches"]
        return reply["matches"], reply

    for jedi in (True, False):
        kernel.run(f"get_ipython().Completer.use_jedi = {jedi}").check()
        names, reply = completed("run = %copilot --wait why @d")
        assert names == ["@df"]
        assert (reply["cursor_start"], reply["cursor_end"]) == (26, 28)
        assert reply["metadata"]["_jupyter_types_experimental"][0]["type"] == "DataFrame"
        assert completed("%%copilot --approvals a")[0] == ["ask", "auto"]
        assert completed('%%copilot\nwhy is @df["t')[0] == ['@df["two words"]']
        assert "--model" in completed("%copilot --mo")[0]
        assert "/fix" in completed("%copilot /f")[0]
        assert completed("%copilot why @watched.")[0] == ["@watched.touched"]
        assert completed("%copilot why @by")[0] == ["@by_watched"]
        assert completed("%copilot why watched.")[0] == []
        assert "print" in completed("pri")[0]
    assert kernel.value("watched.touched") == []

    kernel.run("%copilot").check()
    kernel.run("from copilot_widget.notebook.router import router").check()
    reply = kernel.value(
        "(lambda r: r.dispatch({'id': 'p-1', 'page': 'p', 'n': 1, 'widget': list(r._handlers)[-1],"
        " 'command': 'complete', 'text': 'why @d', 'cursor': 6}))(router(get_ipython().kernel))"
    )
    assert reply["ok"], reply
    assert reply["result"]["items"][0] == {
        "text": "@df", "start": 4, "end": 6, "kind": "variable", "detail": "DataFrame · 1 × 2: price, two words"
    }  # fmt: skip
