"""Which model is taken: by its name, by keys, by servers that answer, or the demo; and what wrong names are told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from copilot_widget.agents import Agents
from copilot_widget.errors import ModelError, UsageError
from copilot_widget.models import probe
from copilot_widget.models.base import Model
from copilot_widget.models.callable import CallableModel
from copilot_widget.models.demo import DemoModel
from copilot_widget.models.detect import ask_first, available, resolve, resolve_now
from copilot_widget.models.dotenv import environment, read_dotenv
from copilot_widget.models.litellm import LiteLLMModel
from copilot_widget.models.names import normalise
from copilot_widget.models.providers import CLOUD, as_url, catalogue
from copilot_widget.models.refusals import Source
from copilot_widget.models.script import ScriptModel
from copilot_widget.protocol.messages import UIMessage
from copilot_widget.state import RunRequest
from tests.ports import free_port
from tests.wire_server import WireServer, wire_server

NOWHERE = dict.fromkeys(
    (
        "OLLAMA_HOST",
        "LM_STUDIO_API_BASE",
        "LLAMACPP_API_BASE",
        "HOSTED_VLLM_API_BASE",
        "JAN_API_BASE",
        "DOCKER_MODEL_RUNNER_API_BASE",
    ),
    "http://127.0.0.1:9",
)
"""No local server answers, whatever runs on the developer's machine."""


@pytest.fixture
def server() -> Iterator[WireServer]:
    with wire_server() as running:
        yield running


# ---- names -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("openai/gpt-5", "openai/gpt-5"),
        ("openai:gpt-5", "openai/gpt-5"),
        (" OpenAI/gpt-5 ", "openai/gpt-5"),
        ("ollama:llama3.2:3b", "ollama/llama3.2:3b"),
        ("ollama_chat/llama3.2", "ollama/llama3.2"),
        ("openrouter/meta-llama/llama-4", "openrouter/meta-llama/llama-4"),
        ("gpt-4o", "openai/gpt-4o"),
        ("claude-sonnet-5-5", "anthropic/claude-sonnet-5-5"),
        ("google/gemini-flash-latest", "gemini/gemini-flash-latest"),
    ],
)
def test_a_name_is_understood_as_people_write_it(written: str, meant: str):
    assert normalise(written) == meant


def test_a_server_of_ones_own_may_have_any_names():
    assert normalise("my-model", api_base="http://127.0.0.1:1/v1") == "openai/my-model"
    assert normalise("org/my-model", api_base="http://127.0.0.1:1/v1") == "openai/org/my-model"


@pytest.mark.parametrize(
    ("name", "next_step"),
    [
        ("gpt5", "Did you mean openai/gpt-5"),
        ("claude-sonet-5-5", "anthropic/claude-sonnet-5-5"),
        ("opneai/gpt-5", "Did you mean openai/gpt-5?"),
        ("foo/bar", "Write provider/model, for example"),
        ("openai", "Write openai/"),
        ("anthropic/", "Write anthropic/claude"),
        ("what is this", "Write provider/model, for example"),
        ("script:/nonexistent.json", "path of a file that exists"),
        ("replay:", "path of a file that exists"),
        (5, '"provider/model", "demo"'),
        (DemoModel, '"provider/model", "demo"'),
    ],
)
async def test_a_wrong_name_gets_one_sentence_and_a_next_step(name: Any, next_step: str):
    if name is DemoModel:
        name = object()
    with pytest.raises(UsageError) as caught:
        await resolve(name, env={})
    assert "\n" not in str(caught.value)
    assert next_step in caught.value.hint


# ---- what is taken -------------------------------------------------------------------------------------------


def found(env: dict[str, str], **arguments: Any) -> Model:
    return resolve_now(env={**NOWHERE, **env}, **arguments)


def test_the_argument_goes_before_everything():
    model = found({"COPILOT_MODEL": "openai/gpt-5", "ANTHROPIC_API_KEY": "sk-x"}, model="demo")
    assert isinstance(model, DemoModel)
    assert model.info.extra["found_by"] == "argument"


