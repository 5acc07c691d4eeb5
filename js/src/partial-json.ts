/**
 * The value of a JSON text that is still being written.
 *
 * A text that is complete is parsed; one that is cut is closed where it was cut (open strings, arrays and objects; half
 * a literal is completed, half a number or a key without a value is dropped). `undefined` where that does not help.
 * The result agrees with the AI SDK's client for every text, also for malformed ones.
 */
export function parsePartialJson(text: string): unknown {
  const whole = parseJson(text);
  return whole === undefined ? parseJson(closeJson(text)) : whole;
}

/** `JSON.parse`, but `undefined` for what is no JSON, or what holds a key that could reach an object's prototype. */
function parseJson(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  return /__proto__|constructor|\\u/.test(text) && isPoisoned(value) ? undefined : value;
}

function isPoisoned(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (Object.hasOwn(value, "__proto__")) return true;
  if (Object.hasOwn(value, "constructor")) {
    const held: unknown = value.constructor;
    if (typeof held === "object" && held !== null && Object.hasOwn(held, "prototype")) return true;
  }
  return Object.values(value).some(isPoisoned);
}

/** What is expected next. The scan keeps a stack of these; an entry is replaced when its expectation is met. */
type Expect =
  | "End"
  | "Value" // the only value of the text
  | "FirstKey"
  | "Key"
  | "Colon"
  | "ObjectValue"
  | "ObjectNext" // `,` or `}`
  | "FirstItem"
  | "Item"
  | "ArrayNext" // `,` or `]`
  | "InKey"
  | "InString"
  | "InEscape"
  | "InUnicode"
  | "InNumber"
  | "InLiteral";

const AFTER: Partial<Record<Expect, Expect>> = {
  Value: "End",
  ObjectValue: "ObjectNext",
  FirstItem: "ArrayNext",
  Item: "ArrayNext",
};
const LITERALS = ["true", "false", "null"];
const isDigit = (char: string) => char >= "0" && char <= "9";

class Closer {
  private readonly stack: Expect[] = ["Value"];
  /** The length of the text that can be kept. */
  private kept = 0;
  private literal = 0;
  private hexDigits = 0;

  constructor(private readonly text: string) {}

  close(): string {
    for (let i = 0; i < this.text.length; i++) this.step(this.text[i] as string, i);
    let closed = this.text.slice(0, this.kept);
    for (const expect of this.stack.reverse()) closed += this.ending(expect);
    return closed;
  }

  private get top(): Expect | undefined {
    return this.stack[this.stack.length - 1];
  }

  private swap(expect: Expect): void {
    this.stack[this.stack.length - 1] = expect;
  }

  /** The value on top is complete with the character at `i`. */
  private pop(i: number): void {
    this.stack.pop();
    this.kept = i + 1;
  }

  private step(char: string, i: number): void {
    switch (this.top) {
      case "Value":
      case "ObjectValue":
      case "Item":
        this.value(char, i);
        break;
      case "FirstItem":
        if (char === "]") this.pop(i);
        else this.value(char, i);
        break;
      case "FirstKey":
        if (char === "}") this.pop(i);
        else if (char === '"') this.swap("InKey");
        break;
      case "Key":
        if (char === '"') this.swap("InKey");
        break;
      case "InKey":
        if (char === '"') this.swap("Colon");
        break;
      case "Colon":
        if (char === ":") this.swap("ObjectValue");
        break;
      case "ObjectNext":
        this.next(char, i);
        break;
      case "ArrayNext":
        this.next(char, i);
        if (this.top === "ArrayNext") this.kept = i + 1;
        break;
      default:
        this.inside(char, i);
    }
  }

  private value(char: string, i: number): void {
    const inner =
      char === '"'
        ? "InString"
        : char === "{"
          ? "FirstKey"
          : char === "["
            ? "FirstItem"
            : char === "-" || isDigit(char)
              ? "InNumber"
              : char === "t" || char === "f" || char === "n"
                ? "InLiteral"
                : undefined;
    if (inner === undefined) return;
    this.swap(AFTER[this.top as Expect] as Expect);
    this.stack.push(inner);
    this.literal = i;
    if (char !== "-") this.kept = i + 1; // a lone minus is no number yet
  }

  /** After a value: go on with the next, or close what holds it. */
  private next(char: string, i: number): void {
    const inArray = this.top === "ArrayNext";
    if (!inArray && this.top !== "ObjectNext") return;
    if (char === ",") this.swap(inArray ? "Item" : "Key");
    else if (char === (inArray ? "]" : "}")) this.pop(i);
  }

  private inside(char: string, i: number): void {
    switch (this.top) {
      case "InString":
        if (char === "\\") this.stack.push("InEscape");
        else if (char === '"') this.pop(i);
        else this.kept = i + 1;
        break;
      case "InEscape":
        if (char === "u") {
          this.swap("InUnicode");
          this.hexDigits = 0;
        } else this.pop(i);
        break;
      case "InUnicode":
        if (/[0-9a-f]/i.test(char) && ++this.hexDigits === 4) this.pop(i);
        break;
      case "InNumber":
        if (isDigit(char)) this.kept = i + 1;
        else if (!"eE-.".includes(char)) {
          this.stack.pop();
          this.next(char, i);
        }
        break;
      case "InLiteral": {
        const start = this.text.slice(this.literal, i + 1);
        if (LITERALS.some((literal) => literal.startsWith(start))) this.kept = i + 1;
        else {
          this.stack.pop();
          this.next(char, i);
        }
      }
    }
  }

  private ending(expect: Expect): string {
    switch (expect) {
      case "InString":
        return '"';
      case "FirstKey":
      case "Key":
      case "InKey":
      case "Colon":
      case "ObjectValue":
      case "ObjectNext":
        return "}";
      case "FirstItem":
      case "Item":
      case "ArrayNext":
        return "]";
      case "InLiteral": {
        const start = this.text.slice(this.literal);
        return (LITERALS.find((literal) => literal.startsWith(start)) ?? start).slice(start.length);
      }
      default:
        return "";
    }
  }
}

const closeJson = (text: string): string => new Closer(text).close();
