// @vitest-environment jsdom
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { FakeModel } from "../dev/fake-model.ts";
import type { UIMessageChunk } from "./protocol-types.ts";
import { toView, type View } from "./view.ts";
import { open, type Session } from "./widget.tsx";

// jsdom can't import from a Blob: the part comes as a module, all else of it is real.
vi.mock("./asset.ts", async (original) => {
  const desk = await import("./parts/desk.ts");
  const loadAsset = async (name: string) => {
    if (name === "document.js") return desk;
    if (name === "assist.js") return await import("./parts/assist.ts"); // it imports what imports the module made here
    throw new Error(`no ${name} here`);
  };
  return { ...(await original<object>()), loadAsset };
});

const USER = { id: "u1", role: "user" as const, parts: [{ type: "text" as const, text: "Why is it so?" }] };

let model: FakeModel;
let session: Session;
let root: HTMLElement;

function start(view: Partial<View> = {}, chunks: UIMessageChunk[] = []): Promise<void> {
  model = new FakeModel(
    toView({
      kind: "turn",
      widget: "fake",
      model: { name: "openai/gpt-5", badge: "", reason: "" },
      turns: [{ id: "q1", run: "r1", user: USER, status: "running", seq: 0 }],
      ...view,
    }),
  );
  session = open(model, []);
  model.on("msg:custom", (message) => session.receive(message));
  root = document.body.appendChild(document.createElement("div"));
  session.render(root);
  return push(...chunks);
}

async function push(...chunks: UIMessageChunk[]): Promise<void> {
  if (chunks.length > 0) model.push("r1", ...chunks);
  await vi.advanceTimersByTimeAsync(1_500); // a comm without subshells, a frame, preact's own delay
}

const find = <E extends Element = HTMLElement>(selector: string): E | null => root.querySelector<E>(selector);
const all = (selector: string): HTMLElement[] => [...root.querySelectorAll<HTMLElement>(selector)];
const button = (name: string) => all("button").find((one) => one.textContent?.trim() === name && !one.hidden);
const message = () => find<HTMLTextAreaElement>("textarea") as HTMLTextAreaElement;
const commands = (name: string) => model.received.filter(({ command }) => command === name);

function write(text: string): Promise<void> {
  message().value = text;
  message().dispatchEvent(new Event("input", { bubbles: true }));
  return push();
}

async function press(key: string, more: KeyboardEventInit = {}): Promise<KeyboardEvent> {
  const event = new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...more });
  message().dispatchEvent(event);
  await push();
  return event;
}

const BEGIN: UIMessageChunk[] = [
  { type: "start", messageId: "m1", messageMetadata: { model: "openai/gpt-5" } },
  { type: "start-step" },
];
const END: UIMessageChunk[] = [
  { type: "finish-step" },
  { type: "finish", messageMetadata: { steps: 1, durationMs: 1_000, usage: { promptTokens: 5, completionTokens: 2 } } },
];
const call = (id: string, toolName: string, input: unknown): UIMessageChunk => ({
  type: "tool-input-available",
  toolCallId: id,
  toolName,
  input,
});
const output = (toolCallId: string, value: unknown): UIMessageChunk => ({
  type: "tool-output-available",
  toolCallId,
  output: value,
});

beforeAll(async () => void (await import("./parts/assist.ts"))); // later the clock stands still
beforeEach(() => void vi.useFakeTimers());
afterEach(async () => {
  await vi.advanceTimersByTimeAsync(100); // preact would wait for ever for a drawing that it has put off
  session.close();
  document.body.textContent = "";
  vi.useRealTimers();
});