def test_then_the_environments_choice_then_the_saved_one():
    model = found({"COPILOT_MODEL": "openai/gpt-5"}, saved="anthropic/claude-sonnet-5-5")
    assert (model.info.name, model.info.reason) == ("openai/gpt-5", "COPILOT_MODEL names it")
    model = found({"OPENAI_API_KEY": "sk-x"}, saved="anthropic/claude-sonnet-5-5")
    assert (model.info.name, model.info.extra["found_by"]) == ("anthropic/claude-sonnet-5-5", "saved")


def test_a_key_alone_is_a_reason_to_ask_first():
    model = found({"OPENAI_API_KEY": "sk-x"})
    assert isinstance(model, LiteLLMModel)
    assert model.info.name.startswith("openai/")
    assert model.info.reason == "OPENAI_API_KEY is set"
    assert model.info.extra["found_by"] == "key"
    assert ask_first(model) == "OpenAI"
    assert ask_first(found({}, model="openai/gpt-5")) == ""


def test_an_empty_key_is_none():
    assert isinstance(found({"OPENAI_API_KEY": " "}), DemoModel)


def test_the_info_never_holds_a_key():
    model = found({"OPENAI_API_KEY": "sk-secret-secret"})
    assert "secret" not in repr(model.info)


@pytest.mark.parametrize("provider", [p for p in CLOUD if p.default], ids=lambda p: p.name)
def test_the_default_of_each_provider_is_a_model_that_litellm_knows_with_its_price(provider: Any):
    if provider.name == "openrouter":
        return  # its router is no model of its own, and tells its price with the answer
    entry = catalogue().entry(f"{provider.name}/{provider.default}")
    assert entry is not None
    assert entry["mode"] == "chat"
    assert entry["input_cost_per_token"] > 0


@pytest.mark.parametrize(
    ("variable", "listing", "name"),
    [
        ("OLLAMA_HOST", {"models": [{"name": "nomic-embed-text"}, {"name": "llama3.2:3b"}]}, "ollama/llama3.2:3b"),
        ("LM_STUDIO_API_BASE", {"data": [{"id": "qwen3"}]}, "lm_studio/qwen3"),
        ("LLAMACPP_API_BASE", {"data": [{"id": "smollm2"}]}, "llamacpp/smollm2"),
    ],
)
def test_a_local_server_that_answers_is_taken(server: WireServer, variable: str, listing: Any, name: str):
    server.models = listing
    model = found({variable: server.address})
    assert model.info.name == name
    assert server.address in model.info.reason
    assert model.info.extra["found_by"] == "local"
    assert model.info.priced is True
    assert ask_first(model) == ""


@pytest.mark.parametrize("answer", [{"data": []}, {"data": [{"id": "text-embedding-3"}]}, [], "hello", {"data": "x"}])
def test_what_lists_no_chat_model_is_no_model_server(server: WireServer, answer: Any):
    server.models = answer
    assert isinstance(found({"LM_STUDIO_API_BASE": server.address}), DemoModel)


def test_a_server_that_never_answers_does_not_hold_anybody():
    import socket

    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        servers = probe.probe_local({**NOWHERE, "OLLAMA_HOST": f"127.0.0.1:{silent.getsockname()[1]}"}, timeout=0.05)
    assert servers == []


def test_keys_go_before_local_servers(server: WireServer):
    server.models = {"data": [{"id": "qwen3"}]}
    assert found({"LM_STUDIO_API_BASE": server.address, "GEMINI_API_KEY": "x"}).info.name.startswith("gemini/")


@pytest.mark.parametrize("variable", ["LITELLM_API_BASE", "OPENAI_BASE_URL"])
def test_a_server_that_the_environment_names_is_asked_for_its_models(server: WireServer, variable: str):
    server.models = {"data": [{"id": "house-model"}]}
    model = found({variable: server.address, "LITELLM_API_KEY": "k", "OPENAI_API_KEY": "k"})
    assert model.info.name.endswith("/house-model")
    assert variable in model.info.reason
    assert model.info.extra["found_by"] == "server"


