/** Files that go with the next message, as chips above the box. */

import type { UIMessage } from "../protocol-types.ts";
import { isDataPart } from "../protocol-types.ts";
import { removeFile, tooLarge, tooMany, unreadableFile, Words, wrongKind } from "../strings.ts";
import type { Place, Sent, Taken } from "./assist.ts";
import { make } from "./dom.ts";

export const MOST_BYTES = 20_000_000;
const MOST_FILES = 20;
/** Characters of base64 that travel in one message: a websocket of Jupyter's takes 10 MB at most. */
const PIECE = 1_000_000;
const PICTURES = /^image\/(?:png|jpe?g|gif|webp)$/;

interface Held {
  chip: HTMLElement;
  sent: Promise<Sent>;
  /** It came with the message that is edited. */
  isOld: boolean;
}

/** What a browser does not know is text where it can be read as one: .py, .ipynb, .toml. */
export async function kindOf(file: File): Promise<string | null> {
  if (PICTURES.test(file.type)) return file.type;
  if (file.type.startsWith("image/") && file.type !== "image/svg+xml") return null;
  const bytes = new Uint8Array((await read(file, "readAsArrayBuffer")) as ArrayBuffer);
  if (bytes.subarray(0, 8_000).includes(0)) return null;
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
  return /^text\//.test(file.type) ? file.type : "text/plain";
}

export function sizeOf(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  return bytes < 999_500 ? `${Math.round(bytes / 1_000)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

export class Files {
  readonly #place: Place;
  /** In the place while there are any; what was refused stands beside it. */
  readonly #list = make("div", { class: "cw-chips", role: "list", "aria-label": Words.Files });
  #held: Held[] = [];

  constructor(place: Place) {
    this.#place = place;
  }

  get count(): number {
    return this.#held.length;
  }

  add(files: Iterable<File>, isOld = false): void {
    for (const file of files) {
      const problem = this.#refusal(file);
      if (problem) this.#complain(problem);
      else this.#hold(file, isOld);
    }
    this.#place.changed();
  }

  edit(message?: UIMessage): void {
    for (const held of this.#held) if (held.isOld) this.#drop(held);
    if (message) this.add(filesOf(message), true);
  }

  browse(): void {
    const input = make("input", { type: "file", multiple: "" });
    input.addEventListener("change", () => this.add(input.files ?? []));
    input.click();
  }

  #refusal(file: File): string {
    if (file.size > MOST_BYTES) return tooLarge(file.name);
    if (this.#held.length >= MOST_FILES) return tooMany(file.name, MOST_FILES);
    return "";
  }

  #hold(file: File, isOld: boolean): void {
    const name = file.name || Words.Unnamed;
    const chip = make("span", { class: "cw-chip", role: "listitem" });
    const state = make("span", { class: "cw-muted" }, sizeOf(file.size));
    const held: Held = { chip, sent: this.#upload(file, name, state), isOld };
    chip.append(make("span", { class: "cw-chip-name", title: name }, name), state, this.#remover(name, held));
    this.#show(held);
    held.sent.catch((error: unknown) => {
      this.#drop(held);
      this.#complain(error instanceof Error ? error.message : String(error));
    });
  }

  #show(held: Held): void {
    this.#held.push(held);
    this.#list.append(held.chip);
    this.#place.chips.prepend(this.#list);
  }

  #remover(name: string, held: Held): HTMLElement {
    const button = make("button", { type: "button", class: "cw-chip-remove", "aria-label": removeFile(name) }, "×");
    button.addEventListener("click", () => {
      this.#drop(held);
      this.#place.box.focus({ preventScroll: true });
    });
    return button;
  }

  async #upload(file: File, filename: string, state: HTMLElement): Promise<Sent> {
    const mediaType = await kindOf(file);
    if (mediaType === null) throw new Error(wrongKind(filename));
    const data = await base64Of(file);
    if (data.length <= PIECE) return { url: `data:${mediaType};base64,${data}`, mediaType, filename };
    const upload = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
      byte.toString(16).padStart(2, "0"),
    ).join("");
    for (let at = 0; at < data.length; at += PIECE) {
      state.textContent = `${sizeOf(file.size)} · ${Math.floor((at / data.length) * 100)} %`;
      await this.#place.upload(upload, at, data.slice(at, at + PIECE));
    }
    state.textContent = sizeOf(file.size);
    return { upload, mediaType, filename };
  }

  #drop(held: Held): void {
    held.chip.remove();
    if (!this.#list.hasChildNodes()) this.#list.remove();
    this.#held = this.#held.filter((other) => other !== held);
    this.#place.changed();
  }

  /** Why a file does not go along; until the next one, or until it is clicked away. */
  #complain(problem: string): void {
    const line = make("p", { class: "cw-problem", role: "alert" }, `${problem} `);
    const button = make("button", { type: "button", class: "cw-button cw-quiet" }, Words.Dismiss);
    button.addEventListener("click", () => line.remove());
    line.append(button);
    this.#place.chips.append(line);
  }

  take(): Taken {
    const taken = this.#held;
    this.#held = [];
    this.#list.replaceChildren();
    this.#place.chips.replaceChildren();
    this.#place.changed();
    const giveBack = async () => {
      for (const held of taken) {
        const isThere = await held.sent.then(Boolean, () => false); // what could not be uploaded was said already
        if (!isThere) continue;
        held.isOld = false;
        this.#show(held);
      }
      this.#place.changed();
    };
    return { sent: Promise.all(taken.map(({ sent }) => sent)), giveBack: () => void giveBack() };
  }
}

/** The files that went with a message; a mention's text is not one of them. */
function filesOf(message: UIMessage): File[] {
  return message.parts.flatMap((part) => {
    if (isDataPart(part)) {
      const { name = "", text = "" } = (part.data ?? {}) as { name?: string; text?: string };
      const isFile = part.type === "data-context" && !name.startsWith("@");
      return isFile ? [new File([text], name, { type: "text/plain" })] : [];
    }
    const [, body] = (part.type === "file" && /^data:[^,]*;base64,(.*)$/.exec(part.url)) || [];
    if (part.type !== "file" || body === undefined) return [];
    const bytes = Uint8Array.from(atob(body), (character) => character.charCodeAt(0));
    return [new File([bytes], part.filename ?? "", { type: part.mediaType })];
  });
}

async function base64Of(file: File): Promise<string> {
  const url = String(await read(file, "readAsDataURL"));
  return url.slice(url.indexOf(",") + 1);
}

function read(file: File, as: "readAsArrayBuffer" | "readAsDataURL"): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(new Error(unreadableFile(file.name)));
    reader[as](file);
  });
}
