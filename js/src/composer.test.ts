// @vitest-environment jsdom
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { FakeModel } from "../dev/fake-model.ts";
import { kindOf, MOST_BYTES, sizeOf } from "./assist/files.ts";
import type { UIMessageChunk } from "./protocol-types.ts";
import { type RunStatus, type Turn, toView, type View } from "./view.ts";
import { open, type Session } from "./widget.tsx";

// jsdom can't import from a Blob: the part comes as a module, all else of it is real.
vi.mock("./asset.ts", async (original) => {
  const loadAsset = async (name: string) => {
    if (name !== "assist.js") throw new Error(`no ${name} here`);
    return await import("./parts/assist.ts"); // it imports what imports the module made here
  };
  return { ...(await original<object>()), loadAsset };
});

let model: FakeModel;
let session: Session;
let root: HTMLElement;

const turn = (id: string, text: string, status: RunStatus, seq = 0): Turn => ({
  id,
  run: id,
  user: { id: `${id}-user`, role: "user", parts: [{ type: "text", text }] },
  status,
  seq,
});
const ANSWER: UIMessageChunk[] = [
  { type: "start", messageId: "m1" },
  { type: "start-step" },
  { type: "text-start", id: "t" },
  { type: "text-delta", id: "t", delta: "So **it** is." },
  { type: "text-end", id: "t" },
  { type: "finish-step" },
  { type: "finish", messageMetadata: { steps: 1 } },
];

async function start(view: Partial<View> = {}): Promise<void> {
  const name = { name: "demo", badge: "", reason: "" };
  model = new FakeModel(
    toView({ kind: "panel", widget: "fake", model: name, models: ["demo", "openai/gpt-5"], ...view }),
  );
  session = open(model, []);
  model.on("msg:custom", (message) => session.receive(message));
  root = document.body.appendChild(document.createElement("div"));
  session.render(root);
  await settle();
  box().focus();
  await settle();
}

const settle = () => vi.advanceTimersByTimeAsync(1_500);
const all = (selector: string): HTMLElement[] => [...root.querySelectorAll<HTMLElement>(selector)];
const box = () => root.querySelector("textarea") as HTMLTextAreaElement;
const byName = (name: string) =>
  all("button").find((one) => (one.getAttribute("aria-label") ?? one.textContent?.trim()) === name);
const options = () => all("[role=option]");
const sent = (name: string) => model.received.filter(({ command }) => command === name);

async function write(text: string, caret = text.length): Promise<void> {
  box().value = text;
  box().setSelectionRange(caret, caret);
  box().dispatchEvent(new Event("input", { bubbles: true }));
  await settle();
}

async function press(key: string, target: HTMLElement = box(), more: KeyboardEventInit = {}): Promise<KeyboardEvent> {
  const event = new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...more });
  target.dispatchEvent(event);
  await settle();
  return event;
}

/** Offers these for the word at the caret, as the kernel does. */
function offer(kind: string, ...texts: string[]): void {
  model.answers.set("complete", ({ text, cursor }) => {
    const before = String(text).slice(0, Number(cursor));
    const begin = Math.max(before.lastIndexOf("@"), before.lastIndexOf("/"));
    const items = texts.filter((one) => one.startsWith(before.slice(begin)));
    return { items: items.map((one) => ({ text: one, start: begin, end: Number(cursor), kind, detail: "int · 1" })) };
  });
}

beforeAll(async () => void (await import("./parts/assist.ts"))); // later the clock stands still
beforeAll(() => {
  Element.prototype.scrollIntoView = () => {}; // jsdom lays nothing out
});
beforeEach(() => void vi.useFakeTimers());
afterEach(async () => {
  await vi.advanceTimersByTimeAsync(3_000);
  session.close();
  document.body.textContent = "";
  vi.useRealTimers();
});