def test_an_api_base_alone_takes_the_servers_first_model(server: WireServer):
    server.models = {"data": [{"id": "house-model"}]}
    assert found({}, api_base=server.address).info.name == "openai/house-model"


def test_an_api_base_where_nothing_answers_is_an_error():
    address = f"http://127.0.0.1:{free_port()}/v1"
    with pytest.raises(ModelError, match=f"No model server answers at {address}") as caught:
        found({"OPENAI_API_KEY": "sk-x"}, api_base=address)
    assert caught.value.code == "connection"


def test_with_nothing_at_hand_it_is_the_demo_and_it_says_why():
    model = found({})
    assert isinstance(model, DemoModel)
    assert model.info.badge == "demo: rules, no AI"
    assert "no API key" in model.info.reason
    assert "azure/DEPLOYMENT" in found({"AZURE_API_KEY": "x"}).info.reason
    assert "bedrock/MODEL" in found({"AWS_ACCESS_KEY_ID": "x"}).info.reason


async def test_functions_models_and_scripts_are_taken_as_they_are(tmp_path: Path):
    demo = DemoModel()
    assert await resolve(demo) is demo
    assert isinstance(await resolve(lambda request: "x"), CallableModel)
    path = tmp_path / "lesson.json"
    path.write_text('["hello"]')
    assert isinstance(await resolve(f"script:{path}"), ScriptModel)


def test_a_picker_lists_what_would_work(server: WireServer):
    server.models = {"data": [{"id": "a"}, {"id": "b"}]}
    names = available({**NOWHERE, "LM_STUDIO_API_BASE": server.address, "ANTHROPIC_API_KEY": "x"})
    assert names == ["anthropic/claude-sonnet-5-5", "lm_studio/a", "lm_studio/b", "demo"]


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("", ""),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        (":8000", "http://127.0.0.1:8000"),
        ("box:1234", "http://box:1234"),
        ("https://box", "https://box:443"),
        ("http://box:1/ollama/", "http://box:1/ollama"),
    ],
)
def test_ollamas_host_in_all_its_forms(host: str, address: str):
    assert as_url(host) == address


