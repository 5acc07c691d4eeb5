/** What the widget can look like, one scene each. */
import type { UIMessageChunk } from "../src/protocol-types.ts";
import type { View } from "../src/view.ts";

export interface Scene {
  name: string;
  view: Partial<View>;
  chunks: UIMessageChunk[];
  /** Applied after the chunks, by name: what the user did or the page suffered. */
  after?: "gone" | "stop-late" | "open-rows";
}

const start: UIMessageChunk = { type: "start", messageId: "m1", messageMetadata: { model: "openai/gpt-5" } };
const step: UIMessageChunk[] = [{ type: "start-step" }];
const text = (id: string, value: string, done = true): UIMessageChunk[] => [
  { type: "text-start", id },
  { type: "text-delta", id, delta: value },
  ...(done ? [{ type: "text-end" as const, id }] : []),
];
const reasoning = (id: string, value: string, done = true): UIMessageChunk[] => [
  { type: "reasoning-start", id },
  { type: "reasoning-delta", id, delta: value },
  ...(done ? [{ type: "reasoning-end" as const, id }] : []),
];
const call = (id: string, toolName: string, title: string, input: unknown): UIMessageChunk[] => [
  { type: "tool-input-start", toolCallId: id, toolName, title },
  { type: "tool-input-available", toolCallId: id, toolName, input, title },
];
const output = (toolCallId: string, value: unknown): UIMessageChunk => ({
  type: "tool-output-available",
  toolCallId,
  output: value,
});
const usage = {
  usage: {
    promptTokens: 45_210,
    completionTokens: 1_184,
    totalTokens: 46_394,
    cachedTokens: 38_016,
    reasoningTokens: 320,
  },
  cost: 0.081,
  steps: 3,
  durationMs: 12_340,
};
const end: UIMessageChunk[] = [
  { type: "finish-step" },
  { type: "finish", finishReason: "stop", messageMetadata: usage },
];

const CODE = `import pandas as pd

@profile
def negative(df: pd.DataFrame) -> pd.DataFrame:
    """Rows whose revenue is below zero."""
    rows = df[df["revenue"] < 0.0]  # refunds
    return rows.assign(share=rows.revenue / 1_204)

print(f"{len(negative(df))} rows", None)`;

const ANSWER = `## The refunds are signed the wrong way round

The **south** region books refunds as *negative quantities* and multiplies them with negative prices, see [the guide](https://example.org/refunds). Revenue is \`qty * price\`, that is $r = \\sum_i q_i p_i$:

\`\`\`python
${CODE}
\`\`\`

| region | sales | share |
|:-------|------:|------:|
| north | 1,204 | 41 % |
| south | −903 | 31 % |
| east | 812 | 28 % |

1. Flip the sign of \`qty\` where \`price < 0\`
2. Re-run the aggregation
   - [x] checked on a sample
   - [ ] checked on everything

> Nothing was changed yet.

$$\\bar{r} = \\frac{1}{n}\\sum_{i=1}^{n} q_i p_i$$
`;

const PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const SVG = `<svg xmlns="http://www.w3.org/2000/svg" width="420" height="150"><g fill="none" stroke="#1f77b4" stroke-width="2"><path d="M20 120 L80 90 L140 100 L200 40 L260 60 L320 20 L400 55"/></g><path d="M20 10V130H410" stroke="#333" fill="none"/></svg>`;

const records = [
  { region: "north", rows: 412, revenue: 1204.5, note: null },
  { region: "south", rows: 388, revenue: -903.25, note: "refunds" },
  { region: "east", rows: 404, revenue: 812, note: null },
];

const inspected: UIMessageChunk[] = ["df", "prices", "refunds"].flatMap((name, index) => [
  ...call(`i${index}`, "inspect_variable", "Inspect variable", { name }),
  output(`i${index}`, `${name}: DataFrame, 1,204 × 8`),
]);

const THOUGHT =
  "Revenue is computed from `qty * price`. If both are negative the product is positive, so the **sign** must come from elsewhere.";

const MODEL = "openrouter/anthropic/claude-sonnet-4-5-20250929:beta";
const TOOL = "company_knowledge_base__search_documents_by_semantic_similarity_v2";
const FILE = "data/raw/2026/exports/quarterly_revenue_by_region_and_product_final_v7.parquet";
const LINES = Array.from({ length: 30 }, (_, line) => `line ${line + 1}`).join("\n");
const CELLS = Array.from({ length: 14 }, (_, column) => column);

