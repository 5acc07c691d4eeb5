/** Draws the scenes; `window.scenes` lets a test or a curious reader play with their models. */

import assist from "asset:assist.js";
import colours from "asset:colours.js";
import html from "asset:html.js";
import languages from "asset:languages.js";
import markdown from "asset:markdown.js";
import math from "asset:math.js";
import sort from "asset:sort.js";
import { toView, type View } from "../src/view.ts";
import { open } from "../src/widget.tsx";
import { FakeModel } from "./fake-model.ts";
import { type Scene, scenes } from "./scenes.ts";

const query = new URLSearchParams(location.search);
const wanted = query.get("scene");
const width = query.get("width");

function viewOf(scene: Scene): View {
  const user = {
    id: "u1",
    role: "user" as const,
    parts: [
      { type: "text" as const, text: "Why is revenue negative in @df?" },
      { type: "data-context" as const, data: { name: "@df", text: "DataFrame, 1,204 × 8\nqty int64\nprice float64" } },
    ],
  };
  return toView({
    kind: "turn",
    widget: "fake",
    thread: "t",
    model: { name: "openai/gpt-5", badge: "", reason: "OPENAI_API_KEY is set." },
    turns: [{ id: "q1", run: "r1", user, status: "running", seq: 0 }],
    ...scene.view,
  });
}

async function show(scene: Scene): Promise<FakeModel> {
  const title = document.createElement("h2");
  title.textContent = scene.name;
  const box = document.createElement("div");
  box.className = "jp-OutputArea-output";
  box.id = `scene-${scene.name}`;
  if (width) box.style.width = `${width}px`;
  document.getElementById("scenes")?.append(title, box);
  const model = new FakeModel(viewOf(scene), {
    "assist.js": assist,
    "colours.js": colours,
    "html.js": html,
    "markdown.js": markdown,
    "math.js": math,
    "sort.js": sort,
    "languages.js": languages,
  });
  const element = box.appendChild(document.createElement("div"));
  const session = open(model, []);
  model.on("msg:custom", (message) => session.receive(message));
  session.render(element);
  for (const chunk of scene.chunks) {
    model.push("r1", chunk);
    if (chunk.type.endsWith("-available") || chunk.type.endsWith("-delta"))
      await new Promise((next) => setTimeout(next, 15));
  }
  await new Promise((next) => setTimeout(next, 100));
  if (scene.after === "gone") model.kernelStatus("restarting");
  if (scene.after === "stop-late") {
    model.deaf.add("stop");
    for (const button of box.querySelectorAll("button")) if (button.textContent?.includes("Stop")) button.click();
  }
  if (scene.after === "open-rows") for (const row of box.querySelectorAll<HTMLElement>(".cw-row")) row.click();
  return model;
}

const chosen = scenes.filter(({ name }) => wanted === null || wanted.split(",").includes(name));
const models = Object.fromEntries(
  await Promise.all(chosen.map(async (scene) => [scene.name, await show(scene)] as const)),
);
await new Promise((next) => setTimeout(next, 600));
Object.assign(window, { scenes: models, ready: true });
