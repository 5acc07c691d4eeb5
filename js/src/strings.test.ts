import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parseAst } from "vitest/node";

/** Words of the protocol, of grammars and of stylesheets; nobody reads them in a view but who writes a client. */
const NO_TEXTS =
  /^(?:strings|protocol-types|chunk-schema|reducer(?:-tools)?|partial-json|record-rules)\.ts$|\.test\.tsx?$|^testing\//;

/** Names that look like words, and errors that are caught before anybody sees them. */
const NAMES = new Set([
  "Files", // of a DataTransfer
  "min", // after a number, as "s" and "kB"
  "noopener noreferrer",
  "pre > code",
  "no assets model",
  "no comms here",
  "no widget {}",
  "no widget around this component",
  "restored from a file",
]);

/** Where a text is shown, or spoken: attributes of elements, and of our components. */
const SHOWN = /^(?:aria-label|ariaLabel|title|placeholder|alt|textContent|innerText|label|text|word)$/;

interface Node {
  type: string;
  start: number;
  [field: string]: unknown;
}

const isNode = (value: unknown): value is Node => typeof (value as Node | null)?.type === "string";
const nodesIn = (value: unknown): Node[] => (Array.isArray(value) ? value : [value]).filter(isNode);

/** The texts in `code` that a person would read, with the lines where they begin. */
function textsOf(code: string): string[] {
  const found: string[] = [];
  const visit = (node: Node, isShown: boolean): void => {
    const text = textOf(node);
    if (text !== undefined && !NAMES.has(text) && (isShown ? /\p{L}/u.test(text) : reads(text))) {
      found.push(`${code.slice(0, node.start).split("\n").length}: ${text}`);
    }
    for (const [field, value] of Object.entries(node)) {
      if (isName(node, field)) continue;
      for (const child of nodesIn(value)) visit(child, shows(node, field, child, isShown));
    }
  };
  visit(parseAst(code, { lang: "tsx" }) as unknown as Node, false);
  return found;
}

/** What a literal says; "{}" for each value in it. */
function textOf(node: Node): string | undefined {
  if (node.type === "Literal" && typeof node.value === "string") return node.value;
  if (node.type === "JSXText") return String(node.value).trim();
  if (node.type !== "TemplateLiteral") return undefined;
  return (node.quasis as { value: { raw: string } }[]).map(({ value }) => value.raw).join("{}");
}

/** "Send", "a sentence", "{} rows"; but not "cw-icon {}", "data-display", "{} kB". */
function reads(text: string): boolean {
  if (/^\p{Lu}\p{Ll}+[\p{P}]*$/u.test(text)) return true;
  const words = text.split(/\s+/);
  return words.length > 1 && words.some((word) => /^["'([]*\p{L}{3,}\p{P}*$/u.test(word) && !NAMES.has(word));
}

/** Types and modules' names, what is compared, the views of a part, lists of names. */
function isName(node: Node, field: string): boolean {
  if (/^(?:TS(?!As|NonNull|Satisfies|Enum)|Import|ExportAll)/.test(node.type)) return true;
  if (node.type === "BinaryExpression") return /^[=!]==?$/.test(String(node.operator));
  if (node.type === "SwitchCase") return field === "test";
  if (node.type === "JSXAttribute") return nameOf(node.name) === "view";
  if (node.type === "MemberExpression") return field === "object" && nameOf(node.property) === "split";
  return node.type === "CallExpression" && field === "arguments" && nameOf(node.callee) === "words"; // of a grammar
}

/** Whether what stands in a field of `node` is shown. */
function shows(node: Node, field: string, child: Node, isShown: boolean): boolean {
  switch (node.type) {
    case "JSXElement":
    case "JSXFragment":
      return field === "children" && /^JSX(?:Text|ExpressionContainer)$/.test(child.type);
    case "JSXAttribute":
      return SHOWN.test(nameOf(node.name));
    case "Property":
      return field === "value" && SHOWN.test(nameOf(node.key)) && child.type !== "Identifier";
    case "AssignmentExpression":
      return field === "right" && SHOWN.test(nameOf((node.left as Node).property ?? node.left));
    case "CallExpression": {
      const [first] = node.arguments as Node[];
      return field === "arguments" && first !== child && SHOWN.test(nameOf(first));
    }
    case "ConditionalExpression":
      return isShown && field !== "test";
    case "JSXExpressionContainer":
    case "LogicalExpression":
    case "BinaryExpression":
      return isShown;
    default:
      return false;
  }
}

function nameOf(node: unknown): string {
  const { name, value } = (node ?? {}) as { name?: unknown; value?: unknown };
  return String(name ?? value ?? "");
}

test.each([
  "<p>Hello</p>",
  "<p>{isOld ? `old` : null}</p>",
  '<p>{name || "nobody"}</p>',
  '<button aria-label="send" />',
  '<img alt={name ?? "a"} />',
  `<Notice text={\`late \${name}\`} />`,
  'box.placeholder = "ask";',
  'box.setAttribute("title", isOld ? "old" : name);',
  'make("p", { "aria-label": "list" });',
  'throw new Error("This cannot be read.");',
  `const rows = \`\${count} rows\`;`,
  'const mark = isDone ? "Done" : "";',
])("%s says something", (code) => {
  expect(textsOf(code)).toHaveLength(1);
});

test.each([
  "<p class='cw-row'>{name}: · {Words.Done}</p>",
  '<Late view="Undo" />',
  'const isSend = key === "Enter";',
  `const key = \`data-display \${id}\`, command = \`/model \${name}\`;`,
  'type Size = "Large" | "Very small";',
  `const time = \`\${count} min \${rest} s\`, size = "kB";`,
  'element.className = "cw-button cw-quiet";',
])("%s says nothing", (code) => {
  expect(textsOf(code)).toEqual([]);
});

const sources = readdirSync(import.meta.dirname, { recursive: true, encoding: "utf8" })
  .map((path) => path.replaceAll("\\", "/"))
  .filter((path) => /\.tsx?$/.test(path) && !NO_TEXTS.test(path));

test("what a person reads stands in strings.ts", () => {
  expect(sources.length).toBeGreaterThan(50);
  const found = sources.flatMap((path) => {
    const code = readFileSync(`${import.meta.dirname}/${path}`, "utf8");
    return textsOf(code).map((text) => `${path}:${text}`);
  });
  expect(found).toEqual([]);
});
