// @vitest-environment jsdom
import { beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { CommandError } from "./commands.ts";
import type { AnyModel } from "./host.ts";
import { Requests } from "./requests.ts";
import { page } from "./transport.ts";

const part = vi.hoisted(() => ({ load: async (): Promise<object> => ({}) }));
vi.mock("./asset.ts", () => ({ loadAsset: () => part.load() }));

let sent: { command: string; [argument: string]: unknown }[];
let answers: Record<string, (args: Record<string, unknown>) => unknown>;
let requests: Requests;

beforeAll(async () => {
  await import("./parts/desk.ts"); // the first time may take longer than anything here waits
});

beforeEach(() => {
  sent = [];
  answers = {};
  part.load = () => import("./parts/desk.ts");
  const send = async (command: string, args: Record<string, unknown> = {}) => {
    sent.push({ command, ...args });
    return answers[command]?.(args) ?? {};
  };
  requests = new Requests({} as AnyModel, ["w"], { send }, { fetchAsset: async () => "" });
});

const request = (id: string, to = page) => ({ type: "request", id, page: to, op: "cells" });
const settled = () => new Promise((resolve) => setTimeout(resolve, 50));

describe("requests of the kernel", () => {
  it("are for the page that they name, and are taken once", async () => {
    expect(requests.receive(request("q1", "another"))).toBe(true);
    expect(requests.receive(request("q2"))).toBe(true);
    expect(requests.receive(request("q2"))).toBe(true);
    expect(requests.receive({ type: "view" })).toBe(false);
    await settled();
    expect(sent.filter(({ command }) => command === "take").map(({ request }) => request)).toEqual(["q2"]);
  });

  it("are left alone where the kernel has gone on without this page", async () => {
    answers.take = () => {
      throw new CommandError("withdrawn", "No longer.");
    };
    requests.receive(request("q1"));
    await settled();
    expect(sent.map(({ command }) => command)).toEqual(["take"]);
  });

  it("are answered also where the page cannot do them", async () => {
    requests.receive(request("q1"));
    await settled();
    expect(sent.at(-1)).toMatchObject({ command: "deliver", request: "q1", error: { code: "no-document" } });
  });

  it("are not taken where the part does not come, and who clicked Undo is told", async () => {
    part.load = () => Promise.reject(new CommandError("no-asset", "There is no document.js."));
    requests.receive(request("q1"));
    await settled();
    expect(sent).toEqual([]);
    expect(await requests.undo("r", "c")).toContain("There is no document.js.");
  });

  it("say to whoever clicked Undo why nothing was undone", async () => {
    answers.undo = () => {
      throw new CommandError("unknown-change", "It is not known.", "Use Ctrl+Z.");
    };
    expect(await requests.undo("r", "c")).toBe("It is not known. Use Ctrl+Z.");
    answers.undo = () => ({ request: request("q7") });
    expect(await requests.undo("r", "c")).toContain("does not let cells be read");
    expect(sent.map(({ command }) => command)).toEqual(["undo", "undo", "take", "deliver"]);
  });
});
