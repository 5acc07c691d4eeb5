/** What a code block's info string says of its language. */

const ALIASES: Record<string, string> = {
  py: "python",
  python3: "python",
  ipython: "python",
  pycon: "python",
  ipython3: "python",
  js: "javascript",
  jsx: "javascript",
  mjs: "javascript",
  ts: "javascript",
  tsx: "javascript",
  typescript: "javascript",
  jsonc: "json",
  json5: "json",
  ndjson: "json",
  jsonl: "json",
  sh: "bash",
  shell: "bash",
  zsh: "bash",
  console: "bash",
  postgresql: "sql",
  sqlite: "sql",
  mysql: "sql",
  patch: "diff",
};

/** The name under which a language is known here: "py" → "python". */
export function languageOf(info: string): string {
  const name = (/^[\w+#.-]+/.exec(info.trim()) ?? [""])[0].toLowerCase();
  return ALIASES[name] ?? name;
}
