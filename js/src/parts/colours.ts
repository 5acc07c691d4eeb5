/**
 * On demand: colours for the languages that notebooks speak: one regular expression each, fast enough to run while code streams.
 * Class names are highlight.js's, which does the other languages (see languages.ts).
 */
import type { Coloured } from "../markdown/code.ts";
import { escapeHtml } from "../markdown/escape.ts";
import { addStyle } from "./add-style.ts";
import css from "./colours.css";

if (typeof document !== "undefined") addStyle("copilot-widget-colours", css);

type Kind =
  | "comment"
  | "string"
  | "number"
  | "keyword"
  | "literal"
  | "built_in"
  | "title"
  | "meta"
  | "attr"
  | "variable"
  | "addition"
  | "deletion";

interface Grammar {
  pattern: RegExp;
}

const words = (list: string): string => `\\b(?:${list.trim().replace(/\s+/g, "|")})\\b`;

/** Named groups are the kinds; the first that matches wins. */
function grammar(kinds: Partial<Record<Kind, string>>, flags = ""): Grammar {
  const source = Object.entries(kinds)
    .map(([kind, pattern]) => `(?<${kind}>${pattern})`)
    .join("|");
  return { pattern: new RegExp(source, `gm${flags}`) };
}

const NUMBER = String.raw`\b0[xobXOB][\da-fA-F_]+\b|\b\d[\d_]*(?:\.[\d_]*)?(?:[eE][+-]?\d+)?j?\b`;
const CALL = String.raw`\b[A-Za-z_]\w*(?=\s?\()`;
const QUOTED = String.raw`"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?`;

const python = grammar({
  comment: "#.*",
  string: String.raw`\b[rbufRBUF]{1,2}(?:"""[\s\S]*?(?:"""|$(?![\s\S]))|'''[\s\S]*?(?:'''|$(?![\s\S])))|\b[rbufRBUF]{1,2}(?:${QUOTED})|"""[\s\S]*?(?:"""|$(?![\s\S]))|'''[\s\S]*?(?:'''|$(?![\s\S]))|${QUOTED}`,
  meta: String.raw`^[ \t]*@[\w.]+|^[ \t]*[%!][\w%]+`,
  number: NUMBER,
  keyword: words(`and as assert async await break class continue def del elif else except finally for from global if
      import in is lambda match nonlocal not or pass raise return try while with yield`),
  literal: words("True False None"),
  built_in: words(`abs all any bool bytes callable chr dict dir enumerate eval exec filter float format frozenset
      getattr hasattr hash help id input int isinstance issubclass iter len list map max min next object open ord pow
      print property range repr reversed round self set setattr slice sorted staticmethod str sum super tuple type
      vars zip`),
  title: String.raw`(?=\w)(?<=\b(?:def|class)\s+)\w+|${CALL}`,
});

const javascript = grammar({
  comment: String.raw`\/\/.*|\/\*[\s\S]*?(?:\*\/|$(?![\s\S]))`,
  string: String.raw`\`(?:\\[\s\S]|[^\`\\])*\`?|${QUOTED}`,
  number: NUMBER,
  keyword:
    words(`as async await break case catch class const continue debugger default delete do else enum export extends
    finally for from function get if implements import in instanceof interface let new of return set static super switch
    this throw try type typeof var void while with yield`),
  literal: words("true false null undefined NaN Infinity"),
  built_in: words(
    "Array Boolean Date Error JSON Map Math Number Object Promise RegExp Set String console document window",
  ),
  title: CALL,
});

const json = grammar(
  {
    attr: String.raw`"(?:\\.|[^"\\\n])*"(?=\s*:)`,
    string: String.raw`"(?:\\.|[^"\\\n])*"?`,
    literal: words("true false null NaN Infinity"),
    number: String.raw`-?\b\d+(?:\.\d+)?(?:e[+-]?\d+)?\b`,
  },
  "i",
);

const bash = grammar({
  comment: "(?:^|(?<=\\s))#.*",
  string: String.raw`"(?:\\[\s\S]|[^"\\])*"?|'[^']*'?`,
  variable: String.raw`\$\{[^}\n]*\}?|\$[\w@*#?!-]+`,
  keyword: words("if then else elif fi for while until do done case esac function in select return exit"),
  built_in: words(`cat cd chmod cp curl docker echo export find git grep head jupyter kill ls make mkdir mv node npm pip
    python pwd read rm sed set sort source sudo tail tar test touch uv wget`),
  number: String.raw`(?<=\s)\d+\b`,
});

const sql = grammar(
  {
    comment: String.raw`--.*|\/\*[\s\S]*?(?:\*\/|$(?![\s\S]))`,
    string: "'(?:''|[^'])*'?|\"(?:\"\"|[^\"])*\"?",
    number: NUMBER,
    keyword:
      words(`add all alter and any as asc begin between by cascade case cast check column commit constraint create
      cross database default delete desc distinct drop else end except exists explain foreign from full group having if
      ilike in index inner insert intersect into is join key lateral left like limit not offset on or order outer over
      partition primary qualify references right rollback row rows select set table then to transaction truncate union
      unique update using values view when where window with`),
    literal: words("true false null"),
    built_in: words("bigint boolean char date decimal double float int integer numeric real text timestamp varchar"),
    title: CALL,
  },
  "i",
);

const r = grammar({
  comment: "#.*",
  string: QUOTED,
  number: String.raw`\b0x[\da-fA-F]+L?\b|\b\d+(?:\.\d*)?(?:[eE][+-]?\d+)?[Li]?\b`,
  keyword: `${words("break else for function if in next repeat return while library require")}|<-|->|%\\w*%|\\|>`,
  literal: words("TRUE FALSE NULL NA NA_integer_ NA_real_ NA_character_ NaN Inf"),
  title: String.raw`(?<![\w.])[A-Za-z.][\w.]*(?=\()`,
});

// A line of a diff ends at \n alone: to "^" and "." what follows a \r would be a line of its own, and of another colour.
const diff: Grammar = grammar({
  meta: "(?<![^\\n])(?:@@|diff|index|---|\\+\\+\\+)[^\\n]*",
  addition: "(?<![^\\n])\\+[^\\n]*",
  deletion: "(?<![^\\n])-[^\\n]*",
});

const GRAMMARS: Record<string, Grammar> = { python, javascript, json, bash, sql, r, diff };

export const isKnown = (language: string): boolean => language in GRAMMARS;

/** Spans around what is recognised. Unknown languages stay plain. */
export function colour(code: string, language: string): Coloured {
  const known = GRAMMARS[language];
  const result: Coloured = { html: "", stable: 0, stableHtml: "" };
  let at = 0;
  const settle = (end: number, text: string) => {
    const newline = text.lastIndexOf("\n");
    if (newline >= 0) {
      result.stable = end - text.length + newline + 1;
      result.stableHtml = result.html + escapeHtml(text.slice(0, newline + 1));
    }
    result.html += escapeHtml(text);
  };
  if (known) {
    for (const match of code.matchAll(known.pattern)) {
      if (match[0] === "") continue;
      settle(match.index, code.slice(at, match.index));
      const kind = Object.entries(match.groups ?? {}).find(([, text]) => text !== undefined)?.[0] ?? "";
      result.html += `<span class="hljs-${kind}">${escapeHtml(match[0])}</span>`;
      at = match.index + match[0].length;
    }
  }
  settle(code.length, code.slice(at));
  return result;
}
