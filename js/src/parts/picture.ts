/** A picture of a cell's outputs, drawn small enough for a model to look at. */
import { Words } from "../strings.ts";

type Output = Record<string, unknown>;

const FORMS = ["image/png", "image/jpeg", "image/gif", "image/webp", "image/svg+xml"];
/** Pixels of the longer side, and bytes: enough to read a plot by. */
const SIDE = 1024;
const BYTES = 300_000;
/** A page may wait for ever for a picture that it cannot read. */
const LOAD_MILLISECONDS = 5_000;

export interface Picture {
  mediaType: string;
  /** Base64. */
  data: string;
  width: number;
  height: number;
  /** Pictures that the cell shows. */
  count: number;
}

/**
 * The picture number `which` of a cell, from 1, the last one where it is not given: at most `SIDE` pixels long and
 * `BYTES` large. Undefined where there is none.
 */
export async function pictureOf(outputs: readonly Output[], which: unknown): Promise<Picture | undefined> {
  const found = outputs.map((output) => sourceOf((output.data ?? {}) as Output)).filter((source) => source !== "");
  const source = found[which ? Number(which) - 1 : found.length - 1];
  if (!source) return undefined;
  return { ...(await drawn(source)), count: found.length };
}

function sourceOf(data: Output): string {
  const mime = FORMS.find((form) => data[form]);
  if (!mime) return "";
  const value = data[mime];
  const text = Array.isArray(value) ? value.join("") : String(value);
  if (mime === "image/svg+xml") return `data:${mime};charset=utf-8,${encodeURIComponent(text)}`;
  return `data:${mime};base64,${text.replace(/\s+/g, "")}`;
}

/** As an <img>: nothing in it runs, and an svg in one loads nothing. */
async function drawn(source: string): Promise<Omit<Picture, "count">> {
  const image = new Image();
  await new Promise((resolve, reject) => {
    image.onload = resolve;
    image.onerror = () => reject(new Error(Words.PictureUnreadable));
    setTimeout(() => reject(new Error(Words.PictureLate)), LOAD_MILLISECONDS);
    image.src = source;
  });
  let scale = Math.min(1, SIDE / Math.max(image.naturalWidth, image.naturalHeight, 1));
  for (;;) {
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, Math.round((image.naturalWidth || SIDE) * scale));
    canvas.height = Math.max(1, Math.round((image.naturalHeight || SIDE) * scale));
    const context = canvas.getContext("2d");
    if (!context) throw new Error(Words.CannotDraw);
    context.fillStyle = "#fff"; // a model would see what is transparent as black
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.drawImage(image, 0, 0, canvas.width, canvas.height);
    for (const mediaType of ["image/png", "image/jpeg"]) {
      const data = canvas.toDataURL(mediaType, 0.85).split(",")[1] ?? "";
      if ((data.length * 3) / 4 <= BYTES) return { mediaType, data, width: canvas.width, height: canvas.height };
    }
    scale *= 0.7;
  }
}
