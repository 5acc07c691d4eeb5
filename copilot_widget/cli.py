"""`copilot-widget`: a whole run without a notebook."""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

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
    arguments, rest = _parser().parse_known_args(argv)
    if rest:
        arguments.parser.error(_surplus(arguments, rest))
    try:
        return int(arguments.handler(arguments))
    except UsageError as error:
        _say(f"copilot-widget: {error}")
        return _USAGE
    except CopilotError as error:
        _say(f"copilot-widget: {error}")
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
    ask.add_argument("--executor", help="where the run is executed: kernel, process, or amqp://host")
    ask.set_defaults(handler=_ask, parser=ask)
    worker = commands.add_parser("worker", help="execute runs that others ask for")
    worker.add_argument("--amqp", help="address of RabbitMQ (COPILOT_AMQP; credentials belong there, not here)")
    worker.add_argument("--redis", help="address of Redis (COPILOT_REDIS)")
    worker.add_argument("--workers", type=int, help="runs at once (COPILOT_WORKERS, default 5)")
    worker.add_argument("--host", help="where health and metrics are served (COPILOT_WORKER_HOST, default 127.0.0.1)")
    worker.add_argument("--port", type=int, help="and on which port (COPILOT_WORKER_PORT, default 8008; 0: any)")
    worker.add_argument("--app", help="module:copilot, whose tools its runs have (COPILOT_APP)")
    worker.add_argument("--name", help="what it is called in lists of runs (default: made up)")
    worker.add_argument("--lease", type=float, default=5.0, help="seconds after which a silent worker counts as dead")
    worker.add_argument("--grace", type=float, default=30.0, help="seconds that steps get to end after SIGTERM")
    worker.add_argument("--owner-limit", type=int, help="runs of one owner at once (COPILOT_OWNER_LIMIT; default: any)")
    worker.add_argument("--keep", type=int, help="hours that a log is kept after its end (COPILOT_KEEP, default 24)")
    worker.add_argument("--pool", help=argparse.SUPPRESS)
    worker.set_defaults(handler=_worker, parser=worker)
    serve = commands.add_parser("serve", help="serve runs over HTTP, to any AI SDK client")
    serve.add_argument("--host", help="COPILOT_SERVE_HOST, default 127.0.0.1; others need a token")
    serve.add_argument("--port", type=int, help="COPILOT_SERVE_PORT, default 8000; 0: any that is free")
    serve.add_argument("--app", help="module:copilot, whose options, and here also tools, runs have (COPILOT_APP)")
    serve.add_argument("--executor", help="kernel (this process), process, or amqp://host (COPILOT_EXECUTOR)")
    serve.add_argument("--allow-origin", action="append", default=[], help="a page that may ask; can be repeated")
    serve.add_argument(
        "--allow-model", action="append", default=[], help="a model that clients may name, or openai/*; can be repeated"
    )
    serve.set_defaults(handler=_serve, parser=serve)
    return parser


def _surplus(arguments: argparse.Namespace, rest: Sequence[str]) -> str:
    """What is wrong with arguments that no command takes: most often they are the rest of a question."""
    words = [word for word in rest if not word.startswith("-")]
    if not words or "prompt" not in arguments:
        return f"unrecognized arguments: {' '.join(rest)}"
    question = shlex.quote(" ".join([arguments.prompt, *words]))
    return f"the question is one argument, put it in quotes: copilot-widget ask {question}"


def _ask(arguments: argparse.Namespace) -> int:
    from .copilot import Copilot

    prompt = sys.stdin.read() if arguments.prompt == "-" else arguments.prompt
    if not prompt.strip():
        where = "on standard input" if arguments.prompt == "-" else "in the arguments"
        raise UsageError(f"There is no question {where}.", hint="Write it in quotes: copilot-widget ask 'why …'.")
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
        _say(f"copilot-widget: {run.error}")
        return _USAGE if run.error.code == UsageError.code else _FAILED
    return _STOPPED if run.status == "stopped" else 0


def _worker(arguments: argparse.Namespace) -> int:
    from .serving.worker import WorkerOptions, run_worker

    environment = os.environ
    options = WorkerOptions(
        amqp=arguments.amqp or environment.get("COPILOT_AMQP", ""),
        redis=arguments.redis or environment.get("COPILOT_REDIS", ""),
        pool=Path(arguments.pool) if arguments.pool else None,
        slots=_number(arguments.workers, "COPILOT_WORKERS", 5, at_least=1),
        owner_limit=_number(arguments.owner_limit, "COPILOT_OWNER_LIMIT", 0) or None,
        host=arguments.host or environment.get("COPILOT_WORKER_HOST") or "127.0.0.1",
        port=None if arguments.pool else _number(arguments.port, "COPILOT_WORKER_PORT", 8008),
        app=arguments.app or environment.get("COPILOT_APP"),
        name=arguments.name or "",
        lease=arguments.lease,
        grace=arguments.grace,
        keep=_kept(arguments.keep),
    )
    return run_worker(options)


def _serve(arguments: argparse.Namespace) -> int:
    from .serving.ports import needs

    needs("uvicorn", "serve")
    needs("starlette", "serve")
    from .serving.serve import ServeOptions, read_tokens, run_serve

    environment = os.environ
    origins = [*arguments.allow_origin, *filter(None, environment.get("COPILOT_ALLOW_ORIGIN", "").split(","))]
    models = [*arguments.allow_model, *filter(None, environment.get("COPILOT_ALLOW_MODEL", "").split(","))]
    options = ServeOptions(
        host=arguments.host or environment.get("COPILOT_SERVE_HOST") or "127.0.0.1",
        port=_number(arguments.port, "COPILOT_SERVE_PORT", 8000),
        app=arguments.app or environment.get("COPILOT_APP"),
        executor=arguments.executor
        or environment.get("COPILOT_EXECUTOR")
        or environment.get("COPILOT_AMQP")
        or "kernel",
        origins=tuple(origins),
        models=tuple(models),
        tokens=read_tokens(),
        service_token=environment.get("COPILOT_SERVICE_TOKEN", ""),
        keep=_kept(None),
    )
    return run_serve(options)


def _kept(argument: int | None) -> float:
    """Seconds, of hours that are given. Raises UsageError."""
    return 3600.0 * _number(argument, "COPILOT_KEEP", 24)


def _number(argument: int | None, variable: str, default: int, *, at_least: int = 0) -> int:
    """An option that a variable may set. Raises UsageError."""
    text = str(argument) if argument is not None else os.environ.get(variable) or str(default)
    try:
        number = int(text)
    except ValueError:
        number = at_least - 1
    if number < at_least:
        raise UsageError(f"{variable} is {text!r}.", hint=f"It must be a whole number from {at_least} on.")
    return number


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
            print(_shown(chunk["delta"], sys.stdout), end="")
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
        _say(f"· {chunk['toolName']}")
    elif kind in ("tool-output-error", "tool-input-error"):
        _say(f"· {chunk['errorText']}")
    elif kind == "tool-output-denied":
        _say("· denied: nobody can be asked here; --approvals auto allows it")
    elif kind == "data-notice":
        _say(f"· {chunk['data']['text']}")


def _say(text: str) -> None:
    print(_shown(text, sys.stderr), file=sys.stderr, flush=True)


_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def _shown(text: str, stream: TextIO) -> str:
    """`text` for a terminal, which obeys control characters: it could be made to hide text, or to fill the clipboard.

    Who reads from a pipe gets what was said.
    """
    if not stream.isatty():
        return text
    return _CONTROL.sub(lambda found: f"\\x{ord(found.group()):02x}", text.replace("\r\n", "\n"))