const WIDE = `![A plot of the revenue by month for every region since 2019 with the trend line](https://example.org/plot.png)

| ${CELLS.map((column) => `column ${column}`).join(" | ")} |
|${CELLS.map(() => "--:|").join("")}
| ${CELLS.map((column) => column * 12_000).join(" | ")} |

$$\\sum_{i=1}^{n} \\frac{a_i + b_i + c_i + d_i + e_i}{\\sqrt{x_i^2 + y_i^2 + z_i^2}} + \\int_0^\\infty e^{-x^2} dx + \\alpha\\beta\\gamma$$

- עברית
- [ ] משימה

1. עברית
2. and English in the same list
   - עברית
`;

export const scenes: Scene[] = [
  {
    name: "finished",
    view: {},
    chunks: [
      start,
      ...step,
      ...reasoning("r1", THOUGHT),
      ...inspected,
      ...call("c1", "run_code", "Run code", { code: CODE }),
      output("c1", "388 rows"),
      { type: "finish-step" },
      ...step,
      ...text("t1", ANSWER),
      ...end,
    ],
  },
  {
    name: "streaming",
    view: {},
    chunks: [start, ...step, ...reasoning("r1", THOUGHT), ...inspected, ...text("t1", ANSWER.slice(0, 470), false)],
  },
  {
    name: "thinking",
    view: { model: { name: "demo", badge: "demo: rules, no AI", reason: "No key was found." } },
    chunks: [start, ...step, ...reasoning("r1", THOUGHT.slice(0, 90), false)],
  },
  {
    name: "running",
    view: {},
    chunks: [
      start,
      ...step,
      ...reasoning("r1", THOUGHT),
      ...call("i1", "inspect_variable", "Inspect variable", { name: "df" }),
      output("i1", "df: DataFrame, 1,204 × 8"),
      ...call("c1", "run_code", "Run code", { code: CODE.slice(0, 160) }),
      { type: "data-tool-status", id: "c1", transient: true, data: { text: "waiting for cell [12]" } },
    ],
  },
  {
    name: "waiting",
    view: {},
    chunks: [start, { type: "data-notice", transient: true, data: { text: "rate limited, trying again in 3 s" } }],
  },
  {
    name: "approval",
    view: {},
    chunks: [
      start,
      ...step,
      ...text("t1", "The refunds are signed the wrong way round. I would drop them in a new cell:"),
      ...call("a1", "insert_cell", "Insert cell", {
        below: 12,
        code: "df = df[df.qty > 0]\ndf.groupby('region').revenue.sum()",
      }),
      {
        type: "data-approval",
        id: "a1",
        data: {
          title: "insert a cell below [12]",
          code: "df = df[df.qty > 0]\ndf.groupby('region').revenue.sum()",
          language: "python",
        },
      },
      { type: "tool-approval-request", approvalId: "p1", toolCallId: "a1" },
      ...call("a2", "edit_file", "Edit file", { path: "src/clean.py", diff: "…" }),
      {
        type: "data-approval",
        id: "a2",
        data: {
          title: "change src/clean.py",
          diff: "--- src/clean.py\n+++ src/clean.py\n@@ -3,4 +3,4 @@\n def clean(df):\n-    return df\n+    return df[df.qty > 0]\n",
        },
      },
      { type: "tool-approval-request", approvalId: "p2", toolCallId: "a2" },
      { type: "finish-step" },
    ],
  },
  {
    name: "question",
    view: {},
    chunks: [
      start,
      ...step,
      ...text("t1", "Refunds are booked twice a year."),
      ...call("q1", "ask_user", "Ask user", { question: "Which year do you mean?", choices: ["2025", "2026"] }),
      { type: "data-client-call", id: "q1", data: {} },
    ],
  },
  {
    name: "sources",
    view: {},
    chunks: [
      start,
      ...step,
      ...text(
        "t1",
        "# עברית ו־**הדגשה**\n\nהכנסה שלילית ב־`df`, ראו [המדריך](https://example.org/he).\n\n- العربية: **مهم** جدا\n",
      ),
      { type: "source-url", sourceId: "s1", url: "https://example.org/guide", title: "The guide" },
      { type: "source-url", sourceId: "s2", url: "https://example.org/a/very/long/address/that/has/no/title/at/all" },
      { type: "source-document", sourceId: "s3", mediaType: "application/pdf", title: "A paper" },
      ...end,
    ],
  },
  {
    name: "outputs",
    view: {},
    after: "open-rows",
    chunks: [
      start,
      ...step,
      ...call("o1", "sales_by", "Sales by region", { since: "2026-01-01" }),
      output("o1", records),
      ...call("o2", "plot", "Plot", { code: "df.revenue.plot()" }),
      output("o2", "a figure"),
      { type: "data-display", id: "o2", data: [{ "image/svg+xml": SVG, "text/plain": "Line chart of revenue" }] },
      ...call("o3", "describe", "Describe", { name: "df" }),
      output("o3", { rows: 1204, nulls: { qty: 3 } }),
      {
        type: "data-display",
        id: "o3",
        data: [
          {
            "text/html":
              "<table class='dataframe'><thead><tr><th></th><th>qty</th><th>price</th></tr></thead><tbody><tr><th>mean</th><td>4.2</td><td>9.9</td></tr><tr><th>std</th><td>1.1</td><td>3.0</td></tr></tbody></table><script>alert(1)</script>",
            "text/plain": "qty price",
          },
        ],
      },
      ...call("o4", "fetch", "Fetch", { url: "https://example.org/data.csv" }),
      {
        type: "tool-output-error",
        toolCallId: "o4",
        errorText: "TimeoutError: no answer from example.org in 10 s\nTraceback …\n  File x",
      },
      ...call("o5", "run_code", "Run code", { code: "del df" }),
      { type: "tool-approval-request", approvalId: "p5", toolCallId: "o5" },
      { type: "tool-approval-response", approvalId: "p5", approved: false },
      { type: "tool-output-denied", toolCallId: "o5" },
      ...call("o6", "thumbnail", "Thumbnail", {}),
      output("o6", null),
      { type: "data-display", id: "o6", data: [{ "image/png": PNG, "text/plain": "One pixel" }] },
      ...text("t1", "Done: three tools answered, one failed, one was not allowed."),
      ...end,
    ],
  },
  {
    name: "error",
    view: {},
    chunks: [
      start,
      ...step,
      ...text("t1", "The refunds are"),
      { type: "finish-step" },
      {
        type: "message-metadata",
        messageMetadata: {
          ...usage,
          cost: undefined,
          error: {
            code: "auth",
            message: "OpenAI did not accept the API key.",
            hint: "Set OPENAI_API_KEY to a valid key, or choose another model with --model.",
          },
        },
      },
      { type: "error", errorText: "OpenAI did not accept the API key." },
    ],
  },
  {
    name: "stopped",
    view: {},
    chunks: [
      start,
      ...step,
      ...text("t1", "The refunds are signed the wrong"),
      { type: "finish-step" },
      { type: "message-metadata", messageMetadata: usage },
      { type: "abort", reason: "stopped by the user" },
    ],
  },
  {
    name: "names",
    view: {
      model: { name: MODEL, badge: "replay of a recorded run", reason: "COPILOT_MODEL is set." },
      earlier: { thread: "t0", title: `why is revenue falling in ${FILE}`, about: "12 turns, yesterday 17:02" },
      turns: [
        {
          id: "q1",
          run: "r1",
          user: {
            id: "u1",
            role: "user",
            parts: [
              { type: "text", text: `Why is revenue falling in @file:${FILE}?` },
              { type: "data-context", data: { name: `@file:${FILE}`, text: "…" } },
              { type: "file", filename: FILE.replaceAll("/", "_"), mediaType: "text/csv", url: "data:text/csv,a" },
            ],
          },
          status: "running",
          seq: 0,
        },
      ],
    },
    after: "open-rows",
    chunks: [
      start,
      ...step,
      ...call("n1", TOOL, "", { query: "refunds" }),
      {
        type: "tool-output-error",
        toolCallId: "n1",
        errorText: "McpError: the query could not be parsed, since 12:03",
      },
      ...call("n2", TOOL, "Search the whole company knowledge base for documents", { query: LINES }),
      { type: "data-tool-status", id: "n2", transient: true, data: { text: "waiting for cell [12]" } },
      ...call("n3", TOOL, "Delete documents from the whole company knowledge base", { query: "refunds" }),
      { type: "tool-approval-request", approvalId: "p3", toolCallId: "n3" },
      ...call("n4", "send", "Send", {
        to: "all@example.org",
        [`subject_${"of_the_message".repeat(12)}`]: "…",
        body: LINES,
      }),
      { type: "tool-approval-request", approvalId: "p4", toolCallId: "n4" },
    ],
  },
  { name: "wide", view: {}, chunks: [start, ...step, ...text("t1", WIDE), ...end] },
  { name: "stopping", view: {}, after: "stop-late", chunks: [start, ...step, ...text("t1", "The refunds", false)] },
  {
    name: "draft",
    view: {
      turns: [],
      draft: "Why is revenue negative in @df?",
      notice: "Not sent: this cell was run together with others. Press Send to ask.",
    },
    chunks: [],
  },
  { name: "panel", view: { kind: "panel", turns: [] }, chunks: [] },
  { name: "gone", view: {}, after: "gone", chunks: [start, ...step, ...text("t1", "The refunds are signed", false)] },
];