describe("the transcript", () => {
  it("says that a run which is executed elsewhere is no AI, as long as its model is the one that is asked", async () => {
    const turns = [{ id: "q1", run: "r1", user: USER, status: "running" as const, seq: 0, elsewhere: true }];
    const demo = { name: "demo", badge: "", reason: "" };
    await start({ model: demo, turns }, [
      { type: "start", messageId: "m1", messageMetadata: { model: "demo", badge: "demo: rules, no AI" } },
    ]);
    expect(find(".cw-badge")?.textContent).toBe("demo: rules, no AI");
    model.emit({ type: "view", view: { model: { ...demo, name: "openai/gpt-5" } } });
    await push();
    expect(find(".cw-badge")).toBeNull();
  });

  it("is a log that announces nothing by itself, with its parts marked", async () => {
    await start({}, [
      ...BEGIN,
      { type: "reasoning-start", id: "r" },
      { type: "reasoning-delta", id: "r", delta: "Hm." },
      { type: "reasoning-end", id: "r" },
      call("c1", "lookup", { order: 17 }),
      output("c1", { status: "late" }),
      { type: "text-start", id: "t" },
      { type: "text-delta", id: "t", delta: "It is **late**." },
      { type: "text-end", id: "t" },
    ]);
    const log = find("[role=log]");
    expect(log?.getAttribute("aria-live")).toBe("off");
    expect(all("[role=log] [data-part]").map(({ dataset }) => dataset.part)).toEqual([
      "prompt",
      "reasoning",
      "tool",
      "text",
    ]);
    expect(find("[data-tool=lookup]")?.dataset.state).toBe("output-available");
    expect(find("[data-part=text] strong")?.textContent).toBe("late");
    expect(find("[data-usage]")).toBeNull();
    await push(...END);
    expect(find("[data-usage]")?.textContent).toBe("openai/gpt-5 · 1.0 s · 1 step · 5 in / 2 out · price unknown");
  });

  it("says to a screen reader only that it generates, asks, is done or stopped", async () => {
    const said = () => find("[aria-live=polite]")?.textContent;
    await start({}, BEGIN);
    expect(said()).toBe("generating");
    await push(call("c1", "run", {}), { type: "tool-approval-request", approvalId: "a1", toolCallId: "c1" });
    expect(said()).toBe("approval needed");
    await push({ type: "tool-approval-response", approvalId: "a1", approved: true });
    expect(said()).toBe("generating");
    await push({ type: "abort", reason: "by the user" });
    expect(said()).toBe("stopped");
    expect(all("[aria-live]:not([aria-live=off])").length).toBe(1);
  });

  it("says nothing of a run that was over before", async () => {
    await start({ turns: [{ id: "q1", run: "r1", user: USER, status: "completed", seq: 4 }] });
    expect(find(".cw-activity")?.textContent).toBe("loading");
    expect(button("Stop")).toBeUndefined();
    expect(find("[aria-live=polite]")?.textContent).toBe("");
    await push(...BEGIN, ...END);
    expect(find("[data-usage]")).not.toBeNull();
    expect(find("[aria-live=polite]")?.textContent).toBe("");
  });

  it("opens the call that runs and closes it when it is done", async () => {
    await start({}, [...BEGIN, call("c1", "run_code", { code: "x = 1" })]);
    const row = () => find("[data-tool] button[aria-expanded]");
    expect(row()?.getAttribute("aria-expanded")).toBe("true");
    expect(row()?.textContent).toContain("running");
    expect(find("[data-tool] code")?.textContent).toBe("x = 1");
    await push(output("c1", "fine"));
    expect(row()?.getAttribute("aria-expanded")).toBe("false");
    row()?.click();
    await push();
    expect(find("[data-tool]")?.textContent).toContain("fine");
  });

  it("keeps an error open while it is the latest, and its first line in the row", async () => {
    await start({}, [
      ...BEGIN,
      call("c1", "fetch", {}),
      { type: "tool-output-error", toolCallId: "c1", errorText: "Timeout: no answer\nmore" },
    ]);
    const row = find("[data-tool] button");
    expect(row?.getAttribute("aria-expanded")).toBe("true");
    expect(row?.textContent).toContain("Timeout: no answer");
    expect(row?.textContent).toContain("failed");
    await push({ type: "text-start", id: "t" }, { type: "text-delta", id: "t", delta: "I try again." });
    expect(find("[data-tool] button")?.getAttribute("aria-expanded")).toBe("false");
    expect(find("[data-tool] button")?.textContent).toContain("Timeout: no answer");
  });

  it("keeps what a call showed before it failed beside the error", async () => {
    await start({}, [
      ...BEGIN,
      call("c1", "run_code", { code: "plot(); 1 / 0" }),
      { type: "data-display", id: "c1", data: [{ "image/png": "AAAA" }] },
      { type: "tool-output-error", toolCallId: "c1", errorText: "ZeroDivisionError: division by zero\n\nline 1" },
    ]);
    expect(find<HTMLImageElement>("[data-tool] img")?.src).toBe("data:image/png;base64,AAAA");
    expect(find("[data-tool] button")?.textContent).toContain("ZeroDivisionError: division by zero");
    expect(find("[data-tool] pre.cw-text")?.textContent).toContain("line 1");
  });

  it.each(["png", "jpeg", "gif", "webp"])("shows a picture of the form %s", async (form) => {
    const bundle = { [`image/${form}`]: "AAAA", "text/plain": "a flag" };
    await start({}, [...BEGIN, call("c1", "read_file", {}), { type: "data-display", id: "c1", data: [bundle] }]);
    await push(output("c1", "The user sees it."));
    const picture = find<HTMLImageElement>("[data-tool] img");
    expect([picture?.src, picture?.alt]).toEqual([`data:image/${form};base64,AAAA`, "a flag"]);
  });

  it("shows what code prints as text while it runs", async () => {
    await start({}, [...BEGIN, call("c1", "run_code", { code: "print('a\\nb')" })]);
    await push({ ...output("c1", { stdout: "a\nb\n", stderr: "c" }), preliminary: true } as UIMessageChunk);
    expect(find("[data-tool] pre.cw-text")?.textContent).toBe("a\nb\nc");
  });

  it("shows a picture beside what is printed while code runs, and both in their order once it has ended", async () => {
    const img = () => all("[data-tool] img") as HTMLImageElement[];
    await start({}, [...BEGIN, call("c1", "run_code", { code: "print('a')\nplot()\nplot()" })]);
    await push({ type: "data-display", id: "c1", data: [{ "image/png": "AAAA" }] }, {
      ...output("c1", { stdout: "a\n" }),
      preliminary: true,
    } as UIMessageChunk);
    const first = img()[0];
    expect(first?.src).toBe("data:image/png;base64,AAAA");
    expect(find("[data-tool] pre.cw-text")?.textContent).toBe("a\n");
    await push({ type: "data-display", id: "c1 1", data: [{ "image/png": "BBBB" }] });
    expect(img().map((one) => one.src.slice(-4))).toEqual(["AAAA", "BBBB"]);
    expect(img()[0]).toBe(first);
    await push({ type: "data-display", id: "c1", data: [{ "text/plain": "a\n" }, { "image/png": "AAAA" }] });
    await push(output("c1", { stdout: "a\n" }));
    find("[data-tool] button")?.click();
    await push();
    const body = find("[data-tool] .cw-body")?.textContent ?? "";
    expect(body.split("a\n").length).toBe(2);
    expect(img().map((one) => one.src.slice(-4))).toEqual(["AAAA", "BBBB"]);
  });

  it("folds finished calls of one tool into one row, but not one that shows a picture", async () => {
    const figure: UIMessageChunk = { type: "data-display", id: "c3", data: [{ "image/png": "AAAA" }] };
    await start({}, [
      ...BEGIN,
      { ...call("c1", "inspect", { name: "a" }), title: "Inspect variable" } as UIMessageChunk,
      output("c1", 1),
      { ...call("c2", "inspect", { name: "b" }), title: "Inspect variable" } as UIMessageChunk,
      output("c2", 2),
      { ...call("c3", "inspect", { name: "c" }), title: "Inspect variable" } as UIMessageChunk,
      output("c3", 3),
      figure,
    ]);
    expect(find(".cw-group")?.textContent).toContain("Inspected 2 variables");
    expect(all("[data-tool]").length).toBe(3);
    expect(find<HTMLImageElement>("img")?.src).toBe("data:image/png;base64,AAAA");
  });

  it("folds three calls of several tools, not two, and leaves one that failed in sight", async () => {
    await start({}, [...BEGIN, call("c1", "inspect", {}), output("c1", 1), call("c2", "fetch", {}), output("c2", 2)]);
    expect(find(".cw-group")).toBeNull();
    await push(
      call("c3", "fetch", {}),
      output("c3", 3),
      call("c4", "fetch", {}),
      { type: "tool-output-error", toolCallId: "c4", errorText: "no answer" },
      call("c5", "fetch", {}),
      output("c5", 5),
    );
    expect(find(".cw-group > .cw-row")?.textContent).toContain("Ran 3 tools");
    expect(find(".cw-group > .cw-row")?.textContent).toContain("Inspected, Fetched × 2");
    expect(find(".cw-turn > [data-tool][data-state=output-error]")?.textContent).toContain("no answer");
  });

  it("lists sources with the hosts that they lead to", async () => {
    await start({}, [
      ...BEGIN,
      { type: "source-url", sourceId: "a", url: "https://example.org/a", title: "The guide" },
      { type: "source-url", sourceId: "b", url: "javascript:alert(1)", title: "Not one" },
      { type: "source-document", sourceId: "c", mediaType: "application/pdf", title: "A paper" },
    ]);
    expect(all("[data-part=source]").map((source) => source.textContent)).toEqual([
      "The guide example.org",
      "Not one",
      "A paper",
    ]);
    expect(all("[data-part=source] a").map((link) => link.getAttribute("href"))).toEqual(["https://example.org/a"]);
  });

  it("shows 200 kB of output in part, the rest on demand and in pieces", async () => {
    const long = Array.from({ length: 5_000 }, (_, index) => `line ${index} of what was printed`).join("\n");
    await start({}, [...BEGIN, call("c1", "fetch", {}), output("c1", long)]);
    find("[data-tool] button")?.click();
    await push();
    expect(find(".cw-text")?.textContent?.length).toBe(20_000);
    all("button")
      .find(({ textContent }) => textContent?.startsWith("Show all"))
      ?.click();
    await push();
    expect(find(".cw-text")?.textContent).toBe(long);
    expect(all(".cw-text-piece").length).toBeGreaterThan(100);
  });

  it("shows records as a table", async () => {
    await start({}, [
      ...BEGIN,
      call("c1", "sales", {}),
      output("c1", [
        { region: "north", sales: 3 },
        { region: "south", sales: null },
      ]),
    ]);
    find("[data-tool] button")?.click();
    await push();
    expect(all("th").map(({ textContent }) => textContent)).toEqual(["region", "sales"]);
    expect(all("td").map(({ textContent }) => textContent)).toEqual(["north", "3", "south", "null"]);
  });

  it("tells an error and what to do about it", async () => {
    const error = { code: "auth", message: "The key was refused.", hint: "Set another." };
    await start({}, [
      ...BEGIN,
      { type: "message-metadata", messageMetadata: { error } },
      { type: "error", errorText: "x" },
    ]);
    expect(find("[data-part=error]")?.textContent).toBe("Error: The key was refused.Set another.");
  });
});

