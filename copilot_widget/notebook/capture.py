"""Run code in the user's namespace and keep what it prints, displays, returns and raises.

IPython's own `capture_output` swaps process-wide streams, and held across an `await` it breaks the next cell. Here a
ContextVar says whose output it is: a tee in stdout and stderr and a hook on the display publisher look at it, so
that other threads and cells go on writing where they did.
"""

from __future__ import annotations

import ast
import contextlib
import inspect
import io
import sys
import threading
from collections.abc import Callable, Generator, Iterable
from contextvars import ContextVar
from typing import Any, cast

from ..tools.base import MimeBundle
from ..tools.result import bound_bundle
from ..tools.running import size_of
from .failure import Failure, describe_exception
from .stream import Stream

_MAX_DISPLAYS = 20

_sink: ContextVar[Capture | None] = ContextVar("copilot_widget_capture", default=None)


class Capture:
    """What one piece of code put out so far; read it from any thread while the code runs."""

    def __init__(self) -> None:
        self.stdout = Stream()
        self.stderr = Stream()
        self.displays: list[MimeBundle] = []
        self.left_out = 0
        """Displays that came after those that are kept."""
        self.displayed_size = 0
        """Characters of all that was displayed, also of what was replaced since."""
        self.on_display: Callable[[], None] = lambda: None
        """Called when `displays` has changed, in the thread of whoever displays."""
        self._ids: dict[str, int] = {}
        self._changes = 0
        self._clear_next = False
        self.has_result = False
        self.result: Any = None
        self.failure: Failure | None = None
        self.drew_figures = False
        """The inline backend's figures were among the displays."""

    @property
    def size(self) -> int:
        """Grows with every output; a reader compares it to know whether there is something new."""
        return self.stdout.length + self.stderr.length + self._changes

    def on_message(self, message: dict[str, Any]) -> None:
        """A display_data, update_display_data or clear_output message of the kernel protocol."""
        content = message["content"]
        kind = message.get("header", {}).get("msg_type") or message.get("msg_type")
        if kind == "clear_output":
            self._clear_next = bool(content.get("wait"))
            if not self._clear_next:
                self.clear()
            return
        self.display(content["data"], content.get("transient") or {}, update=kind == "update_display_data")

    def display(self, data: MimeBundle, transient: dict[str, Any], *, update: bool = False) -> None:
        if self._clear_next:
            self._empty()
        bundle = bound_bundle(data)
        name = transient.get("display_id")
        if update and name in self._ids:
            self.displays[self._ids[name]] = bundle
        elif len(self.displays) < _MAX_DISPLAYS:
            if name:
                self._ids[name] = len(self.displays)
            self.displays.append(bundle)
        else:
            self.left_out += 1
            return
        self.displayed_size += size_of([bundle])
        self._changes += 1
        self.on_display()

    @property
    def words_left_out(self) -> str:
        """How many displays are not kept; "" where all are."""
        if not self.left_out:
            return ""
        return f"… {self.left_out:,} more of {self.left_out + len(self.displays):,} displays, which are not kept"

    def displayed(self) -> list[MimeBundle]:
        """What was displayed; the last one says how much is left out."""
        return [*self.displays, *([{"text/plain": self.words_left_out}] if self.left_out else [])]

    def clear(self) -> None:
        self._empty()
        self.on_display()

    def _empty(self) -> None:
        self._clear_next = False
        self._changes += 1 + self.stdout.length + self.stderr.length
        self.displays, self._ids, self.left_out = [], {}, 0
        self.stdout, self.stderr = Stream(), Stream()

    # ---- as tools/running.Captured ---------------------------------------------------------------------

    @property
    def text(self) -> str:
        """What was printed, on both streams."""
        return self.stdout.text() + self.stderr.text()


class ToolCapture(Capture):
    """The output of one call of a tool, which may run in any thread."""

    def __init__(self, shell: Any) -> None:
        super().__init__()
        self._shell = shell

    def active(self) -> contextlib.AbstractContextManager[None]:
        return capturing(self._shell, self)


@contextlib.contextmanager
def capturing(shell: Any, capture: Capture) -> Generator[None, None, None]:
    """Within, and in contexts copied within, printed text and displays go to `capture`; on any thread."""
    _tee()
    token = _sink.set(capture)
    try:
        with _displays_to_sink(shell):
            yield
    finally:
        _sink.reset(token)