describe("the menu", () => {
  it("opens at the caret's word, is named by the box, and puts in what is chosen there", async () => {
    await start();
    offer("variable", "@df", "@dogs", "@x");
    await write("mean of @d per year", 10);
    expect(options().map((option) => option.textContent)).toEqual(["@dfvariableint · 1", "@dogsvariableint · 1"]);
    const list = root.querySelector("[role=listbox]") as HTMLElement;
    expect(list.getAttribute("aria-label")).toBeTruthy();
    expect(box().getAttribute("aria-controls")).toBe(list.id);
    expect(box().getAttribute("aria-activedescendant")).toBe(options()[0]?.id);
    await press("ArrowDown");
    expect(options().map((option) => option.getAttribute("aria-selected"))).toEqual(["false", "true"]);
    expect(box().getAttribute("aria-activedescendant")).toBe(options()[1]?.id);
    expect((await press("ArrowDown")).defaultPrevented).toBe(true);
    await press("ArrowUp");
    await press("Tab");
    expect([box().value, box().selectionStart]).toEqual(["mean of @dogs per year", 13]);
    expect(options()).toEqual([]);
    expect(box().hasAttribute("aria-activedescendant")).toBe(false);
    expect(sent("send")).toEqual([]);
  });

  it("chooses by mouse without taking the focus, and leaves Enter to an input method", async () => {
    await start();
    offer("variable", "@df");
    await write("@");
    await press("Enter", box(), { isComposing: true });
    expect(box().value).toBe("@");
    const down = new MouseEvent("mousedown", { bubbles: true, cancelable: true });
    options()[0]?.dispatchEvent(down);
    expect(down.defaultPrevented).toBe(true);
    options()[0]?.click();
    await settle();
    expect(box().value).toBe("@df");
    expect(document.activeElement).toBe(box());
  });

  it("is closed by Esc for this word, before Esc stops a run", async () => {
    await start({ turns: [turn("r1", "go", "running")] });
    offer("command", "/help", "/history");
    await write("/h");
    expect(options()).toHaveLength(2);
    await press("Escape");
    expect(options()).toEqual([]);
    expect(sent("stop")).toEqual([]);
    await write("/he");
    expect(options()).toEqual([]);
    await press("Escape");
    expect(sent("stop")).toHaveLength(1);
    await write("so ");
    await write("/h");
    expect(options()).toHaveLength(2);
  });

  it("lets Enter send what is typed out, and writes a blank after a command", async () => {
    await start();
    offer("command", "/help");
    await write("/he");
    await press("Enter");
    expect(box().value).toBe("/help ");
    await write("/help");
    expect(options()).toHaveLength(1);
    await press("Enter");
    expect(sent("send").map(({ text }) => text)).toEqual(["/help"]);
  });

  it("asks nothing where nothing begins, and drops an answer that comes too late", async () => {
    await start();
    offer("variable", "@df");
    for (const text of ["me@home.org", "1/2", "a path /usr", "plain"]) await write(text);
    expect(sent("complete")).toEqual([]);
    box().value = "@d";
    box().dispatchEvent(new Event("input", { bubbles: true }));
    box().value = "gone";
    box().dispatchEvent(new Event("input", { bubbles: true }));
    await settle();
    expect(options()).toEqual([]);
    model.answers.set("complete", () => {
      throw new Error("no");
    });
    await write("@d");
    expect(options()).toEqual([]);
  });
});

describe("recall", () => {
  it("goes back and forward through what was said, and loses no draft", async () => {
    await start({ turns: [turn("r1", "first", "completed"), turn("r2", "two\nlines", "completed")] });
    await press("ArrowUp");
    expect(box().value).toBe("two\nlines");
    await press("ArrowUp"); // the caret is in the second line: the key moves it
    expect(box().value).toBe("two\nlines");
    box().setSelectionRange(0, 0);
    await press("ArrowUp");
    expect(box().value).toBe("first");
    expect((await press("ArrowUp")).defaultPrevented).toBe(false);
    await press("ArrowDown");
    await press("ArrowDown");
    expect(box().value).toBe("");
    await write("a draft");
    await press("ArrowUp");
    expect(box().value).toBe("a draft");
    await write("");
    await press("ArrowUp");
    await write("two\nlines, changed");
    box().setSelectionRange(0, 0);
    await press("ArrowUp");
    expect(box().value).toBe("two\nlines, changed");
  });
});