def test_finding_a_model_loads_no_model_library():
    code = (
        "import sys, json\n"
        "from copilot_widget.models.detect import resolve_now\n"
        "resolve_now('openai/gpt-5', env={}).info, resolve_now('demo').info\n"
        "print(json.dumps([n for n in ('litellm', 'openai', 'pandas', 'pydantic', 'httpx') if n in sys.modules]))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert json.loads(out) == []


# ---- the .env file of the working folder -------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, value in NOWHERE.items():
        monkeypatch.setenv(name, value)
    return tmp_path


def test_a_key_in_the_file_counts_and_does_not_get_into_the_environment(folder: Path):
    (folder / ".env").write_text("# mine\nexport ANTHROPIC_API_KEY='sk-ant-x'  # secret\nPATH=/evil\nOTHER=1\n")
    model = resolve_now()
    assert model.info.name.startswith("anthropic/")
    assert model.info.extra["found_by"] == "key"
    assert "ANTHROPIC_API_KEY" not in os.environ
    assert read_dotenv() == {"ANTHROPIC_API_KEY": "sk-ant-x"}


def test_an_address_in_the_file_never_gets_a_key_of_the_users(folder: Path, monkeypatch: pytest.MonkeyPatch):
    """A folder of somebody else's must not be able to send my key to his server."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-mine")
    for text in ("OPENAI_BASE_URL=http://evil/v1\n", "OPENAI_BASE_URL=http://evil/v1\nOPENAI_API_KEY=sk-his\n"):
        (folder / ".env").write_text(text)
        env = environment()
        assert env["OPENAI_API_KEY"] == "sk-mine"
        assert "OPENAI_BASE_URL" not in env


def test_an_address_in_the_file_goes_with_the_key_of_the_file_and_is_asked_about(folder: Path, server: WireServer):
    server.models = {"data": [{"id": "house-model"}]}
    (folder / ".env").write_text(f"OPENAI_BASE_URL={server.address}\nOPENAI_API_KEY=sk-x\n")
    model = resolve_now()
    assert model.info.name == "openai/house-model"
    assert model.info.extra["found_by"] == "key"


def test_a_model_in_the_file_is_taken_and_asked_about(folder: Path):
    (folder / ".env").write_text("COPILOT_MODEL=openai/gpt-5\nCOPILOT_API_BASE=http://evil\n")
    model = resolve_now()
    assert (model.info.name, model.info.extra["found_by"]) == ("openai/gpt-5", "key")
    assert read_dotenv() == {"COPILOT_MODEL": "openai/gpt-5"}


def test_a_file_of_nonsense_is_no_error(folder: Path):
    (folder / ".env").write_bytes(b"\xff\xfe=\n=x\n  \nOPENAI_API_KEY=\n")
    assert isinstance(resolve_now(), DemoModel)


@pytest.mark.parametrize("given", ["argument", "environment"])
def test_a_key_of_the_users_is_not_for_the_files_address(
    folder: Path, monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    (folder / ".env").write_text("OPENAI_API_KEY=sk-his\nOPENAI_BASE_URL=http://evil/v1\n")
    if given == "environment":
        monkeypatch.setenv("COPILOT_API_KEY", "sk-mine")
    source = source_of(resolve_now("openai/gpt-5", api_key="sk-mine" if given == "argument" else None))
    assert (source.api_key, source.api_base) == ("sk-mine", "")


@pytest.mark.parametrize(
    ("named", "owner", "key"),
    [
        ("anthropic/claude-sonnet-5-5", "anthropic/claude-haiku-4-5", "sk-mine"),
        ("claude-sonnet-5-5", "anthropic:claude-haiku-4-5", "sk-mine"),
        ("lm_studio/x", "anthropic/claude-sonnet-5-5", ""),
        ("openai/gpt-5", "anthropic/claude-sonnet-5-5", "sk-of-openai"),
        ("openai/gpt-5", "demo", "sk-of-openai"),
        ("openai/gpt-5", None, "sk-mine"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_a_key_is_for_the_provider_that_it_was_given_with(named: str, owner: str | None, key: str) -> None:
    env = {**NOWHERE, "OPENAI_API_KEY": "sk-of-openai"}
    assert source_of(resolve_now(named, api_key="sk-mine", env=env, key_model=owner)).api_key == key


def test_a_key_goes_with_the_address_that_was_given_beside_it() -> None:
    model = resolve_now("house-model", api_base="http://house/v1", api_key="sk-mine", env={}, key_model="anthropic/x")
    source = source_of(model)
    assert (source.api_base, source.api_key) == ("http://house/v1", "sk-mine")


async def test_a_run_with_another_provider_does_not_get_the_copilots_key() -> None:
    agents = Agents(model="anthropic/claude-sonnet-5-5", api_key="sk-mine")
    for name, key in (("lm_studio/x", ""), ("", "sk-mine"), ("anthropic/claude-haiku-4-5", "sk-mine")):
        request = RunRequest(run="r", thread="t", message=UIMessage("m", "user"), message_id="a", model=name)
        model = (await agents.here(request)).model
        assert source_of(model).api_key == key
    agents.choose("lm_studio/x")
    request = RunRequest(run="r", thread="t", message=UIMessage("m", "user"), message_id="a", model="")
    assert source_of((await agents.here(request)).model).api_key == ""


def test_a_pipe_in_place_of_the_file_keeps_nobody_waiting(folder: Path) -> None:
    os.mkfifo(folder / ".env")
    found: list[Any] = []
    reader = threading.Thread(target=lambda: found.append(read_dotenv()), daemon=True)
    reader.start()
    reader.join(20)
    assert found == [{}]


def source_of(model: Any) -> Source:
    """The address and the key that a model is asked with."""
    return model._source()