class _Tee:
    """Stands before a stream: text of a capturing context goes to its Capture, all else to the stream."""

    def __init__(self, stream: Any, name: str) -> None:
        self.stream = stream
        self._name = name

    @property
    def __class__(self) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        return cast("Any", type(self.stream))  # ipykernel and others look whether stdout is a stream of their own

    def write(self, text: str, /) -> Any:
        sink = _sink.get()
        if sink is None:
            return self.stream.write(text)
        return _put(sink, self._name, text)

    def writelines(self, lines: Iterable[str], /) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


def _put(sink: Capture, name: str, text: str) -> int:
    (sink.stdout if name == "stdout" else sink.stderr).write(text)
    return len(text)


def _tee() -> None:
    """Put a tee before stdout and stderr, to stay.

    It stays since calls begin and end in many threads, and IPython, too, replaces `write` of the stream for each cell
    and puts back what it found: a tee in place of the stream is not touched by that.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if type(stream) is not _Tee:
            setattr(sys, name, _Tee(stream, name))


@contextlib.contextmanager
def _loggers_to_sink() -> Generator[None, None, None]:
    """Loggers made earlier write to the stream itself. On the main thread, between cells or nested in one."""
    with contextlib.ExitStack() as stack:
        for name in ("stdout", "stderr"):
            stack.enter_context(_written_to_sink(getattr(sys, name).stream, name))
        yield


@contextlib.contextmanager
def _written_to_sink(stream: Any, name: str) -> Generator[None, None, None]:
    before: Any = getattr(stream, "__dict__", {}).get("write")
    original: Callable[[str], Any] = stream.write

    def write(text: str, /) -> Any:
        sink = _sink.get()
        return original(text) if sink is None else _put(sink, name, text)

    stream.write = write
    try:
        yield
    finally:
        if before is not None:
            stream.write = before
        else:
            del stream.write


@contextlib.contextmanager
def _displays_to_sink(shell: Any) -> Generator[None, None, None]:
    publisher: Any = getattr(shell, "display_pub", None)
    if hasattr(publisher, "register_hook"):  # ipykernel's

        def hook(message: dict[str, Any]) -> dict[str, Any] | None:
            sink = _sink.get()
            if sink is None:
                return message
            sink.on_message(message)
            return None

        publisher.register_hook(hook)
        try:
            yield
        finally:
            publisher.unregister_hook(hook)
    elif publisher is not None and threading.current_thread() is threading.main_thread():  # a terminal's
        original = publisher.publish

        def publish(data: MimeBundle, *args: Any, update: bool = False, **kwargs: Any) -> None:
            sink = _sink.get()
            if sink is None:
                original(data, *args, update=update, **kwargs)
            else:
                sink.display(data, kwargs.get("transient") or {}, update=update)

        publisher.publish = publish
        try:
            yield
        finally:
            publisher.publish = original
    else:
        yield


@contextlib.contextmanager
def _payload_kept(shell: Any, capture: Capture) -> Generator[None, None, None]:
    """`obj?`, set_next_input and exit() leave payloads that the user's next cell would deliver; take them back."""
    manager = getattr(shell, "payload_manager", None)
    before = list(manager.read_payload()) if manager is not None else []
    try:
        yield
    finally:
        if manager is not None:
            for payload in manager.read_payload()[len(before) :]:
                if payload.get("source") == "page":
                    capture.stdout.write(str(payload.get("data", {}).get("text/plain", "")) + "\n")
                elif payload.get("source") == "set_next_input":
                    capture.stdout.write(str(payload.get("text", "")) + "\n")
            manager.clear_payload()
            for payload in before:
                manager.write_payload(payload, single=False)


@contextlib.contextmanager
def _exit_refused(shell: Any) -> Generator[None, None, None]:
    """`exit()` would stop the kernel's loop a moment later."""

    def ask_exit() -> None:
        raise SystemExit("exit() was called; the kernel goes on")

    if not hasattr(shell, "ask_exit"):
        yield
        return
    shell.ask_exit = ask_exit
    try:
        yield
    finally:
        del shell.ask_exit