describe("commands that tell", () => {
  it("leave a note that says it is no part of the conversation, and can be dismissed", async () => {
    await start({ turns: [turn("r1", "go", "completed")] });
    model.answers.set("send", () => ({ note: "| a |\n| --- |\n| **1** |" }));
    await write("/usage");
    await press("Enter");
    const note = root.querySelector("section") as HTMLElement;
    expect(note.getAttribute("aria-label")).toBe("/usage, not part of the conversation");
    expect(note.querySelector("table strong")?.textContent).toBe("1");
    expect(all("article")).toHaveLength(1);
    byName("Dismiss /usage")?.click();
    await settle();
    expect(root.querySelector("section")).toBeNull();
    await press("ArrowUp");
    expect(box().value).toBe("/usage");
  });

  it("that are none stay with the reason", async () => {
    await start();
    model.answers.set("send", () => {
      throw new Error("There is no command /fxi.");
    });
    await write("/fxi");
    await press("Enter");
    expect(root.textContent).toContain("There is no command /fxi. Try another.");
  });

  it("draws a line where something begins anew", async () => {
    await start({
      turns: [turn("r1", "a", "completed"), { ...turn("r2", "b", "completed"), divider: "new conversation" }],
      divider: "forgotten above",
    });
    expect(all(".cw-divider").map((line) => line.textContent)).toEqual(["new conversation", "forgotten above"]);
  });

  it("promises what the kernel offers: no button where no model can be chosen", async () => {
    await start({ models: [], placeholder: "Ask…" });
    expect(box().placeholder).toBe("Ask…");
    expect(root.querySelector(".cw-header")?.textContent).toBe("copilotdemo");
    expect(all(".cw-header button")).toEqual([]);
  });

  it("choose a model by the header's button, also one that is typed", async () => {
    await start();
    const button = byName("Model: demo") as HTMLButtonElement;
    button.click();
    await settle();
    expect(button.getAttribute("aria-expanded")).toBe("true");
    expect(options().map((option) => option.textContent)).toEqual(["demoin use", "openai/gpt-5"]);
    await press("ArrowDown", document.activeElement as HTMLElement);
    await press("Enter", document.activeElement as HTMLElement);
    expect(sent("send").map(({ text }) => text)).toEqual(["/model openai/gpt-5"]);
    expect(document.activeElement).toBe(button);
    button.click();
    await settle();
    const field = document.activeElement as HTMLInputElement;
    field.value = "ollama/qwen3";
    field.dispatchEvent(new Event("input", { bubbles: true }));
    await press("Enter", field);
    expect(sent("send").at(-1)?.text).toBe("/model ollama/qwen3");
    button.click();
    await settle();
    await press("Escape", document.activeElement as HTMLElement);
    expect(options()).toEqual([]);
    expect(button.getAttribute("aria-expanded")).toBe("false");
  });
});

