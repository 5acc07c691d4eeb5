"""A namespace with the notebook's tools, without a kernel: for the demo model's tests.

What the tools tell is made by the notebook's own functions. `ask` plays the agent: it runs the calls of each answer
for real and asks again until there are none.
"""

from __future__ import annotations

import ast
import contextlib
import io
import json
import linecache
from typing import Any

from copilot_widget.errors import ToolError
from copilot_widget.models.base import (
    AssistantMessage,
    Call,
    Model,
    ModelMessage,
    ModelRequest,
    Text,
    TextDelta,
    ToolCall,
    ToolMessage,
    ToolSchema,
    UserMessage,
)
from copilot_widget.notebook.describe import describe, list_variables
from copilot_widget.notebook.failure import describe_exception
from copilot_widget.tools.result import to_output


def schema(name: str, description: str, /, **properties: Any) -> ToolSchema:
    required = [key for key, value in properties.items() if "default" not in value]
    return ToolSchema(name, description, {"type": "object", "properties": properties, "required": required})


SCHEMAS = (
    schema("list_variables", "List the user's variables."),
    schema("inspect_variable", "Look at one variable.", name={"type": "string"}),
    schema("last_error", "The last error."),
    schema("run_code", "Run Python code.", code={"type": "string"}),
)


class Notebook:
    """`namespace` is the user's; `deny` denies run_code; `tools` are functions of the user with their schemas."""

    def __init__(self, namespace: dict[str, Any], *, deny: bool = False, tools: dict[str, Any] | None = None) -> None:
        self.namespace = namespace
        self.deny = deny
        self.functions = {name: function for name, (_, function) in (tools or {}).items()}
        self.schemas = (*SCHEMAS, *(tool for tool, _ in (tools or {}).values()))
        self.error: dict[str, Any] = {"error": None}
        self.messages: list[ModelMessage] = []
        self.calls: list[tuple[str, Any]] = []

    async def ask(self, model: Model, question: str, *, context: dict[str, str] | None = None) -> str:
        """The text of the last answer."""
        blocks = [Text(question), *(Text(f"[{name}]\n{text}") for name, text in (context or {}).items())]
        self.messages.append(UserMessage(tuple(blocks)))
        for _ in range(15):
            content: list[Any] = []
            text = ""
            async for event in model.stream(ModelRequest(tuple(self.messages), tools=self.schemas)):
                if isinstance(event, TextDelta):
                    text += event.delta
                elif isinstance(event, ToolCall):
                    content.append(Call(event.call_id, event.tool, json.loads(event.input)))
            self.messages.append(AssistantMessage((*([Text(text)] if text else []), *content)))
            if not content:
                return text
            self.messages += [self.run(call) for call in content]
        raise AssertionError("it never ends")

    def run(self, call: Call) -> ToolMessage:
        self.calls.append((call.tool, call.input))
        try:
            if call.tool in self.functions:
                result = self.functions[call.tool](**call.input)
            else:
                result = getattr(self, call.tool)(**call.input)
        except ToolError as error:
            return ToolMessage(call.call_id, call.tool, str(error), is_error=True)
        except PermissionError:
            return ToolMessage(call.call_id, call.tool, "The user denied this call.", is_error=True)
        except Exception as error:
            return ToolMessage(call.call_id, call.tool, f"{type(error).__name__}: {error}", is_error=True)
        text = result if isinstance(result, str) else json.dumps(result, default=str)
        return ToolMessage(call.call_id, call.tool, text)

    def list_variables(self) -> Any:
        return list_variables(self.namespace, {})

    def inspect_variable(self, name: str) -> Any:
        return describe(name, self.namespace[name])

    def last_error(self) -> dict[str, Any]:
        return self.error

    def run_code(self, code: str) -> dict[str, Any]:
        if self.deny:
            raise PermissionError
        out = io.StringIO()
        tree = ast.parse(code)
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        answer: dict[str, Any] = {}
        try:
            with contextlib.redirect_stdout(out):
                exec(compile(tree, "<code>", "exec"), self.namespace)
                if isinstance(last, ast.Expr):
                    result = eval(compile(ast.Expression(last.value), "<code>", "eval"), self.namespace)
                    if result is not None:
                        answer["result"] = to_output(result)[0]
        except Exception as error:
            failure = describe_exception(error)
            told = f"{failure.type}: {failure.message}\n\n{failure.traceback}"
            raise ToolError(f"{told}\n\nIt printed:\n{out.getvalue()}" if out.getvalue() else told) from None
        if out.getvalue():
            answer["stdout"] = out.getvalue()
        return answer

    def fail(self, code: str) -> None:
        """Run code that raises, and keep its error as the notebook would."""
        file = f"<ipython-input-{len(linecache.cache)}>"
        linecache.cache[file] = (len(code), None, code.splitlines(keepends=True), file)
        try:
            exec(compile(code, file, "exec"), self.namespace)
        except Exception as error:
            failure = describe_exception(error)
            self.error = {"type": failure.type, "message": failure.message, "traceback": failure.traceback}
            self.error |= {"line": failure.line, "code": failure.code}
            return
        raise AssertionError("it did not fail")