describe("an approval", () => {
  const ASK: UIMessageChunk[] = [
    ...BEGIN,
    call("c1", "refund", { order_id: 17, amount: 12.5 }),
    { type: "data-approval", id: "c1", data: { title: "pay order 17 back" } },
    { type: "tool-approval-request", approvalId: "a1", toolCallId: "c1" },
  ];

  it("is a named group with the exact arguments, and takes no focus", async () => {
    await start();
    message().focus();
    await push(...ASK);
    expect(document.activeElement).toBe(message());
    const card = find("[role=group][aria-label^='Approval needed']");
    expect(card?.getAttribute("aria-label")).toBe("Approval needed: pay order 17 back");
    expect(card?.querySelector("dl")?.textContent).toBe("order_id17amount12.5");
    expect(find("[data-tool=refund]")?.dataset.state).toBe("approval-requested");
  });

  it("shows what nobody would see: in its title, in the tool's name and in the arguments", async () => {
    await start({}, [
      ...BEGIN,
      { ...call("c1", "pay", { to: "a\u202eb", "x\u200by": "1\r\n2\r3" }), title: "Pay\u2066 now" } as UIMessageChunk,
      { type: "data-approval", id: "c1", data: { title: "pay \u202eevil" } },
      { type: "tool-approval-request", approvalId: "a1", toolCallId: "c1" },
    ]);
    expect(find(".cw-approval-title")?.textContent).toContain("pay ⟨U+202E⟩evil");
    expect(find(".cw-row-title")?.textContent).toBe("Pay⟨U+2066⟩ now");
    expect(find(".cw-row-detail")?.textContent).toContain("a⟨U+202E⟩b");
    const card = find(".cw-approval");
    expect([...(card?.querySelectorAll("dt, dd") ?? [])].map(({ textContent }) => textContent)).toEqual([
      "to",
      '"a⟨U+202E⟩b"',
      "x⟨U+200B⟩y",
      "1\r\n2⟨U+000D⟩3",
    ]);
    expect(root.textContent).not.toMatch(/[\u202e\u2066\u200b]/);
  });

  it.each([
    ["whole", "refund(order_id=17, to='all')", 0],
    ["cut", "refund(order_id=17, to='al… (2,000 in all))", 2],
  ])("takes a call that is %s for its arguments, or not", async (_, code, arguments_) => {
    await start({}, [
      ...BEGIN,
      call("c1", "refund", { order_id: 17, to: "all" }),
      { type: "data-approval", id: "c1", data: { title: "run refund", code, language: "python" } },
      { type: "tool-approval-request", approvalId: "a1", toolCallId: "c1" },
    ]);
    expect(find(".cw-approval")?.querySelectorAll("dt").length).toBe(arguments_);
  });

  it("leaves the focus in the transcript when it goes", async () => {
    await start({}, ASK);
    button("Allow once")?.focus();
    await push({ type: "tool-approval-response", approvalId: "a1", approved: true });
    expect(document.activeElement).toBe(find("[role=log]"));
  });

  it.each([
    ["Allow once", true],
    ["Deny", false],
  ])("%s is sent once", async (name, approved) => {
    await start({}, ASK);
    button(name)?.click();
    button(name)?.click();
    await push();
    expect(commands("approve")).toMatchObject([
      { run: "r1", approvalId: "a1", approved, scope: "once", widget: "fake" },
    ]);
    expect(button("Allow once")?.getAttribute("aria-disabled")).toBe("true");
    await push({ type: "tool-approval-response", approvalId: "a1", approved });
    expect(find("[aria-label^='Approval needed']")).toBeNull();
  });
});