describe("the last turn", () => {
  async function answered(): Promise<void> {
    await start({ turns: [turn("r0", "before", "completed"), turn("r1", "why?", "running")] });
    model.push("r1", ...ANSWER);
    await settle();
  }

  it("is edited: the new one takes its place", async () => {
    await answered();
    expect(all("[aria-label='Edit message']")).toHaveLength(1);
    byName("Edit message")?.click();
    await settle();
    expect(box().value).toBe("why?");
    expect(document.activeElement).toBe(box());
    model.answers.set("send", () => ({ turn: turn("r2", "how?", "running"), replaces: "r1" }));
    await write("how?");
    await press("Enter");
    expect(sent("send")).toMatchObject([{ text: "how?", replaces: "r1" }]);
    expect(all("[data-part=prompt] > p").map((line) => line.textContent)).toEqual(["before", "how?"]);
    expect(box().value).toBe("");
  });

  it("is left alone when the edit is cancelled", async () => {
    await answered();
    byName("Edit message")?.click();
    await settle();
    await press("Escape");
    expect(box().value).toBe("");
    await write("more");
    await press("Enter");
    expect(sent("send")[0]).not.toHaveProperty("replaces");
  });

  it("is answered again, and copied as it was written", async () => {
    await answered();
    const written: string[] = [];
    vi.stubGlobal("navigator", { clipboard: { writeText: async (text: string) => void written.push(text) } });
    byName("Copy answer")?.click();
    all("[aria-label='Copy message']").at(-1)?.click();
    await vi.advanceTimersByTimeAsync(100);
    expect(written).toEqual(["So **it** is.", "why?"]);
    expect(all("[role=status]").map((one) => one.textContent)).toContain("Copied");
    vi.unstubAllGlobals();
    model.answers.set("regenerate", () => ({ turn: turn("r2", "why?", "running"), replaces: "r1" }));
    byName("Answer again")?.click();
    await settle();
    expect(sent("regenerate")).toMatchObject([{ run: "r1" }]);
    expect(all("article")).toHaveLength(2);
    expect(root.textContent).not.toContain("So it is.");
  });

  it("is taken back while it waits in the queue", async () => {
    await start({ turns: [turn("r1", "go", "running"), turn("r2", "and then?", "queued")] });
    byName("Take back")?.click();
    await settle();
    expect(sent("withdraw")).toMatchObject([{ run: "r2" }]);
    session.receive({ type: "view", view: { turns: [turn("r1", "go", "running")] } });
    await settle();
    expect(root.textContent).not.toContain("and then?");
  });
});