@contextlib.contextmanager
def _users_code(shell: Any, capture: Capture) -> Generator[None, None, None]:
    """`capturing`, for code that may do all that a cell may; on the main thread."""
    with capturing(shell, capture), _loggers_to_sink(), _payload_kept(shell, capture), _exit_refused(shell):
        yield


# ---- running -------------------------------------------------------------------------------------------


def execute(shell: Any, code: str, capture: Capture) -> Any:
    """Run `code` as a cell would be, without its history; what comes out is in `capture`.

    Call it on the main thread. Returns None, or a coroutine to await where the code awaits at top level.
    Never raises what the code raises: that is `capture.failure`.
    """
    try:
        with _users_code(shell, capture):
            pieces = _compile(shell, code)
    except BaseException as error:
        capture.failure = describe_exception(error, shell)
        capture.failure.frames = []
        return None
    if any(inspect.CO_COROUTINE & piece.co_flags for piece, _ in pieces):
        return _run_async(shell, pieces, capture)
    with _whole(shell, capture):
        for piece, is_result in pieces:
            _keep(capture, eval(piece, shell.user_global_ns, shell.user_ns), is_result)
    return None


async def _run_async(shell: Any, pieces: list[tuple[Any, bool]], capture: Capture) -> None:
    with _whole(shell, capture):
        for piece, is_result in pieces:
            value = eval(piece, shell.user_global_ns, shell.user_ns)
            _keep(capture, await value if inspect.iscoroutine(value) and piece.co_flags & 128 else value, is_result)


@contextlib.contextmanager
def _whole(shell: Any, capture: Capture) -> Generator[None, None, None]:
    """Around all pieces: capture, IPython's builtins, figures drawn, and errors kept."""
    with _users_code(shell, capture), getattr(shell, "builtin_trap", contextlib.nullcontext()):
        try:
            yield
        except BaseException as error:
            capture.failure = describe_exception(error, shell)
            capture.failure.frames = []
        with contextlib.suppress(Exception):
            shown = len(capture.displays)
            _flush_figures()
            capture.drew_figures = len(capture.displays) > shown


def _keep(capture: Capture, value: Any, is_result: bool) -> None:
    if is_result and value is not None:
        capture.has_result, capture.result = True, value


def _compile(shell: Any, code: str) -> list[tuple[Any, bool]]:
    """Code objects in order; True marks the one whose value is the result (the last expression without a `;`)."""
    cell = shell.transform_cell(code)
    compiler = shell.compile
    # The name is made of the raw code: it must not be that of a user's cell with the same text.
    name = compiler.cache(cell, shell.execution_count, raw_code=f"# copilot\n{code}")
    getattr(compiler, "_filename_map", {})[name] = "copilot"  # tracebacks must not take it for the user's cell
    with compiler.extra_flags(ast.PyCF_ALLOW_TOP_LEVEL_AWAIT):
        module = shell.transform_ast(compiler.ast_parse(cell, filename=name))
        body: list[ast.stmt] = module.body
        last = body.pop() if body and isinstance(body[-1], ast.Expr) and not _is_quiet(cell) else None
        pieces: list[tuple[Any, bool]] = []
        if body:
            pieces.append((compiler(ast.Module(body, []), name, "exec"), False))
        if isinstance(last, ast.Expr):
            pieces.append((compiler(ast.Expression(last.value), name, "eval"), True))
    return pieces


def _is_quiet(cell: str) -> bool:
    """Whether the cell ends in `;`, which means: don't show the value."""
    import tokenize

    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(cell).readline))
    except (tokenize.TokenError, SyntaxError):
        return False
    blank = (tokenize.ENDMARKER, tokenize.NEWLINE, tokenize.NL, tokenize.COMMENT, tokenize.DEDENT)
    significant = [t for t in tokens if t.type not in blank]
    return bool(significant) and significant[-1].string == ";"


def _flush_figures() -> None:
    """Send the inline backend's open figures now; by itself it would do so at the end of the user's next cell."""
    if "matplotlib.pyplot" not in sys.modules:
        return
    inline = sys.modules.get("matplotlib_inline.backend_inline")
    flush: Callable[[], None] | None = getattr(inline, "flush_figures", None)
    if flush is not None:
        flush()


__all__ = ["Capture", "ToolCapture", "capturing", "execute"]
