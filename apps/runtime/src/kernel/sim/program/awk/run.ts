/** Runs an awk program: fields, variables, arrays, and the functions awk has. */
import { AppletError } from "../call.ts";
import { printfText } from "../echo.ts";
import { compileRegex } from "../regular-expression.ts";
import type { Expression, Rule, Statement } from "./syntax.ts";

/** A string that looks like a number counts as one in comparisons when it came from input. */
type Value = number | string | { readonly input: string };

class Jump {
  readonly kind: "next" | "break" | "continue";
  constructor(kind: "next" | "break" | "continue") {
    this.kind = kind;
  }
}

/** `exit`. */
export class AwkExit {
  readonly code: number;
  constructor(code: number) {
    this.code = code;
  }
}

function numberOf(value: Value): number {
  if (typeof value === "number") return value;
  const text = typeof value === "string" ? value : value.input;
  const match = /^\s*[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?/.exec(text);
  return match === null ? 0 : Number(match[0]);
}

function textOf(value: Value): string {
  if (typeof value === "string") return value;
  if (typeof value === "object") return value.input;
  if (Number.isInteger(value)) return String(value);
  return printfText("%.6g", [String(value)]).text;
}

function looksNumeric(value: Value): boolean {
  if (typeof value === "number") return true;
  return (
    typeof value === "object" &&
    /^\s*[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?\s*$/.test(value.input)
  );
}

function truth(value: Value): boolean {
  if (looksNumeric(value)) return numberOf(value) !== 0;
  return textOf(value) !== "";
}

function compare(left: Value, right: Value): number {
  if (looksNumeric(left) && looksNumeric(right)) return numberOf(left) - numberOf(right);
  const [a, b] = [textOf(left), textOf(right)];
  return a < b ? -1 : a > b ? 1 : 0;
}

export class Awk {
  readonly #rules: readonly Rule[];
  readonly #print: (text: string) => void;
  readonly #variables = new Map<string, Value>([
    ["FS", " "],
    ["OFS", " "],
    ["ORS", "\n"],
    ["NR", 0],
    ["NF", 0],
    ["SUBSEP", "\x1c"],
  ]);
  readonly #arrays = new Map<string, Map<string, Value>>();
  #record = "";
  #fields: string[] = [];

  constructor(rules: readonly Rule[], print: (text: string) => void) {
    this.#rules = rules;
    this.#print = print;
  }

  /** -v, FILENAME and the like. */
  set(name: string, value: string): void {
    this.#variables.set(name, { input: value });
  }

  get needsInput(): boolean {
    return this.#rules.some(({ when }) => when !== "BEGIN");
  }

  begin(): void {
    for (const { when, body } of this.#rules)
      if (when === "BEGIN" && body !== undefined) this.#run(body);
  }

  end(): void {
    for (const { when, body } of this.#rules)
      if (when === "END" && body !== undefined) this.#run(body);
  }

  line(text: string): void {
    this.#setRecord(text);
    this.#variables.set("NR", numberOf(this.#get("NR")) + 1);
    try {
      for (const { when, body } of this.#rules) {
        if (when === "BEGIN" || when === "END") continue;
        if (when !== undefined && !truth(this.#value(when))) continue;
        if (body === undefined) this.#print(`${this.#record}${textOf(this.#get("ORS"))}`);
        else this.#run(body);
      }
    } catch (thrown) {
      if (!(thrown instanceof Jump) || thrown.kind !== "next") throw thrown;
    }
  }

  #get(name: string): Value {
    return this.#variables.get(name) ?? { input: "" };
  }

  #array(name: string): Map<string, Value> {
    let array = this.#arrays.get(name);
    if (array === undefined) {
      array = new Map();
      this.#arrays.set(name, array);
    }
    return array;
  }

  #split(text: string, separator: string): string[] {
    if (text === "") return [];
    if (separator === " ") return text.trim() === "" ? [] : text.trim().split(/\s+/);
    if (separator.length === 1) return text.split(separator);
    return text.split(compileRegex(separator, true, ""));
  }

  #setRecord(text: string): void {
    this.#record = text;
    this.#fields = this.#split(text, textOf(this.#get("FS")));
    this.#variables.set("NF", this.#fields.length);
  }

  #setField(index: number, text: string): void {
    if (index === 0) {
      this.#setRecord(text);
      return;
    }
    while (this.#fields.length < index) this.#fields.push("");
    this.#fields[index - 1] = text;
    this.#variables.set("NF", this.#fields.length);
    this.#record = this.#fields.join(textOf(this.#get("OFS")));
  }

  #run(statement: Statement): void {
    switch (statement.kind) {
      case "block":
        for (const one of statement.body) this.#run(one);
        return;
      case "expression":
        this.#value(statement.value);
        return;
      case "print":
        this.#output(statement.format, statement.args);
        return;
      case "if":
        if (truth(this.#value(statement.condition))) this.#run(statement.yes);
        else if (statement.no !== undefined) this.#run(statement.no);
        return;
      case "loop":
        if (statement.start !== undefined) this.#run(statement.start);
        this.#loop(statement);
        return;
      case "forIn":
        for (const key of [...this.#array(statement.array).keys()]) {
          this.#variables.set(statement.name, { input: key });
          if (!this.#body(statement.body)) return;
        }
        return;
      case "delete":
        if (statement.index === undefined) this.#arrays.delete(statement.name);
        else this.#array(statement.name).delete(this.#key(statement.index));
        return;
      case "exit":
        throw new AwkExit(statement.code === undefined ? 0 : numberOf(this.#value(statement.code)));
      default:
        throw new Jump(statement.kind);
    }
  }

  /** A loop's body; false when it was left by break. */
  #body(body: Statement): boolean {
    try {
      this.#run(body);
    } catch (thrown) {
      if (!(thrown instanceof Jump) || thrown.kind === "next") throw thrown;
      return thrown.kind === "continue";
    }
    return true;
  }

  #loop(statement: Statement & { kind: "loop" }): void {
    for (let turns = 0; ; turns++) {
      if (turns > 1_000_000) throw new AppletError("loop does not end");
      if (statement.condition !== undefined && !truth(this.#value(statement.condition))) return;
      if (!this.#body(statement.body)) return;
      if (statement.step !== undefined) this.#run(statement.step);
    }
  }

  #output(format: boolean, args: readonly Expression[]): void {
    const values = args.map((arg) => textOf(this.#value(arg)));
    if (format) this.#print(printfText(values[0] ?? "", values.slice(1)).text);
    else {
      const text = args.length === 0 ? this.#record : values.join(textOf(this.#get("OFS")));
      this.#print(`${text}${textOf(this.#get("ORS"))}`);
    }
  }

  #key(index: readonly Expression[]): string {
    return index.map((one) => textOf(this.#value(one))).join(textOf(this.#get("SUBSEP")));
  }

  #assign(target: Expression, value: Value): void {
    if (target.kind === "variable") {
      this.#variables.set(target.name, value);
      if (target.name === "NF") {
        this.#fields.length = Math.min(this.#fields.length, numberOf(value));
        this.#record = this.#fields.join(textOf(this.#get("OFS")));
      }
    } else if (target.kind === "element")
      this.#array(target.name).set(this.#key(target.index), value);
    else if (target.kind === "field")
      this.#setField(numberOf(this.#value(target.index)), textOf(value));
  }

  #value(expression: Expression): Value {
    switch (expression.kind) {
      case "number":
      case "string":
        return expression.value;
      case "regex":
        return expression.expression.test(this.#record) ? 1 : 0;
      case "variable":
        return this.#get(expression.name);
      case "element":
        return this.#array(expression.name).get(this.#key(expression.index)) ?? { input: "" };
      case "field": {
        const index = numberOf(this.#value(expression.index));
        return { input: index === 0 ? this.#record : (this.#fields[index - 1] ?? "") };
      }
      case "in":
        return this.#array(expression.name).has(textOf(this.#value(expression.index))) ? 1 : 0;
      case "choice":
        return this.#value(
          truth(this.#value(expression.condition)) ? expression.yes : expression.no,
        );
      case "assign": {
        const right = this.#value(expression.value);
        const { operator, target } = expression;
        const value =
          operator === ""
            ? right
            : arithmetic(operator, numberOf(this.#value(target)), numberOf(right));
        this.#assign(target, value);
        return value;
      }
      case "step": {
        const before = numberOf(this.#value(expression.target));
        this.#assign(expression.target, before + expression.by);
        return expression.before ? before + expression.by : before;
      }
      case "unary": {
        const value = this.#value(expression.operand);
        if (expression.operator === "!") return truth(value) ? 0 : 1;
        return expression.operator === "-" ? -numberOf(value) : numberOf(value);
      }
      case "binary":
        return this.#binary(expression);
      case "call":
        return this.#call(expression.name, expression.args);
    }
  }

  #binary({ operator, left, right }: Expression & { kind: "binary" }): Value {
    if (operator === "&&") return truth(this.#value(left)) && truth(this.#value(right)) ? 1 : 0;
    if (operator === "||") return truth(this.#value(left)) || truth(this.#value(right)) ? 1 : 0;
    if (operator === "~" || operator === "!~") {
      const found = this.#regex(right).test(textOf(this.#value(left)));
      return found === (operator === "~") ? 1 : 0;
    }
    const a = this.#value(left);
    const b = this.#value(right);
    switch (operator) {
      case " ":
        return textOf(a) + textOf(b);
      case "<":
        return compare(a, b) < 0 ? 1 : 0;
      case "<=":
        return compare(a, b) <= 0 ? 1 : 0;
      case ">":
        return compare(a, b) > 0 ? 1 : 0;
      case ">=":
        return compare(a, b) >= 0 ? 1 : 0;
      case "==":
        return compare(a, b) === 0 ? 1 : 0;
      case "!=":
        return compare(a, b) !== 0 ? 1 : 0;
      default:
        return arithmetic(operator, numberOf(a), numberOf(b));
    }
  }

  #regex(expression: Expression, flags = ""): RegExp {
    if (expression.kind === "regex")
      return flags === "" ? expression.expression : new RegExp(expression.expression.source, flags);
    return compileRegex(textOf(this.#value(expression)), true, flags);
  }

  #call(name: string, args: readonly Expression[]): Value {
    const text = (index: number): string => {
      const arg = args[index];
      return arg === undefined ? "" : textOf(this.#value(arg));
    };
    const number = (index: number): number => Number(numberOf(text(index)));
    switch (name) {
      case "length": {
        const first = args[0];
        if (first === undefined) return this.#record.length;
        if (first.kind === "variable" && this.#arrays.has(first.name))
          return this.#array(first.name).size;
        return text(0).length;
      }
      case "substr": {
        const from = Math.round(number(1));
        const to = args.length > 2 ? from + Math.round(number(2)) : Number.POSITIVE_INFINITY;
        return text(0).slice(Math.max(0, from - 1), Math.max(0, to - 1));
      }
      case "index":
        return text(0).indexOf(text(1)) + 1;
      case "tolower":
        return text(0).toLowerCase();
      case "toupper":
        return text(0).toUpperCase();
      case "sprintf":
        return printfText(
          text(0),
          args.slice(1).map((_arg, index) => text(index + 1)),
        ).text;
      case "split":
        return this.#splitInto(text(0), args);
      case "sub":
      case "gsub":
        return this.#replace(name === "gsub", args, text(1));
      case "match": {
        const found = this.#regex(args[1] as Expression).exec(text(0));
        this.#variables.set("RSTART", found === null ? 0 : found.index + 1);
        this.#variables.set("RLENGTH", found === null ? -1 : found[0].length);
        return found === null ? 0 : found.index + 1;
      }
      case "int":
        return Math.trunc(number(0));
      case "sqrt":
        return Math.sqrt(number(0));
      case "exp":
        return Math.exp(number(0));
      default:
        return Math.log(number(0));
    }
  }

  #splitInto(text: string, args: readonly Expression[]): number {
    const target = args[1];
    if (target?.kind !== "variable") throw new AppletError("cmd. line:1: Not an array");
    const separator = args[2];
    const parts =
      separator?.kind === "regex"
        ? text.split(separator.expression)
        : this.#split(
            text,
            separator === undefined ? textOf(this.#get("FS")) : textOf(this.#value(separator)),
          );
    this.#arrays.set(
      target.name,
      new Map(parts.map((part, index) => [String(index + 1), { input: part }])),
    );
    return parts.length;
  }

  #replace(all: boolean, args: readonly Expression[], replacement: string): number {
    const target: Expression = args[2] ?? { kind: "field", index: { kind: "number", value: 0 } };
    let count = 0;
    const changed = textOf(this.#value(target)).replace(
      this.#regex(args[0] as Expression, all ? "g" : ""),
      (match: string) => {
        count++;
        return replacement.replace(/\\?&/g, (one) => (one === "&" ? match : "&"));
      },
    );
    if (count > 0) this.#assign(target, changed);
    return count;
  }
}

function arithmetic(operator: string, a: number, b: number): number {
  switch (operator) {
    case "+":
      return a + b;
    case "-":
      return a - b;
    case "*":
      return a * b;
    case "^":
      return a ** b;
    default:
      if (b === 0) throw new AppletError("cmd. line:1: Division by zero");
      return operator === "/" ? a / b : a % b;
  }
}
