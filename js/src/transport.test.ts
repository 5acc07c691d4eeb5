import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Command } from "./commands.ts";
import type { AnyModel, Comm, Kernel } from "./host.ts";
import { COMM_TARGET, CONTROL_TYPE, Transport } from "./transport.ts";

/** The page's end of a kernel connection: records what is sent, answers when told. */
class FakeKernel implements Kernel {
  clientId = "client";
  onComm: Command[] = [];
  onControl: { header: { msg_type: string }; content: Command }[] = [];
  comms: (Comm & { opened: boolean; target: string })[] = [];
  subshell: { started: () => void };
  statusChanged = signal<string>();
  connectionStatusChanged = signal<string>();
  isDisposed = false;
  #futures: { onReply: (message: { content: unknown }) => void }[] = [];

  constructor() {
    this.subshell = { started: () => undefined };
  }

  createComm(target: string): Comm {
    const started = new Promise<void>((resolve) => (this.subshell.started = resolve));
    const comm = {
      opened: false,
      target,
      subshellStarted: started,
      open: () => (comm.opened = true),
      send: (data: unknown) => this.onComm.push(data as Command),
      onMsg: (_message: { content: { data: unknown } }) => undefined,
      onClose: () => undefined,
    };
    this.comms.push(comm);
    return comm;
  }

  sendControlMessage(message: unknown) {
    this.onControl.push(message as { header: { msg_type: string }; content: Command });
    const future = { onReply: () => undefined };
    this.#futures.push(future);
    return future;
  }

  replyOnComm(reply: unknown): void {
    this.comms[0]?.onMsg({ content: { data: reply } });
  }

  replyOnControl(reply: unknown): void {
    for (const future of this.#futures) future.onReply({ content: reply });
  }
}

function signal<T>() {
  const slots = new Set<(sender: unknown, value: T) => void>();
  return {
    connect: (slot: (sender: unknown, value: T) => void) => slots.add(slot),
    disconnect: (slot: (sender: unknown, value: T) => void) => slots.delete(slot),
    emit: (value: T) => {
      for (const slot of slots) slot(null, value);
    },
    slots,
  };
}

class FakeModel implements AnyModel {
  sent: Command[] = [];
  own: { comm_live: boolean; get: () => unknown; on: (event: string, callback: () => void) => void } | undefined;
  widget_manager;

