/** Numbers as people read them. */
import { steps, tokensUsed, Words } from "./strings.ts";

/** 12 ms → "12 ms"; 840 ms → "0.8 s"; 125,000 ms → "2 min 5 s". */
export function duration(milliseconds: number): string {
  const seconds = milliseconds / 1000;
  if (seconds < 0.0995) return `${Math.round(milliseconds)} ms`;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 3_600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3_600)} h ${Math.floor((whole % 3_600) / 60)} min`;
}

/** 3,900 ms → "4 s": where tenths would be noise. */
export function roughDuration(milliseconds: number): string {
  const seconds = Math.max(1, Math.round(milliseconds / 1000));
  return seconds < 60 ? `${seconds} s` : duration(seconds * 1000);
}

/** 45,210 → "45.2k". */
export function tokens(count: number): string {
  if (count < 1_000) return String(count);
  if (count < 999_500) return `${short(count / 1_000)}k`;
  return `${short(count / 1_000_000)}M`;
}

const short = (value: number): string => (value < 99.95 ? value.toFixed(1).replace(/\.0$/, "") : value.toFixed(0));

/** US dollars; undefined: nobody knows the price. */
export function cost(dollars: number | undefined): string {
  if (dollars === undefined || !Number.isFinite(dollars)) return Words.PriceUnknown;
  if (dollars === 0) return "$0";
  if (dollars < 0.0001) return "< $0.0001";
  if (dollars >= 0.01) return `≈ $${dollars.toFixed(2)}`;
  return `≈ $${Number(dollars.toPrecision(2))}`;
}

/** The first line of a text, for a row. */
export function firstLine(text: string, limit = 160): string {
  const line = text.trimStart().split("\n", 1)[0] ?? "";
  return line.length > limit ? `${line.slice(0, limit - 1)}…` : line;
}

/** What a footer says of a run that has ended. */
export function usageLine(metadata: {
  model?: string;
  durationMs?: number;
  steps?: number;
  cost?: number;
  usage?: { promptTokens?: number; completionTokens?: number; cachedTokens?: number };
}): string {
  const { usage } = metadata;
  const words = [metadata.model ?? ""];
  if (metadata.durationMs !== undefined) words.push(duration(metadata.durationMs));
  if (metadata.steps !== undefined) words.push(steps(metadata.steps));
  if (usage) {
    const cached = usage.cachedTokens ? tokens(usage.cachedTokens) : "";
    words.push(tokensUsed(tokens(usage.promptTokens ?? 0), cached, tokens(usage.completionTokens ?? 0)));
    words.push(cost(metadata.cost));
  }
  return words.filter(Boolean).join(" · ");
}