describe("more ways to answer an approval", () => {
  const code = "df.drop(columns='price')";
  const RUN: UIMessageChunk[] = [
    ...BEGIN,
    call("c1", "run_code", { code, timeout: 5 }),
    { type: "data-approval", id: "c1", data: { title: "run code", code, language: "python", digest: "d1" } },
    { type: "tool-approval-request", approvalId: "a1", toolCallId: "c1" },
  ];
  const sent = () => commands("approve").map(({ scope, reason, digest, input }) => ({ scope, reason, digest, input }));

  it.each([
    ["Allow for this run", "run"],
    ["Allow for this session", "session"],
    ["Allow the same for this session", "same"],
  ])("%s says how far consent goes", async (name, scope) => {
    await start({}, RUN);
    button(name)?.click();
    await push();
    expect(sent()).toEqual([{ scope, digest: "d1" }]);
  });

  it("sends the reason with a denial, and only with that", async () => {
    await start({}, RUN);
    const reason = find<HTMLInputElement>(".cw-approval-reason > input");
    if (!reason) throw new Error("no field for the reason");
    reason.value = " keep the prices ";
    reason.dispatchEvent(new Event("input", { bubbles: true }));
    await push();
    button("Deny")?.click();
    await push();
    expect(sent()).toEqual([{ scope: "once", digest: "d1", reason: "keep the prices" }]);
  });

  it("runs what the user wrote instead, once", async () => {
    await start({}, RUN);
    button("Edit the code")?.click();
    await push();
    const box = find<HTMLTextAreaElement>("[aria-label='Code to run instead']");
    if (!box) throw new Error("no box to edit in");
    expect(box.value).toBe(code);
    box.value = "df.shape";
    box.dispatchEvent(new Event("input", { bubbles: true }));
    await push();
    expect(button("Allow for this session")).toBeUndefined();
    button("Allow once")?.click();
    await push();
    expect(sent()).toEqual([{ scope: "once", digest: "d1", input: { code: "df.shape", timeout: 5 } }]);
  });

  it("shows code as it runs, also in the box where it is edited", async () => {
    const hidden = "x = 1 # \u202efine\rimport os";
    await start({}, [
      ...BEGIN,
      call("c1", "run_code", { code: hidden }),
      { type: "data-approval", id: "c1", data: { title: "run code", code: hidden, language: "python", digest: "d1" } },
      { type: "tool-approval-request", approvalId: "a1", toolCallId: "c1" },
    ]);
    const shown = "x = 1 # ⟨U+202E⟩fine⟨U+000D⟩import os";
    expect(find(".cw-approval code")?.textContent).toBe(shown);
    expect(all(".cw-approval mark").map(({ textContent }) => textContent)).toEqual(["⟨U+202E⟩", "⟨U+000D⟩"]);
    button("Edit the code")?.click();
    await push();
    expect(find<HTMLTextAreaElement>("[aria-label='Code to run instead']")?.value).toBe(shown);
  });

  it("offers no edit where no code is shown", async () => {
    await start({}, [
      ...BEGIN,
      call("c1", "refund", { order_id: 17 }),
      { type: "tool-approval-request", approvalId: "a1", toolCallId: "c1" },
    ]);
    expect(button("Edit the code")).toBeUndefined();
    expect(button("Allow for this run")).toBeDefined();
  });
});

