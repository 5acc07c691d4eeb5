"""`copilot-widget`: a whole run without a notebook."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

from . import __version__
from .errors import CopilotError, UsageError

if TYPE_CHECKING:
    from .run import Run

_USAGE, _FAILED, _STOPPED = 2, 1, 130


class _Parser(argparse.ArgumentParser):
    """One sentence for a wrong call, as everywhere else; argparse prints its usage lines as well."""

    def error(self, message: str) -> NoReturn:
        self.exit(_USAGE, f"{self.prog}: {message}. See {self.prog} --help.\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code: 0 done, 1 failed, 2 wrong usage, 130 stopped."""
    arguments = _parser().parse_args(argv)
    try:
        return int(arguments.handler(arguments))
    except UsageError as error:
        print(f"copilot-widget: {error}", file=sys.stderr)
        return _USAGE
    except CopilotError as error:
        print(f"copilot-widget: {error}", file=sys.stderr)
        return _FAILED
    except BrokenPipeError:
        sys.stderr.close()  # the reader is gone (`| head`): nothing is left to say, and nobody to say it to
        return _FAILED


def _parser() -> _Parser:
    parser = _Parser(prog="copilot-widget", description="A copilot for notebooks; here without one.")
    parser.add_argument("--version", action="version", version=f"copilot-widget {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=_Parser)
    ask = commands.add_parser("ask", help="ask one question; the answer goes to standard output")
    ask.add_argument("prompt", help="the question; - reads it from standard input")
    ask.add_argument("--model", "-m", help="provider/model, demo, script:FILE or replay:FILE")
    ask.add_argument("--format", choices=("text", "ndjson", "sse"), default="text", help="ndjson: one chunk a line")
    ask.add_argument("--max-steps", help="model requests the run may make (default 20)")
    ask.add_argument("--budget", help="'0.50 USD' or '20000 tokens'")
    ask.add_argument("--approvals", choices=("ask", "auto", "never"), help="ask denies here: there is nobody to ask")
    ask.add_argument("--executor", help="where the run is executed: kernel")
    ask.set_defaults(handler=_ask)
    return parser


def _ask(arguments: argparse.Namespace) -> int:
    from .copilot import Copilot

    prompt = sys.stdin.read() if arguments.prompt == "-" else arguments.prompt
    copilot = Copilot(
        arguments.model,
        approvals=arguments.approvals,
        max_steps=arguments.max_steps,
        budget=arguments.budget,
        executor=arguments.executor,
    )
    run = copilot.ask(prompt)
    try:
        _print(run, arguments.format)
    except KeyboardInterrupt:
        run.stop()
        run.wait(5)
    if run.error is not None:
        print(f"copilot-widget: {run.error}", file=sys.stderr)
        return _USAGE if run.error.code == UsageError.code else _FAILED
    return _STOPPED if run.status == "stopped" else 0


def _print(run: Run, how: str) -> None:
    import json

    from .protocol.sse import to_sse
    from .protocol.wire import parse_chunk

    open_line = False
    for event in run.events():
        chunk = event["chunk"]
        if how == "ndjson":
            print(json.dumps(chunk, ensure_ascii=False), flush=True)
        elif how == "sse":
            print(to_sse(parse_chunk(chunk)), end="", flush=True)
        elif chunk["type"] == "text-delta":
            print(chunk["delta"], end="", flush=True)
            open_line = True
        elif chunk["type"] == "text-end" and open_line:
            print("\n", flush=True)
            open_line = False
        else:
            _tell(chunk)
    if how == "sse":
        print("data: [DONE]\n", flush=True)


def _tell(chunk: dict[str, object]) -> None:
    """What happens beside the answer goes to standard error, so that the answer can be piped."""
    kind = chunk["type"]
    if kind == "tool-input-available":
        print(f"· {chunk['toolName']}", file=sys.stderr, flush=True)
    elif kind in ("tool-output-error", "tool-input-error"):
        print(f"· {chunk['errorText']}", file=sys.stderr, flush=True)
    elif kind == "tool-output-denied":
        print("· denied: nobody can be asked here; --approvals auto allows it", file=sys.stderr, flush=True)
    elif kind == "data-notice" and isinstance(chunk.get("data"), dict):
        print(f"· {chunk['data']['text']}", file=sys.stderr, flush=True)  # type: ignore[index]
