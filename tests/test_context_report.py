"""What the next question would send: the figures are those of the request that is really sent."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from IPython.core.interactiveshell import InteractiveShell

from copilot_widget import Copilot, load_ipython_extension, tool
from copilot_widget.errors import UsageError
from copilot_widget.models.base import ModelRequest, ToolCall
from copilot_widget.models.outgoing import to_messages, to_tools
from copilot_widget.models.usage import cut_to_tokens, estimate_prompt, estimate_tokens
from copilot_widget.notebook.context_report import context_report
from copilot_widget.tools.jsonable import cut

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def litellm() -> Any:
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    return importlib.import_module("litellm")


@pytest.fixture
def shell() -> Iterator[Any]:
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance()
    load_ipython_extension(shell)
    yield shell
    from copilot_widget import host
    from copilot_widget.notebook import magic

    host.install(host.PlainHost)
    magic._extension = None
    InteractiveShell.clear_instance()


@tool
def lookup(order_id: int, country: str = "Italy") -> dict[str, Any]:
    """Find an order by its number.

    Args:
        order_id: The number on the invoice.
        country: Where it was sold.
    """
    return {"order": order_id, "lines": [{"sku": f"A-{n}", "quantity": n, "price": n * 1.25} for n in range(40)]}


def test_the_figures_are_those_of_what_is_sent(shell: Any, litellm: Any) -> None:
    shell.user_ns["df"] = pd.DataFrame({"price": [n / 7 for n in range(500)], "city": ["Rome", "Oslo"] * 250})
    sent: list[ModelRequest] = []

    def model(request: ModelRequest) -> Any:
        sent.append(request)
        if len(sent) == 1:
            return [ToolCall("c1", "lookup", '{"order_id": 17}')]
        return "The order has forty lines; the dearest costs 48.75 dollars. " * 10

    copilot = Copilot(model=model, tools=[lookup], instructions="Answer like a pirate, in one sentence.")
    copilot.ask("Where is order 17?").wait(30)
    question = "Why is revenue falling in @df, and is it the same in 数据框 or 売上?"
    report = context_report(copilot, question)
    copilot.ask(question).wait(30)

    request = sent[-1]
    assert report.total == estimate_prompt(request)
    assert sum(row.tokens for row in report.rows if row.level == 0) == report.total
    counted = litellm.token_counter(
        model="gpt-4o", messages=to_messages(request, "openai/gpt-4o"), tools=to_tools(request.tools)
    )
    assert abs(report.total / counted - 1) < 0.15
    names = {row.name: row.tokens for row in report.rows}
    assert names["@df"] > 100
    assert names["history: 1 question and what followed"] > 500
    assert {"instructions", "built in", "this Copilot", "the question", "its text"} <= set(names)
    assert f"{len(request.tools)} tools" in names
    assert report.window is None
    assert "not known" in str(report)
    assert "| – @df |" in report._repr_markdown_()


def test_without_a_question_and_with_a_known_window(shell: Any) -> None:
    copilot = Copilot(model="openai/gpt-4o", root=False)
    report = context_report(copilot)
    assert report.window == 128_000
    assert report.headline.endswith("of the 128,000 that openai/gpt-4o takes.")
    assert [row.name for row in report.rows if row.level == 0] == [
        "instructions",
        f"{len(copilot.agents.toolset().tools()) - 1} tools",
    ]
    assert copilot.runs == []
    with pytest.raises(UsageError, match="@nothing is not a variable"):
        context_report(copilot, "why @nothing?")


def test_attachments_are_counted(shell: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n")
    report = context_report(Copilot(model="demo"), "what is this?", [path])
    assert [row.tokens for row in report.rows if row.name == "image a.png"] == [765]


# ---- the estimate ------------------------------------------------------------------------------------------

SAMPLES = {
    "prose": (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8"),
    "markdown": (ROOT / "README.md").read_text(encoding="utf-8"),
    "python": (ROOT / "copilot_widget/agent.py").read_text(encoding="utf-8"),
    "typescript": (ROOT / "js/src/store.ts").read_text(encoding="utf-8"),
    "digits": "".join(str(n * n) for n in range(1_000)),
    "table": pd.DataFrame({"n": range(200), "x": [n / 7 for n in range(200)]}).to_string(),
    "records": pd.DataFrame({"n": range(200), "x": [n / 7 for n in range(200)]}).to_json(orient="records"),
    "chinese": "数据科学家在笔记本中使用这个工具来分析收入下降的原因，并且检查数据框的缺失值。" * 20,
    "japanese": "このツールはノートブックのセルの中で動き、データフレームの欠損値を調べます。" * 20,
    "korean": "데이터 과학자는 노트북에서 이 도구를 사용하여 매출 감소의 원인을 분석합니다." * 20,
    "russian": "Почему выручка падает в таблице? Проверь пропущенные значения." * 20,
    "german": "Warum fällt der Umsatz in der Tabelle? Überprüfe bitte die fehlenden Werte." * 20,
}


@pytest.mark.parametrize("name", SAMPLES)
def test_the_estimate_is_within_20_percent_of_a_tokenizer(name: str, litellm: Any) -> None:
    text = SAMPLES[name]
    counted = len(litellm.encoding.encode(text, disallowed_special=()))
    assert abs(estimate_tokens(text) / counted - 1) < 0.2


def test_long_texts_are_estimated_from_parts() -> None:
    text = SAMPLES["prose"] * 40
    assert abs(estimate_tokens(text) / (estimate_tokens(SAMPLES["prose"]) * 40) - 1) < 0.1
    assert estimate_tokens("") == 0
    assert estimate_tokens("\ud83d lone") > 0


@pytest.mark.parametrize("name", ["prose", "digits", "chinese"])
def test_a_text_is_cut_to_tokens(name: str) -> None:
    result = cut_to_tokens(SAMPLES[name], 200, cut)
    assert 100 < estimate_tokens(result) <= 200
    assert "characters cut" in result
    assert cut_to_tokens("short", 200, cut) == "short"
