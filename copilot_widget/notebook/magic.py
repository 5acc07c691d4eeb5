"""%copilot and %%copilot."""

from __future__ import annotations

import logging
import tokenize
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .. import config, host
from ..errors import CopilotError, UsageError
from .failure import last_exception, set_aside
from .note import Note
from .options import MagicCall, expand, parse
from .reattach import listen
from .run_all import CellRequests
from .slash import Given, Here, find

if TYPE_CHECKING:
    from ..copilot import Copilot
    from ..run import Run
    from ..tools.base import Tool
    from .host import NotebookHost
    from .runs import Listed

_extension: Extension | None = None


class Extension:
    """What %load_ext brings into one shell."""

    def __init__(self, shell: Any) -> None:
        self.shell = shell
        self.copilots: dict[str, Copilot] = {}
        self.current = "default"
        self._requests = CellRequests(shell)
        self._failed: BaseException | None = last_exception()
        """What the user's code raised last; it keeps the variables of its frames alive, as sys.last_exc does."""
        self._host: NotebookHost | None = None

    @property
    def host(self) -> NotebookHost:
        if self._host is None:
            from .host import host_of

            self._host = host_of(self.shell)
        return self._host

    # ---- the magics ------------------------------------------------------------------------------------

    def line_magic(self, line: str) -> Run | None:
        """%copilot [options] prompt"""
        return self._run(line)

    def cell_magic(self, line: str, cell: str) -> Run | None:
        """%%copilot [options], and the prompt in the cell below (a prompt's beginning may stand on the first line)"""
        return self._run(f"{line}\n{cell}", is_cell=True)

    def _run(self, text: str, *, is_cell: bool = False) -> Run | None:
        call = parse(text)
        typed = call.prompt
        call.prompt = expand(typed, self._namespace())
        copilot = self._copilot(call)
        given = find(call.prompt)
        if given is not None:
            return self._command(copilot, call, given)
        if not typed:
            if is_cell:
                raise UsageError("There is no question in the cell.", hint="Write it below the line %%copilot.")
            self.host.show_panel(copilot)
            return None
        options = self._options(copilot, call)
        if (why := self._why_draft(call)) is not None:
            self._draft(copilot, call, options, why)
            return None
        return self._show(copilot.ask(call.prompt, **options), call)

    def _show(self, run: Run, call: MagicCall, notice: str | None = None) -> Run:
        self.host.show_run(run, notice)
        run.shown = True
        if call.wait:
            run.wait()
        return run

    def _command(self, copilot: Copilot, call: MagicCall, given: Given) -> Run | None:
        """%copilot /name …"""
        options = self._options(copilot, call)
        if given.command.asks and (why := self._why_draft(call)) is not None:
            self._draft(copilot, call, options, why)
            return None
        outcome = given.act(Here(copilot, self, options))
        if isinstance(outcome, Note):
            from IPython.display import display  # pyright: ignore[reportUnknownVariableType]

            display(outcome.bundle, raw=True)
            return None
        return self._show(outcome, call, self.notice_of(outcome))

    def _options(self, copilot: Copilot, call: MagicCall) -> dict[str, Any]:
        names = ("model", "max_steps", "budget", "approvals", "record", "executor")
        options = {name: call.values[name] for name in names if name in call.values}
        if "replay" in call.values:
            if "model" in options:
                raise UsageError("--replay answers in place of a model.", hint="Leave --model out.")
            options["model"] = f"replay:{call.values['replay']}"
        checked = ("max_steps", "budget", "approvals", "executor")
        copilot.options(**{name: options[name] for name in checked if name in options})
        return options

    def follow(self, row: Listed) -> Run:
        """A run of the list: our own, or one that was asked for elsewhere, in a Copilot of its conversation."""
        from ..copilot import Copilot, alive

        run = next((run for copilot in alive for run in copilot.runs if run.id == row.info.run), None)
        if run is None:
            thread = row.info.thread
            copilot = next((each for each in self.copilots.values() if each.thread == thread), None)
            if copilot is None:
                copilot = self.copilots[thread] = Copilot(thread=thread, executor=row.place or "process")
                copilot.offer(self._decorated)
            run = copilot.attach(row.info.run, executor=row.executor)
        self.current = next((name for name, each in self.copilots.items() if each is run.copilot), self.current)
        return run

    def notice_of(self, run: Run) -> str | None:
        """What somebody should know who looks at a run that was asked for elsewhere."""
        from ..agents import KERNEL
        from .runs import notice_of

        return notice_of(run.request, KERNEL, run.status)

    def renamed(self, copilot: Copilot) -> None:
        """It has begun a new conversation: a name that was given to the one before stays that one's."""
        for name, each in list(self.copilots.items()):
            if each is copilot and name != "default":
                self.copilots[copilot.thread] = self.copilots.pop(name)
                if self.current == name:
                    self.current = copilot.thread

    def resume(self, thread: str) -> Copilot:
        """The Copilot of a kept conversation; further questions are asked there."""
        from ..copilot import Copilot

        name, copilot = next(
            ((name, each) for name, each in self.copilots.items() if each.thread == thread), (thread, None)
        )
        if copilot is None:
            copilot = Copilot()
            copilot.resume(thread)
            if thread in self.copilots:  # one that goes on in a copy
                moved = self.copilots.pop(thread)
                self.copilots[moved.thread] = moved
            copilot.offer(self._decorated)
            self.copilots[name] = copilot
        self.current = name
        return copilot

    def load(self, path: str) -> Copilot:
        """The Copilot of a conversation in a file; further questions are asked there."""
        from ..copilot import Copilot

        copilot = Copilot.load(path)
        copilot.offer(self._decorated)
        self.copilots[copilot.thread] = copilot
        self.current = copilot.thread
        return copilot

    def _draft(self, copilot: Copilot, call: MagicCall, options: dict[str, Any], notice: str) -> None:
        from .display import show

        show(self.host, copilot, "turn", [], draft=call.prompt, notice=notice, options=options)

    def _copilot(self, call: MagicCall) -> Copilot:
        if call.new:
            import secrets

            self.current = f"new-{secrets.token_urlsafe(6)}"
        self.current = call.values.get("thread", self.current)
        if self.current not in self.copilots:
            from ..copilot import Copilot

            copilot = self.copilots[self.current] = Copilot(thread=call.values.get("thread"))
            copilot.offer(self._decorated)
        return self.copilots[self.current]

    def _decorated(self) -> list[Tool]:
        """The functions of the notebook that are decorated with @tool; a later one replaces its namesake."""
        from ..tools.function import FunctionTool
        from ..tools.kinds import is_a

        values: list[Any] = list(self.shell.user_ns.values())
        decorated: list[Any] = [value for value in values if is_a(value, FunctionTool)]
        return list({id(one): one for one in decorated}.values())

    def _namespace(self) -> Mapping[str, Any]:
        return {**self.shell.user_global_ns, **self.shell.user_ns}

    def post_run_cell(self, result: Any) -> None:
        """Keep a mistake in a %copilot line apart from the errors of the user's code."""
        self._requests.ends()
        error = result.error_before_exec or result.error_in_exec
        if error is None:
            return
        if isinstance(error, CopilotError) and "%copilot" in (result.info.raw_cell or ""):
            set_aside(error, self._failed)
        else:
            self._failed = error

    # ---- Run All -----------------------------------------------------------------------------------------

    def pre_run_cell(self, _info: Any) -> None:
        self._requests.begins()

    def _why_draft(self, call: MagicCall) -> str | None:
        """What a draft says, in the place of a question; None where the question is sent."""
        if call.send or self.host.headless:
            return None
        if self.host.is_app:  # opening its page is what runs the cells
            return "Press Send to ask this."
        why = self._requests.why_not()
        return f"{why} Press Send to ask this." if why else None