describe("a change of a cell", () => {
  const source = "price = 10\nprice * qty";
  const diff = "@@ -1,2 +1,2 @@\n price = 10\n-price * qy\n+price * qty";
  const ASKED: UIMessageChunk[] = [
    ...BEGIN,
    call("c1", "edit_cell", { cell: "[2]", source }),
    { type: "data-approval", id: "c1", data: { title: "edit cell [2]", diff, edits: "source", digest: "d1" } },
    { type: "tool-approval-request", approvalId: "a1", toolCallId: "c1" },
  ];

  it("is asked for with its diff, which the user may write anew", async () => {
    await start({}, ASKED);
    const card = () => find(".cw-approval");
    expect(card()?.querySelector("code")?.textContent).toBe(diff);
    expect(card()?.textContent).toContain('"[2]"');
    expect(card()?.textContent).not.toContain("price = 10\nprice * qty");
    button("Edit the code")?.click();
    await push();
    const box = find<HTMLTextAreaElement>("[aria-label='What it shall be instead']");
    expect(box?.value).toBe(source);
    expect(card()?.querySelector("code")).toBeNull();
    if (box) box.value = "qty";
    box?.dispatchEvent(new Event("input", { bubbles: true }));
    await push();
    button("Allow once")?.click();
    await push();
    expect(commands("approve")).toMatchObject([{ approved: true, input: { cell: "[2]", source: "qty" } }]);
  });

  it("keeps a line of its diff one line", async () => {
    const turned = "@@ -1 +1 @@\n-a = 1\n+a = 2\r-import os";
    await start({}, [
      ...BEGIN,
      call("c1", "edit_cell", { cell: "[2]", source: "a = 2\r-import os" }),
      { type: "data-approval", id: "c1", data: { title: "edit cell [2]", diff: turned, edits: "source" } },
      { type: "tool-approval-request", approvalId: "a1", toolCallId: "c1" },
    ]);
    expect(find(".cw-approval code")?.textContent).toBe("@@ -1 +1 @@\n-a = 1\n+a = 2⟨U+000D⟩-import os");
  });

  it("stays open, and offers Undo as long as the kernel knows it", async () => {
    await start({}, [
      ...ASKED,
      { type: "tool-approval-response", approvalId: "a1", approved: true },
      {
        type: "data-display",
        id: "c1",
        data: [{ "text/markdown": `\`\`\`diff\n${diff}\n\`\`\``, "text/plain": diff }],
      },
      output("c1", "Edited cell [2]."),
      ...END,
    ]);
    const row = () => find("[data-tool=edit_cell]");
    expect(row()?.querySelector("button")?.getAttribute("aria-expanded")).toBe("true");
    expect([...(row()?.querySelectorAll("code") ?? [])].map((code) => code.textContent)).toEqual([diff]);
    expect(button("Undo")).toBeUndefined();
    const change = (state: string) => model.emit({ type: "view", view: { changes: { r1: { c1: state } } } });
    change("done");
    await push();
    button("Undo")?.click();
    await push();
    expect(commands("undo")).toMatchObject([{ run: "r1", callId: "c1" }]);
    expect(row()?.textContent).toContain("The kernel does not know how."); // of this fake one
    change("undone");
    await push();
    expect(button("Redo")).toBeDefined();
    model.kernelStatus("restarting");
    await push();
    expect(button("Redo")).toBeUndefined();
  });
});