  constructor(kernel: Kernel | null) {
    this.widget_manager = { kernel, get_model: async () => this.own };
  }
  get = () => undefined;
  send = (content: unknown) => void this.sent.push(content as Command);
  on = () => undefined;
  off = () => undefined;
}

function transport(kernel: Kernel | null, model = new FakeModel(kernel)) {
  const lifetime = new AbortController();
  return { transport: new Transport(model, "w1", lifetime.signal), model, lifetime };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const opened = async (kernel: FakeKernel) => {
  kernel.subshell.started();
  await vi.advanceTimersByTimeAsync(0);
};

describe("Transport", () => {
  it("sends each command on both routes, under one id, and takes the first answer", async () => {
    const kernel = new FakeKernel();
    const { transport: line } = transport(kernel);
    const answer = line.send("stop", { run: "r1" });
    await opened(kernel);
    const [command] = kernel.onComm;
    expect(command).toMatchObject({ command: "stop", run: "r1", widget: "w1" });
    expect(command?.id).toBe(`${command?.page}-${command?.n}`);
    expect(kernel.onControl[0]).toMatchObject({
      channel: "control",
      header: { msg_type: CONTROL_TYPE },
      content: command,
    });
    expect(kernel.comms[0]).toMatchObject({ target: COMM_TARGET, opened: true });
    kernel.replyOnControl({ id: command?.id, ok: true, result: "first" });
    kernel.replyOnComm({ id: command?.id, ok: true, result: "second" });
    await expect(answer).resolves.toBe("first");
  });

  it("opens another comm after a restart has disposed the first, and asks on that alone whether its runs go on", async () => {
    const kernel = new FakeKernel();
    const { transport: line } = transport(kernel);
    void line.send("hello").catch(() => undefined);
    await opened(kernel);
    kernel.statusChanged.emit("restarting");
    Object.assign(kernel.comms[0] as Comm, { isDisposed: true });
    const sent = kernel.onControl.length;
    const answer = line.attach({ runs: ["r1"] });
    await opened(kernel);
    expect(kernel.comms.length).toBe(2);
    const asked = kernel.onComm.at(-1);
    expect(asked).toMatchObject({ command: "attach", runs: ["r1"], widget: "w1" });
    expect(kernel.onControl.length).toBe(sent);
    kernel.comms[1]?.onMsg({ content: { data: { id: asked?.id, ok: true, result: { runs: ["r1"] } } } });
    await expect(answer).resolves.toEqual({ runs: ["r1"] });
  });

  it("never gives two commands one id", async () => {
    const kernel = new FakeKernel();
    const { transport: one } = transport(kernel);
    const { transport: other } = transport(kernel);
    void one.send("hello");
    void other.send("hello");
    void one.send("hello");
    const ids = kernel.onControl.map(({ content }) => content.id);
    expect(new Set(ids).size).toBe(3);
    expect(kernel.comms.length).toBe(1); // one comm a kernel, whatever the number of widgets
  });

  it("waits for the comm's subshell for a second, not longer; the control channel does not wait", async () => {
    const kernel = new FakeKernel();
    const { transport: line } = transport(kernel);
    void line.send("hello");
    await vi.advanceTimersByTimeAsync(999);
    expect(kernel.onControl.length).toBe(1);
    expect(kernel.onComm.length).toBe(0);
    await vi.advanceTimersByTimeAsync(1);
    expect(kernel.onComm.length).toBe(1);
  });

  it("reads by the comm, and by the control channel only when the comm does not answer in time", async () => {
    const kernel = new FakeKernel();
    const { transport: line } = transport(kernel);
    void line.send("stop", { run: "r1" }); // opens the comm
    await opened(kernel);
    const quick = line.send("resume", { run: "r1" });
    kernel.replyOnComm({ id: kernel.onComm.at(-1)?.id, ok: true, result: "quick" });
    await expect(quick).resolves.toBe("quick");
    await vi.advanceTimersByTimeAsync(1_000);
    expect(kernel.onControl.length).toBe(1);
    const slow = line.send("resume", { run: "r1" });
    await vi.advanceTimersByTimeAsync(300);
    expect(kernel.onControl.length).toBe(2);
    kernel.replyOnControl({ id: kernel.onControl[1]?.content.id, ok: true, result: "slow" });
    await expect(slow).resolves.toBe("slow");
  });

  it("uses the widget's own comm where there is no other route", async () => {
    const { transport: line, model } = transport(null);
    const answer = line.send("hello");
    expect(line.receive({ type: "turn" })).toBe(false);
    expect(line.receive({ type: "reply", id: model.sent[0]?.id, ok: true, result: 7 })).toBe(true);
    await expect(answer).resolves.toBe(7);
  });

  it("uses the control channel alone where comms are disabled", async () => {
    const kernel = new FakeKernel();
    kernel.createComm = () => {
      throw new Error("Comms are disabled on this kernel connection");
    };
    const { transport: line, model } = transport(kernel);
    const answer = line.send("hello");
    kernel.replyOnControl({ id: kernel.onControl[0]?.content.id, ok: true, result: 1 });
    await expect(answer).resolves.toBe(1);
    expect(model.sent).toEqual([]);
  });

  it("turns a refusal into an error with words for the user", async () => {
    const { transport: line, model } = transport(null);
    const answer = line.send("approve");
    const error = { code: "answered", message: "Answered already.", hint: "Nothing to do." };
    line.receive({ type: "reply", id: model.sent[0]?.id, ok: false, error });
    await expect(answer).rejects.toMatchObject(error);
  });

  it("sends again what is unanswered after a reconnect, and only then", async () => {
    const kernel = new FakeKernel();
    const { transport: line } = transport(kernel);
    const states: string[] = [];
    line.listen((state) => states.push(state));
    const answer = line.send("send", { text: "hi" }).catch(({ code }) => code);
    await opened(kernel);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(kernel.onControl.length).toBe(1);
    kernel.connectionStatusChanged.emit("connecting");
    kernel.connectionStatusChanged.emit("connected");
    expect(kernel.onControl.map(({ content }) => content.id)).toEqual(Array(2).fill(kernel.onControl[0]?.content.id));
    expect(states).toEqual(["reconnecting", "connected"]);
    kernel.isDisposed = true; // shut down by its menu: nothing says that it is dead
    kernel.connectionStatusChanged.emit("disconnected");
    expect(states.at(-1)).toBe("gone");
    expect(await answer).toBe("kernel-gone");
  });

  it.each(["restarting", "autorestarting", "dead"])("is over when the kernel is %s", async (status) => {
    const kernel = new FakeKernel();
    const { transport: line } = transport(kernel);
    const answer = line.send("send", { text: "hi" });
    kernel.statusChanged.emit("busy");
    expect(line.connection).toBe("connected");
    kernel.statusChanged.emit(status);
    expect(line.connection).toBe("gone");
    await expect(answer).rejects.toMatchObject({ code: "kernel-gone" });
    await expect(line.send("hello")).rejects.toMatchObject({ code: "kernel-gone" });
    kernel.connectionStatusChanged.emit("connected");
    expect(line.connection).toBe("gone");
  });

  it("is over when the widget manager says that the model's comm is dead", async () => {
    const model = new FakeModel(null);
    let update = () => {};
    model.own = { comm_live: true, get: () => undefined, on: (_, callback) => (update = callback) };
    const { transport: line } = transport(null, model);
    await vi.advanceTimersByTimeAsync(0);
    update();
    expect(line.connection).toBe("connected");
    model.own.comm_live = false;
    update();
    expect(line.connection).toBe("gone");
  });

  it("leaves nothing behind when its model goes", async () => {
    const kernel = new FakeKernel();
    const { transport: line, lifetime } = transport(kernel);
    const answer = line.send("hello");
    lifetime.abort();
    await expect(answer).rejects.toMatchObject({ code: "closed" });
    expect(kernel.statusChanged.slots.size + kernel.connectionStatusChanged.slots.size).toBe(0);
  });
});