describe("files", () => {
  const give = async (type: string, ...files: File[]) => giveWith("", type, ...files);
  const giveWith = async (text: string, type: string, ...files: File[]) => {
    const event = new Event(type, { bubbles: true, cancelable: true });
    const data = { files, types: ["Files"], getData: (kind: string) => (kind === "text/plain" ? text : "") };
    Object.assign(event, { [type === "paste" ? "clipboardData" : "dataTransfer"]: data });
    box().dispatchEvent(event);
    await readFiles();
    return event;
  };
  /** A file is read by jsdom's own clock. */
  const readFiles = async () => {
    await settle();
    vi.useRealTimers();
    await new Promise((resolve) => setTimeout(resolve, 50));
    vi.useFakeTimers();
    await settle();
  };
  const chips = () => all(".cw-chip-name").map((name) => name.textContent);
  const png = () => new File([new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0])], "a.png", { type: "image/png" });

  it("are pasted or dropped, named with their size, removed, and go with the message", async () => {
    await start();
    expect((await give("paste", png())).defaultPrevented).toBe(true);
    await give("drop", new File(["x = 1\n"], "b.py"), new File(["gone"], "c.txt", { type: "text/plain" }));
    expect(all(".cw-chip").map((chip) => chip.textContent)).toEqual(["a.png5 B×", "b.py6 B×", "c.txt4 B×"]);
    byName("Remove c.txt")?.click();
    await settle();
    expect(document.activeElement).toBe(box());
    await press("Enter");
    expect(all(".cw-chip")).toEqual([]);
    expect(sent("send")).toMatchObject([
      {
        text: "",
        attachments: [
          { url: "data:image/png;base64,iVBORwA=", mediaType: "image/png", filename: "a.png" },
          { url: "data:text/plain;base64,eCA9IDEK", mediaType: "text/plain", filename: "b.py" },
        ],
      },
    ]);
  });

  it("do not take the place of a text that is pasted with its picture, as Excel does it", async () => {
    await start();
    expect((await giveWith("month\trevenue", "paste", png())).defaultPrevented).toBe(false);
    expect(chips()).toEqual([]);
    expect((await giveWith("a.png", "paste", png())).defaultPrevented).toBe(true); // a file's own name, as macOS does it
    expect(chips()).toEqual(["a.png"]);
  });

  it("come back when their message is refused", async () => {
    await start();
    await give("paste", png());
    model.answers.set("send", () => {
      throw Object.assign(new Error("/help takes no files."), { code: "usage" });
    });
    await write("/help");
    await press("Enter");
    expect(all(".cw-sending .cw-problem")).toHaveLength(1);
    expect(chips()).toEqual(["a.png"]);
    model.answers.delete("send");
    await write("look");
    await press("Enter");
    expect(chips()).toEqual([]);
    const file = { url: "data:image/png;base64,iVBORwA=", mediaType: "image/png", filename: "a.png" };
    expect(sent("send").at(-1)).toMatchObject({ text: "look", attachments: [file] });
    await give("paste", png());
    model.answers.set("send", () => {
      throw new Error("no");
    });
    await press("Enter");
    byName("Remove a.png")?.click();
    await settle();
    expect(chips()).toEqual([]);
    expect(byName("Send")?.hasAttribute("disabled")).toBe(true);
  });

  it("of a message are its chips while it is edited, and go along again unless they are removed", async () => {
    const before = turn("r1", "what is thsi in @df?", "running");
    const url = "data:image/png;base64,iVBORwA=";
    before.user.parts.push(
      { type: "data-context", data: { name: "@df", text: "DataFrame" } },
      { type: "data-context", data: { name: "b.py", text: "é = 1" } },
      { type: "file", url, mediaType: "image/png", filename: "a.png" },
    );
    await start({ turns: [before] });
    model.push("r1", ...ANSWER);
    await settle();
    byName("Edit message")?.click();
    await readFiles();
    expect(chips()).toEqual(["b.py", "a.png"]);
    await press("Escape");
    expect(chips()).toEqual([]);
    byName("Edit message")?.click();
    await readFiles();
    byName("Remove b.py")?.click();
    await write("what is this in @df?");
    await press("Enter");
    const [{ attachments } = {}] = sent("send") as { attachments?: unknown }[];
    expect(attachments).toEqual([{ url, mediaType: "image/png", filename: "a.png" }]);
    expect(chips()).toEqual([]);
  });

  it("that are large go in pieces before the message", async () => {
    await start();
    await give("drop", new File(["é".repeat(600_000)], "big.txt", { type: "text/plain" }));
    await write("read it");
    await press("Enter");
    const pieces = sent("upload");
    expect(pieces.map(({ at }) => at)).toEqual([0, 1_000_000]);
    expect(pieces.map(({ data }) => String(data)).join("")).toHaveLength(1_600_000);
    const [{ attachments } = {}] = sent("send") as { attachments?: unknown }[];
    expect(attachments).toEqual([{ upload: pieces[0]?.upload, mediaType: "text/plain", filename: "big.txt" }]);
  });

  it("that cannot go along are named with the reason, and hold nothing up", async () => {
    await start();
    const large = Object.defineProperty(png(), "size", { value: MOST_BYTES + 1 });
    await give("drop", large, new File([new Uint8Array([80, 75, 3, 4, 0])], "d.zip", { type: "application/zip" }));
    expect(all("[role=alert]").map((line) => line.textContent)).toEqual([
      "a.png is larger than 20 MB. Send a smaller part of it. Dismiss",
      "d.zip is neither a picture (PNG, JPEG, GIF, WebP) nor text. Dismiss",
    ]);
    expect(all(".cw-chip")).toEqual([]);
    vi.useRealTimers();
    expect(await kindOf(new File(["<svg/>"], "e.svg", { type: "image/svg+xml" }))).toBe("text/plain");
    expect(await kindOf(new File([new Uint8Array([1])], "f.tiff", { type: "image/tiff" }))).toBeNull();
    expect([0, 999, 1_500, 20_000_000].map(sizeOf)).toEqual(["0 B", "999 B", "2 kB", "20.0 MB"]);
    vi.useFakeTimers();
  });
});