describe("a question of the model", () => {
  const QUESTION: UIMessageChunk[] = [
    ...BEGIN,
    call("c1", "ask_user", { question: "Which year?", choices: ["2024", "2025", "2025", 7] }),
    { type: "data-client-call", id: "c1", transient: true, data: { reply: "c1@client" } },
  ];

  it("is a named group with its choices, takes no focus, and is answered once", async () => {
    await start();
    message().focus();
    await push(...QUESTION);
    expect(document.activeElement).toBe(message());
    expect(find("[role=group][aria-label='Question: Which year?']")).not.toBeNull();
    button("2025")?.click();
    button("2024")?.click();
    await push();
    expect(commands("answer")).toMatchObject([{ run: "r1", callId: "c1", output: "2025" }]);
    await push({ type: "tool-output-available", toolCallId: "c1", output: "2025" });
    expect(find(".cw-question")).toBeNull();
  });

  it("takes another answer, by Enter, and no empty one", async () => {
    await start({}, QUESTION);
    const box = find<HTMLInputElement>("[aria-label='Another answer']");
    if (!box) throw new Error("no line to answer in");
    button("Answer")?.click();
    box.value = " all of them ";
    box.dispatchEvent(new Event("input", { bubbles: true }));
    await push();
    box.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true }));
    await push();
    expect(commands("answer")).toMatchObject([{ output: "all of them" }]);
  });

  it("is not there before the run waits, nor for a stranger's tool", async () => {
    await start({}, QUESTION.slice(0, -1));
    expect(find(".cw-question")).toBeNull();
  });
});

