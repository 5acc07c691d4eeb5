"""The agent's loop, one step at a time.

    state = RunState.begin(request, history)
    while state.status == "running":
        async for item in agent.step(state):      # chunks, and last the next state
            ...

A step is one of two: ask the model, or run the calls that it made. Between them the state is plain JSON: save it,
load it elsewhere, go on. Where calls need the user's consent the step ends with the status "waiting"; put the
answer in with `RunState.answer` and step again. The stream of a run ends with one of finish, error, abort.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from typing import Any, Literal, Union

from . import consent
from .calls import CallRunner, hidden
from .elsewhere import post
from .endings import abort, close_step, fail, finish
from .errors import CopilotError, ModelError, one_line
from .funnel import Funnel, StopSignal
from .history import to_request
from .models.base import Model, ModelEvent, ModelRequest, ModelUsage
from .protocol.chunks import (
    Chunk,
    Data,
    Start,
    StartStep,
    ToolApprovalRequest,
    ToolOutputAvailable,
    ToolOutputDenied,
    ToolOutputError,
)
from .protocol.reducer import Reducer
from .protocol.wire import parse_chunk
from .spending import Spending
from .state import PendingCall, RunState, digest
from .tools.approval import Decision, Policy
from .tools.base import Tool, Toolset
from .turn import ModelTurn

Item = Union[Chunk, RunState]


class Agent:
    """A model, its tools, and the policy that says which calls ask first. Holds no state of any run.

    `prepare` makes tools ready before its first step, and yields what the user should know of that meanwhile.
    """

    def __init__(
        self,
        model: Model,
        toolset: Toolset,
        *,
        policy: Policy,
        deps: Mapping[str, Any] | None = None,
        prepare: Callable[[], AsyncIterator[str]] | None = None,
    ) -> None:
        self.model = model
        self._toolset = toolset
        self._policy = policy
        self._deps = deps or {}
        self.prepare = prepare

    async def step(self, state: RunState, stop: StopSignal | None = None) -> AsyncIterator[Item]:
        """Chunks of the next step, then the next state. `state` itself is left as it was."""
        step = _Step(self, state, stop or StopSignal())
        async for chunk in step.run():
            yield chunk
        yield step.state

    def tools(self) -> Mapping[str, Tool]:
        """The tools as they are now, by name."""
        return self._toolset.tools()

    @property
    def policy(self) -> Policy:
        """Says which calls ask first."""
        return self._policy

    @property
    def deps(self) -> Mapping[str, Any]:
        return self._deps


class _Step:
    """One step in progress: follows its own chunks with a reducer, so that the next state is what views see."""

    def __init__(self, agent: Agent, state: RunState, stop: StopSignal) -> None:
        self.agent = agent
        # A copy of what a step changes; the history is shared, since nobody does.
        changing = {"pending": [call.model_copy() for call in state.pending], "totals": state.totals.model_copy()}
        self.state = state.model_copy(update=changing)
        self.stop = stop
        self._spending: Spending | None = None
        self._reducer = Reducer(self.state.message)

    async def run(self) -> AsyncIterator[Chunk]:
        phases = {
            "start": self._start,
            "model": self._ask_model,
            "tools": self._decide_calls,
            "calls": self._run_calls,
        }
        if self.agent.prepare is not None and self.state.phase != "start":
            async for chunk in self._prepare(self.agent.prepare):
                yield chunk
        async for chunk in phases[self.state.phase]():
            self._reducer.push(chunk)
            yield chunk
        self.state.message = self._reducer.message

    async def _prepare(self, prepare: Callable[[], AsyncIterator[str]]) -> AsyncIterator[Chunk]:
        """Through a funnel, since Stop does not wait for what takes its time."""
        self.agent.prepare = None
        funnel: Funnel[str] = Funnel(self.stop)
        funnel.add(prepare())
        async for text in funnel:
            yield Data(type="data-notice", data={"text": text}, transient=True)

    # ---- phases --------------------------------------------------------------------------------------

    async def _start(self) -> AsyncIterator[Chunk]:
        info = self.agent.model.info
        run = self.state.request.run
        metadata: dict[str, Any] = {"run": run, "model": info.name, "createdAt": _iso(self.state.started)}
        if info.badge:
            metadata["badge"] = info.badge
        yield Start(message_id=self.state.request.message_id, message_metadata=metadata)
        self.state.phase = "model"
        budget = self.state.request.budget
        if budget is not None and budget.usd is not None and info.priced is False:
            error = CopilotError(
                f"The budget is in US dollars, and no price is known for {info.name}.",
                hint="Give the budget in tokens, for example '20000 tokens'.",
                code="no-price",
            )
            for chunk in self._failed(error):
                yield chunk

    async def _ask_model(self) -> AsyncIterator[Chunk]:
        if self.stop.is_set:
            for chunk in self._aborted():
                yield chunk
            return
        tools = self.agent.tools()
        request = self._request(tools)
        refusal = self._limit(request)
        if refusal is not None:
            for chunk in refusal:
                yield chunk
            return
        self.state.step += 1
        if not self.state.step_open:  # it is open where a cut attempt had opened it
            self.state.step_open = True
            yield StartStep()
        turn = ModelTurn(self.state.step, tools)
        failure: CopilotError | None = None
        try:
            async for event in self._answer(request):
                for chunk in turn.chunks(event):
                    yield chunk
                if self._spending is not None and not turn.is_counted and self._spending.is_over(turn):
                    raise self._spending.error()
        except CopilotError as error:
            failure = error
        except Exception as error:
            failure = ModelError(f"The model failed: {one_line(error)}.", hint="This is a bug of the model's adapter.")
        for chunk in [*turn.close(), *self._after_answer(turn, request, failure)]:
            yield chunk

    def _answer(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        """The model's events, until they end or the run is stopped."""
        funnel: Funnel[ModelEvent] = Funnel(self.stop)
        funnel.add(self.agent.model.stream(request))
        return aiter(funnel)

    def _after_answer(self, turn: ModelTurn, request: ModelRequest, failure: CopilotError | None) -> list[Chunk]:
        """Count what was used, and say how it goes on: with the calls, or with an ending."""
        if turn.usage is not None or turn.begun or failure is None or failure.code in _MAY_BE_BILLED:
            self._count(turn.usage or turn.estimate(request))
        self.state.pending = turn.calls
        if failure is not None:
            return self._failed(failure)
        if self.stop.is_set:
            return self._aborted()
        overrun = self._spending.overrun(turn) if self._spending is not None else None
        if turn.calls or turn.rejected:
            self.state.phase = "tools"
            return self._failed(overrun) if overrun is not None else []
        return finish(self.state, turn.finish_reason, {"limit": overrun.told()} if overrun is not None else None)

    async def _decide_calls(self) -> AsyncIterator[Chunk]:
        tools = self.agent.tools()
        new = [call for call in self.state.pending if call.state == "new" and call.card is None]
        for chunk in self._decide(tools, await self._decisions(tools, self.agent.policy, new)):
            yield chunk
        ready = [call for call in self.state.pending if call.state in ("ready", "approved")]
        if self.stop.is_set or not ready:
            for chunk in self._go_on():
                yield chunk
            return
        for call in ready:
            call.state = "started"
        self.state.phase = "calls"

    async def _run_calls(self) -> AsyncIterator[Chunk]:
        tools = self.agent.tools()
        for chunk in await self._ask_again(tools) if self.state.interrupted else []:
            yield chunk
        for call in [call for call in self.state.pending if call.state == "started" and call.tool not in tools]:
            yield consent.gone(call)
            self.state.pending.remove(call)
        started = [call for call in self.state.pending if call.state == "started"]
        if started and not self.stop.is_set:
            funnel: Funnel[Chunk] = Funnel(self.stop)
            CallRunner(tools, self.state.request.run, self.agent.deps).start(started, funnel)
            async for chunk in funnel:
                self._settle(chunk)
                yield chunk
        for chunk in self._go_on():
            yield chunk

    def _go_on(self) -> list[Chunk]:
        """What follows when no call can run now: the end, a wait, or the next request."""
        if self.stop.is_set:
            return self._aborted()
        if self.state.pending:
            self.state.status, self.state.phase = "waiting", "tools"
        else:
            self.state.phase = "model"
        return close_step(self.state)

    def _failed(self, error: CopilotError) -> list[Chunk]:
        return fail(self.state, self._reducer.message, error)

    def _aborted(self) -> list[Chunk]:
        return abort(self.state, self._reducer.message, self.stop.reason or "stopped")

    # ---- consent -------------------------------------------------------------------------------------

    async def _decisions(
        self, tools: Mapping[str, Tool], policy: Policy, calls: list[PendingCall]
    ) -> Mapping[str, Decision]:
        return await CallRunner(tools, self.state.request.run, self.agent.deps).decisions(policy, calls, self.stop)

    def _decide(self, tools: Mapping[str, Tool], decisions: Mapping[str, Decision]) -> list[Chunk]:
        """Chunks for what is new: replies that came in, calls that must be asked for, calls that are refused."""
        chunks: list[Chunk] = []
        for call in list(self.state.pending):
            if call.state == "new":
                chunks.extend(self._consider(call, tools.get(call.tool), decisions.get(call.call_id)))
                if call.state == "new" and call.tool in tools:  # stopped before it was decided on
                    continue
            elif call.state in ("approved", "denied"):
                chunks.append(consent.response(call))
            tool = tools.get(call.tool)
            if call.edited and call.state == "approved":
                chunks.extend(consent.edited(call, tool))
            if call.state == "answered":
                chunks.extend(parse_chunk(chunk) for chunk in call.result)
            elif call.state == "denied":
                chunks.append(ToolOutputDenied(tool_call_id=call.call_id))
            elif tool is not None or call.awaits is not None:
                chunks += post(tool, call) if call.awaits is None else []
                continue
            else:
                chunks.append(consent.gone(call))
            self.state.pending.remove(call)
        return chunks

    def _consider(self, call: PendingCall, tool: Tool | None, decision: Decision | None) -> list[Chunk]:
        if tool is None:
            return []
        if call.card is not None:  # the kernel's own gate wants the user's consent
            return self._answer_alone(call, "approved") if self.state.granted(call) else self._ask(call, call.card)
        if decision is None:
            return []
        if decision.kind == "allow" or (decision.kind != "deny" and self.state.granted(call)):
            call.state = "ready"
            return []
        if decision.kind == "deny":
            call.reason = decision.reason
            return self._answer_alone(call, "denied")
        if decision.kind == "fail":
            consent.failed(call, decision.reason)
            return []
        return self._ask(call, consent.fields(decision.request))

    def _answer_alone(self, call: PendingCall, answer: Literal["approved", "denied"]) -> list[Chunk]:
        """What was decided without a question, as views are told of it."""
        call.approval_id = f"{self.state.request.run}-{call.call_id}"
        call.state = answer
        request = ToolApprovalRequest(approval_id=call.approval_id, tool_call_id=call.call_id, is_automatic=True)
        return [request, consent.response(call)]

    def _ask(self, call: PendingCall, card: dict[str, Any]) -> list[Chunk]:
        call.state = "asked"
        call.asked += 1
        call.basis = card.get("basis")
        card = {name: value for name, value in card.items() if name != "basis"}
        call.approval_id = f"{self.state.request.run}-{call.call_id}" + (f"-{call.asked}" if call.asked > 1 else "")
        return [
            Data(type="data-approval", id=call.call_id, data={**card, "digest": digest(call.tool, call.input)}),
            ToolApprovalRequest(approval_id=call.approval_id, tool_call_id=call.call_id),
        ]

    async def _ask_again(self, tools: Mapping[str, Tool]) -> list[Chunk]:
        """Calls that a cut attempt had begun may have had their effect: only those that just read run again unasked."""
        self.state.interrupted = False
        begun = [call for call in self.state.pending if call.state == "started"]
        chunks: list[Chunk] = [*hidden(self._reducer.message, begun)]
        acting = [call for call in begun if call.tool in tools and not getattr(tools[call.tool], "read_only", False)]
        can_ask = self.agent.policy.can_ask
        decisions = await self._decisions(tools, Policy("ask"), acting if can_ask else [])
        for call in acting:
            if can_ask:
                card = replace(consent.card(decisions.get(call.call_id)), title=f"{call.tool} again? {_MAY_HAVE_RUN}")
                chunks.extend(self._ask(call, consent.fields(card)))
            else:
                error_text = f"No result: {_MAY_HAVE_RUN} It was not run again."
                chunks.append(ToolOutputError(tool_call_id=call.call_id, error_text=error_text))
                self.state.pending.remove(call)
        return chunks

    def _settle(self, chunk: Chunk) -> None:
        if isinstance(chunk, ToolOutputError) or (isinstance(chunk, ToolOutputAvailable) and not chunk.preliminary):
            self.state.pending = [call for call in self.state.pending if call.call_id != chunk.tool_call_id]

    # ---- the model's request and its cost --------------------------------------------------------------

    def _request(self, tools: Mapping[str, Tool]) -> ModelRequest:
        schemas = [tool.schema for tool in tools.values()]
        return to_request([*self.state.history, self._reducer.message], self.state.request.instructions, schemas)

    def _count(self, usage: ModelUsage) -> None:
        totals = self.state.totals
        totals.prompt_tokens += usage.prompt_tokens
        totals.completion_tokens += usage.completion_tokens
        totals.cached_tokens += usage.cached_tokens
        totals.cache_write_tokens += usage.cache_write_tokens
        totals.reasoning_tokens += usage.reasoning_tokens
        cost = usage.cost if usage.cost is not None else self._price(usage)
        totals.cost = None if cost is None or totals.cost is None else totals.cost + cost

    def _price(self, usage: ModelUsage) -> float | None:
        price = getattr(self.agent.model, "price", None)
        return price(usage) if price is not None else None

    def _limit(self, model_request: ModelRequest) -> list[Chunk] | None:
        """The ending of a run that may not make another request, or None."""
        request = self.state.request
        if self.state.step >= request.max_steps:
            limit = {
                "code": "max-steps",
                "message": f"Ended after {request.max_steps} steps (max_steps).",
                "hint": "Send 'go on', or raise max_steps.",
            }
            return finish(self.state, "tool-calls", {"limit": limit})
        if request.budget is None:
            return None
        self._spending = Spending(request.budget, self.state.totals.model_copy(), self._price)
        refusal = self._spending.refusal(model_request, self.agent.model.info.name)
        return self._failed(refusal) if refusal is not None else None


_MAY_BE_BILLED = ("timeout", "interrupted")
"""Codes of errors before the first token after which the request may cost something; what was refused costs nothing."""

_MAY_HAVE_RUN = "The process that ran it was lost, and whether it had its effect is not known."


def _iso(epoch: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(epoch))


__all__ = ["Agent", "Item"]
