"""`copilot-widget`: a whole run without a notebook."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from . import __version__
from .errors import CopilotError, UsageError

if TYPE_CHECKING:
    from .run import Run

_USAGE, _FAILED, _STOPPED = 2, 1, 130
_STOP_SECONDS = 5


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
    printer = _Printer(arguments.format)
    try:
        printer.print(run)
    except KeyboardInterrupt:
        run.stop()
        run.wait(_STOP_SECONDS)
        printer.print(run)  # up to the abort, so that who reads the stream sees its end
    if run.error is not None:
        print(f"copilot-widget: {run.error}", file=sys.stderr)
        return _USAGE if run.error.code == UsageError.code else _FAILED
    return _STOPPED if run.status == "stopped" else 0


class _Printer:
    """Writes a run's events to standard output; goes on where it was interrupted."""

    def __init__(self, how: str) -> None:
        self._write = {"text": self._text, "ndjson": self._ndjson, "sse": self._sse}[how]
        self._how = how
        self._cursor = 0
        self._open_line = False

    def print(self, run: Run) -> None:
        for event in run.events(self._cursor):
            self._cursor = event["seq"]
            self._write(event["chunk"])
            sys.stdout.flush()
        if self._how == "sse":
            print("data: [DONE]\n", flush=True)

    def _ndjson(self, chunk: dict[str, Any]) -> None:
        print(json.dumps(chunk, ensure_ascii=False))

    def _sse(self, chunk: dict[str, Any]) -> None:
        from .protocol.sse import to_sse
        from .protocol.wire import parse_chunk

        print(to_sse(parse_chunk(chunk)), end="")

    def _text(self, chunk: dict[str, Any]) -> None:
        if chunk["type"] == "text-delta":
            print(chunk["delta"], end="")
            self._open_line = True
        elif chunk["type"] == "text-end" and self._open_line:
            print("\n")
            self._open_line = False
        else:
            _tell(chunk)


def _tell(chunk: dict[str, Any]) -> None:
    """What happens beside the answer goes to standard error, so that the answer can be piped."""
    kind = chunk["type"]
    if kind == "tool-input-available":
        print(f"· {chunk['toolName']}", file=sys.stderr, flush=True)
    elif kind in ("tool-output-error", "tool-input-error"):
        print(f"· {chunk['errorText']}", file=sys.stderr, flush=True)
    elif kind == "tool-output-denied":
        print("· denied: nobody can be asked here; --approvals auto allows it", file=sys.stderr, flush=True)
    elif kind == "data-notice":
        print(f"· {chunk['data']['text']}", file=sys.stderr, flush=True)