describe("the composer", () => {
  it("sends on Enter, breaks the line on Shift+Enter, and leaves Enter to an input method", async () => {
    await start({ kind: "panel", turns: [] });
    expect(message().getAttribute("aria-label")).toBe("Message");
    await write("what is df?");
    await press("Enter", { isComposing: true });
    expect((await press("Enter", { shiftKey: true })).defaultPrevented).toBe(false);
    expect(commands("send")).toEqual([]);
    await press("Enter");
    expect(commands("send")).toMatchObject([{ text: "what is df?" }]);
    expect(message().value).toBe("");
  });

  it("offers Stop in Send's place while a run goes on and nothing is written; Escape stops too", async () => {
    await start({}, BEGIN);
    expect(button("Stop")).toBeDefined();
    expect(button("Send")).toBeUndefined();
    await write("and then?");
    expect(button("Send")).toBeDefined();
    expect(button("Stop")).toBeUndefined();
    await press("Escape");
    expect(commands("stop")).toMatchObject([{ run: "r1" }]);
    await push({ type: "abort" });
    await write("");
    expect((button("Send") as HTMLButtonElement).disabled).toBe(true);
  });

  it("says when Stop has to wait for the cell", async () => {
    await start({}, BEGIN);
    model.deaf.add("stop");
    button("Stop")?.click();
    await push();
    expect(find("[role=log]")?.textContent).toContain("Stop takes effect when the cell ends");
  });

  it("holds a draft to be sent", async () => {
    await start({ turns: [], draft: "Why in @df?", notice: "Not sent: Run All." });
    expect(message().value).toBe("Why in @df?");
    expect(root.textContent).toContain("Not sent: Run All.");
    button("Send")?.click();
    await push();
    expect(commands("send")).toMatchObject([{ text: "Why in @df?" }]);
  });

  it("keeps its keys from the notebook", async () => {
    await start({ kind: "panel", turns: [] });
    const heard: string[] = [];
    for (const type of ["keydown", "keyup", "keypress"]) document.addEventListener(type, () => heard.push(type));
    for (const type of ["keydown", "keyup", "keypress"]) {
      message().dispatchEvent(new KeyboardEvent(type, { key: "d", bubbles: true }));
    }
    expect(heard).toEqual([]);
    expect(root.dataset.lmSuppressShortcuts).toBe("true");
  });

  it("is closed, with a sentence, when the kernel is gone", async () => {
    await start({}, BEGIN);
    model.kernelStatus("restarting");
    await push();
    expect(message().disabled).toBe(true);
    expect(root.textContent).toContain("The kernel was restarted or closed");
    expect(button("Stop")).toBeUndefined();
  });
});

