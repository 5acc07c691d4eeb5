/**
 * A page of the stock AI SDK client, without a screen: AbstractChat over DefaultChatTransport.
 *
 * node page.mjs API TOKEN CHAT < commands, one JSON object a line; each is answered by one line, {ok, …state} or
 * {error}. A person behind it does one thing at a time: see `acts`.
 */
import { createInterface } from "node:readline";
import {
  AbstractChat,
  DefaultChatTransport,
  lastAssistantMessageIsCompleteWithApprovalResponses,
  lastAssistantMessageIsCompleteWithToolCalls,
} from "ai";

const [api, token, id] = process.argv.slice(2);

class State {
  status = "ready";
  error = undefined;
  messages = [];
  pushMessage = (message) => {
    this.messages = [...this.messages, message];
  };
  popMessage = () => {
    this.messages = this.messages.slice(0, -1);
  };
  replaceMessage = (index, message) => {
    this.messages = this.messages.map((each, n) => (n === index ? message : each));
  };
  snapshot = (value) => structuredClone(value);
}

class Chat extends AbstractChat {}

/** What `cut` breaks: the responses that are being read. */
const reading = new Set();

async function fetchThatBreaks(input, init) {
  requests.push(JSON.parse(init?.body ?? "null")?.trigger ?? "resume-stream");
  const response = await fetch(input, init);
  if (!response.body) return response;
  const reader = response.body.getReader();
  let drop;
  const dropped = new Promise((_, reject) => {
    drop = () => reject(new TypeError("network error"));
  });
  dropped.catch(() => undefined);
  const body = new ReadableStream({
    async pull(controller) {
      try {
        const { done, value } = await Promise.race([reader.read(), dropped]);
        if (done) {
          reading.delete(cut);
          controller.close();
        } else controller.enqueue(value);
      } catch (error) {
        reading.delete(cut);
        await reader.cancel().catch(() => undefined);
        controller.error(error);
      }
    },
    cancel: (reason) => reader.cancel(reason),
  });
  const cut = drop;
  reading.add(cut);
  return new Response(body, { status: response.status, headers: response.headers });
}

const requests = [];
const finished = [];
const data = [];
const clientTools = {};
const state = new State();
const transport = new DefaultChatTransport({
  api: `${api}/api/chat`,
  headers: token ? { authorization: `Bearer ${token}` } : {},
  fetch: fetchThatBreaks,
});
const chat = new Chat({
  id,
  state,
  transport,
  onData: (part) => data.push(part.type),
  onFinish: ({ isAbort, isDisconnect, isError, finishReason }) =>
    finished.push({ isAbort, isDisconnect, isError, finishReason }),
  onToolCall: ({ toolCall }) => {
    if (toolCall.toolName in clientTools) {
      const { output, errorText } = clientTools[toolCall.toolName];
      const answer = errorText === undefined ? { output } : { state: "output-error", errorText };
      chat.addToolOutput({ tool: toolCall.toolName, toolCallId: toolCall.toolCallId, ...answer });
    }
  },
  sendAutomaticallyWhen: (options) =>
    lastAssistantMessageIsCompleteWithToolCalls(options) ||
    lastAssistantMessageIsCompleteWithApprovalResponses(options),
});

const parts = () => state.messages.at(-1)?.parts ?? [];
const calls = () => parts().filter((part) => part.type.startsWith("tool-"));
const text = () =>
  parts()
    .map((part) => (part.type === "text" ? part.text : ""))
    .join("");

async function until(is, seconds = 30) {
  const deadline = Date.now() + seconds * 1000;
  while (!is()) {
    if (Date.now() > deadline) throw new Error(`still ${state.status}: ${JSON.stringify(state.messages)}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** What does not end before the response does is not awaited. */
const begin = (promise) => void promise.catch((error) => data.push(String(error)));

const acts = {
  look: () => undefined,
  /** Messages that the page was opened with. */
  open: ({ messages }) => {
    state.messages = messages;
  },
  /** Run these client-side tools by themselves: name → {output} or {errorText}. */
  offer: ({ tools }) => Object.assign(clientTools, tools),
  send: ({ message, options }) => begin(chat.sendMessage(message, options)),
  regenerate: ({ messageId }) => begin(chat.regenerate({ messageId })),
  resume: async () => {
    const resuming = chat.resumeStream();
    begin(resuming);
    const comes = until(() => state.status === "submitted" || state.status === "streaming");
    await Promise.race([resuming, comes]).catch(() => undefined); // a server is asked first, while nothing is shown
    comes.catch(() => undefined);
  },
  stop: () => chat.stop(),
  cut: () => {
    for (const drop of [...reading]) drop();
  },
  /** Answer the first approval request, or the one about a call. */
  answer: ({ approved, reason, call }) => {
    const asked = calls().find(
      (part) => part.state === "approval-requested" && (call === undefined || part.toolCallId === call),
    );
    return chat.addToolApprovalResponse({ id: asked.approval.id, approved, reason });
  },
  output: ({ call, ...given }) => chat.addToolOutput({ tool: "", toolCallId: call, ...given }),
  /** Until nothing comes any more, all that goes by itself included. */
  settle: async () => {
    for (let calm = 0; calm < 10; calm += 1) {
      await until(() => state.status === "ready" || state.status === "error");
      await new Promise((resolve) => setTimeout(resolve, 10));
      if (state.status === "submitted" || state.status === "streaming") calm = -1;
    }
  },
  /** Until the answer has so many characters. */
  read: ({ characters }) => until(() => text().length >= characters),
};

process.stdout.write(`${JSON.stringify({ ok: true })}\n`);
for await (const line of createInterface({ input: process.stdin })) {
  const { act, ...given } = JSON.parse(line);
  let told;
  try {
    await acts[act](given);
    const error = state.error === undefined ? null : String(state.error.message);
    told = { ok: true, status: state.status, failure: error, messages: state.messages, requests, finished, data };
  } catch (error) {
    told = { ok: false, failure: String(error) };
  }
  process.stdout.write(`${JSON.stringify(told)}\n`);
}
process.exit(0);