# ---- loading -----------------------------------------------------------------------------------------------


def attach(shell: Any) -> Extension:
    """Make this shell the host of every Copilot, without the magics."""
    global _extension
    if _extension is None or _extension.shell is not shell:
        _extension = Extension(shell)
        logging.getLogger("copilot_widget").addHandler(logging.NullHandler())  # a thread's warnings belong to no cell
        settings = config.Settings(parent=shell)
        config.use(settings)
        shell.configurables.append(settings)  # what %config looks through
        shell.events.register("pre_run_cell", _extension.pre_run_cell)
        shell.events.register("post_run_cell", _extension.post_run_cell)
        extension = _extension
        host.install(lambda: extension.host)
        listen(extension)
    return _extension


def load(shell: Any) -> None:
    """Define the magics; a second time changes nothing."""
    from IPython.core.magic import no_var_expand

    from ..tools.function import check_at_once
    from .completer import install
    from .warm import warm

    check_at_once()
    extension = attach(shell)

    @no_var_expand
    def copilot(line: str) -> Run | None:
        """Ask the copilot: %copilot [options] prompt. Without a prompt: the whole conversation, with a composer."""
        return extension.line_magic(line)

    def copilot_cell(line: str, cell: str) -> Run | None:
        return extension.cell_magic(line, cell)

    shell.register_magic_function(copilot, "line", "copilot")
    shell.register_magic_function(copilot_cell, "cell", "copilot")
    if keep_questions not in shell.input_transformers_cleanup:
        shell.input_transformers_cleanup.append(keep_questions)
    install(extension)
    warm(shell)


def unload(shell: Any) -> None:
    """Take the magics away again."""
    from .completer import remove

    remove(shell)
    for kind in ("line", "cell"):
        shell.magics_manager.magics[kind].pop("copilot", None)
    if keep_questions in shell.input_transformers_cleanup:
        shell.input_transformers_cleanup.remove(keep_questions)


def keep_questions(lines: list[str]) -> list[str]:
    """IPython reads a trailing `?` as a request for help; a question to the copilot ends in one.

    Such a line becomes the call that IPython would make of it without the `?`.
    """
    if not any("%copilot" in line and line.rstrip().endswith("?") for line in lines):
        return lines
    if lines[0].startswith("%%"):
        return lines
    inside = _string_lines(lines)
    return [line if number in inside else _kept(line) for number, line in enumerate(lines, 1)]


def _kept(line: str) -> str:
    body = line.rstrip()
    indent = body[: len(body) - len(body.lstrip())]
    before, magic, prompt = body.lstrip().partition("%copilot ")
    assigned = before.strip()
    is_magic = magic and (not assigned or (assigned.endswith("=") and assigned[:-1].strip().isidentifier()))
    if not is_magic or not body.endswith("?"):
        return line
    call = f"get_ipython().run_line_magic('copilot', {prompt!r})"
    return f"{indent}{assigned} {call}\n" if assigned else f"{indent}{call}\n"


def _string_lines(lines: list[str]) -> set[int]:
    """Numbers of the lines that begin within a string."""
    inside: set[int] = set()
    source = iter(lines)
    try:
        for token in tokenize.generate_tokens(lambda: next(source, "")):
            if token.type == tokenize.STRING or tokenize.tok_name[token.type].startswith("FSTRING"):
                inside.update(range(token.start[0] + 1, token.end[0] + 1))
    except (tokenize.TokenError, SyntaxError):
        pass  # prose after %copilot is no Python: what was found so far counts
    return inside