describe("a session", () => {
  it("shows the same in several views, and what came before they were there", async () => {
    await start({}, [...BEGIN, { type: "text-start", id: "t" }, { type: "text-delta", id: "t", delta: "Hello" }]);
    const other = document.body.appendChild(document.createElement("div"));
    const remove = session.render(other);
    await push({ type: "text-delta", id: "t", delta: " there" });
    expect(find("[data-part=text]")?.textContent).toBe("Hello there");
    expect(other.querySelector("[data-part=text]")?.textContent).toBe("Hello there");
    remove();
    expect(other.textContent).toBe("");
    await push({ type: "text-delta", id: "t", delta: "!" });
    expect(find("[data-part=text]")?.textContent).toBe("Hello there!");
  });

  it("takes the messages that came before its code", async () => {
    model = new FakeModel(toView({ turns: [{ id: "q1", run: "r1", user: USER, status: "running", seq: 0 }] }));
    session = open(model, [{ run: "r1", from: 1, to: 2, chunks: BEGIN }]);
    root = document.body.appendChild(document.createElement("div"));
    session.render(root);
    await push({ type: "text-start", id: "t" });
    expect(find("[data-usage]")).toBeNull();
    expect(find(".cw-activity")).not.toBeNull();
  });

  it("puts its style into the page once, and offers Insert cell where the page can", async () => {
    const code = "```python\nx = 1\n```";
    await start({}, [
      ...BEGIN,
      { type: "text-start", id: "t" },
      { type: "text-delta", id: "t", delta: code },
      { type: "text-end", id: "t" },
    ]);
    session.render(document.body.appendChild(document.createElement("div")));
    expect(document.querySelectorAll("#copilot-widget-style, #copilot-record-rules").length).toBe(2);
    button("Insert cell")?.click();
    await vi.advanceTimersByTimeAsync(0);
    expect(model.cells).toMatchObject([{ cell_type: "code", source: "x = 1" }]);
  });
});

describe("after a restart of the kernel", () => {
  const elsewhere = {
    turns: [{ id: "q1", run: "r1", user: USER, status: "running" as const, seq: 0, elsewhere: true }],
  };
  const begun: UIMessageChunk[] = [
    ...BEGIN,
    { type: "text-start", id: "t" },
    { type: "text-delta", id: "t", delta: "One" },
  ];

  it("goes on with a run that is executed elsewhere, from where it was, in the same place", async () => {
    await start(elsewhere, begun);
    await write("a draft");
    model.kernelStatus("restarting");
    await push();
    expect(message().disabled).toBe(true);
    expect(root.textContent).toContain("this run goes on elsewhere");
    model.runCell("1 + 1");
    await push();
    expect(commands("attach")).toEqual([]);

    model.runCell("%load_ext copilot_widget");
    await push();
    const [asked] = commands("attach");
    expect(asked).toMatchObject({ runs: ["r1"], kind: "turn", heir: expect.stringMatching(/^[0-9a-f]{32}$/) });
    const log: UIMessageChunk[] = [...begun, { type: "text-delta", id: "t", delta: ", two" }];
    const heir = new FakeModel(
      toView({
        ...elsewhere,
        kind: "turn",
        widget: String(asked?.heir),
        turns: [{ ...elsewhere.turns[0], seq: 5 }],
      } as View),
    );
    heir.log.set("r1", log);
    const later = open(heir, []);
    heir.on("msg:custom", (content) => later.receive(content));
    await push();
    expect(find("[data-part=text]")?.textContent).toBe("One, two");
    expect(heir.received.flatMap(({ runs }) => runs ?? [])).toEqual([{ run: "r1", after: 4 }]);
    expect(message().disabled).toBe(false);
    expect(message().value).toBe("a draft");
    expect(root.textContent).not.toContain("restarted");
    heir.push("r1", { type: "text-end", id: "t" }, ...END);
    await push();
    expect(find("[data-usage]")).not.toBeNull();
    model.runCell("%copilot again");
    await push();
    expect(commands("attach").length).toBe(1);
    later.close();
  });

  it("asks for nothing where every run ended with the kernel", async () => {
    await start({}, begun);
    model.kernelStatus("restarting");
    model.runCell("%load_ext copilot_widget");
    await push();
    expect(commands("attach")).toEqual([]);
    expect(root.textContent).toContain("cannot go on here");
  });

  it("asks again after the next cell where the extension was not there", async () => {
    await start(elsewhere, begun);
    model.deaf.add("attach");
    model.kernelStatus("autorestarting");
    model.runCell("import copilot_wigdet");
    await push();
    model.runCell("%load_ext copilot_widget");
    await push();
    expect(commands("attach").length).toBe(2);
  });
});
