/** The grammar of awk, by recursive descent over tokens. */
import { AppletError } from "../call.ts";
import { unescapeText } from "../echo.ts";
import { compileRegex } from "../regular-expression.ts";
import type { Expression, Rule, Statement } from "./syntax.ts";

interface Token {
  readonly kind: "number" | "string" | "regex" | "name" | "symbol" | "newline" | "end";
  readonly text: string;
  /** A "(" comes at once: a call. */
  readonly call?: boolean;
}

const symbols = [
  ...["&&", "||", "==", "!=", "<=", ">=", "++", "--", "+=", "-=", "*=", "/=", "%=", "^="],
  ...["{", "}", "(", ")", "[", "]", ";", ",", "+", "-", "*", "/", "%", "^", "!", ">", "<", "~"],
  ...["?", ":", "=", "$"],
];
const functions = new Set([
  ...["length", "substr", "index", "split", "sub", "gsub", "match", "tolower", "toupper"],
  ...["sprintf", "int", "sqrt", "exp", "log"],
]);

function fail(text: string): never {
  throw new AppletError(`cmd. line:1: ${text}`);
}

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < text.length; ) {
    const rest = text.slice(at);
    const blank = /^(?:[ \t]|\\\n|#[^\n]*)+/.exec(rest);
    if (blank !== null) {
      at += blank[0].length;
      continue;
    }
    if (rest.startsWith("\n")) {
      tokens.push({ kind: "newline", text: "newline" });
      at++;
      continue;
    }
    const last = tokens.at(-1);
    const afterValue =
      last !== undefined &&
      (["number", "string", "regex", "name"].includes(last.kind) ||
        [")", "]", "$"].includes(last.text));
    const regex = afterValue ? null : /^\/((?:[^/\\\n]|\\.)*)\//.exec(rest);
    const quoted = /^"((?:[^"\\]|\\[\s\S])*)"/.exec(rest);
    const number = /^(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?/.exec(rest);
    const name = /^[A-Za-z_][A-Za-z0-9_]*/.exec(rest);
    if (regex !== null) tokens.push({ kind: "regex", text: regex[1] as string });
    else if (quoted !== null)
      tokens.push({
        kind: "string",
        text: unescapeText(
          (quoted[1] as string).replaceAll('\\"', '"').replaceAll("\\/", "/"),
          false,
        ).text,
      });
    else if (number !== null) tokens.push({ kind: "number", text: number[0] });
    else if (name !== null)
      tokens.push({ kind: "name", text: name[0], call: rest.charAt(name[0].length) === "(" });
    else {
      const symbol = symbols.find((one) => rest.startsWith(one));
      if (symbol === undefined) fail("Unexpected token");
      tokens.push({ kind: "symbol", text: symbol });
    }
    at += (regex ?? quoted ?? number ?? name)?.[0].length ?? (tokens.at(-1) as Token).text.length;
  }
  tokens.push({ kind: "end", text: "" });
  return tokens;
}

/** Rules of a program text. Throws an AppletError in busybox's words. */
export function parseAwk(text: string): Rule[] {
  return new Parser(tokenize(text)).rules();
}

class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  rules(): Rule[] {
    const rules: Rule[] = [];
    for (;;) {
      this.#skipEnds();
      if (this.#peek().kind === "end") return rules;
      const word = this.#peek().text;
      let when: Rule["when"];
      if (this.#peek().kind === "name" && (word === "BEGIN" || word === "END")) {
        this.#at++;
        when = word;
      } else if (word !== "{" || this.#peek().kind !== "symbol") when = this.#expression();
      const body = this.#is("{") ? this.#block() : undefined;
      if (body === undefined && typeof when === "string") fail("Unexpected token");
      rules.push({ when, body });
    }
  }

  #peek(): Token {
    return this.#tokens[this.#at] as Token;
  }

  #is(symbol: string): boolean {
    const token = this.#peek();
    return token.kind === "symbol" && token.text === symbol;
  }

  #take(symbol: string): boolean {
    if (!this.#is(symbol)) return false;
    this.#at++;
    return true;
  }

  #expect(symbol: string): void {
    if (!this.#take(symbol)) fail("Unexpected token");
  }

  #keyword(word: string): boolean {
    const token = this.#peek();
    if (token.kind !== "name" || token.text !== word) return false;
    this.#at++;
    return true;
  }

  #skipEnds(): void {
    while (this.#peek().kind === "newline" || this.#is(";")) this.#at++;
  }

  #skipNewlines(): void {
    while (this.#peek().kind === "newline") this.#at++;
  }

  #block(): Statement {
    this.#expect("{");
    const body: Statement[] = [];
    for (;;) {
      this.#skipEnds();
      if (this.#take("}")) return { kind: "block", body };
      body.push(this.#statement());
    }
  }

  #statement(): Statement {
    this.#skipNewlines();
    if (this.#is("{")) return this.#block();
    if (this.#is(";")) return { kind: "block", body: [] };
    if (this.#keyword("if")) return this.#if();
    if (this.#keyword("while")) {
      this.#expect("(");
      const condition = this.#expression();
      this.#expect(")");
      return {
        kind: "loop",
        start: undefined,
        condition,
        step: undefined,
        body: this.#statement(),
      };
    }
    if (this.#keyword("for")) return this.#for();
    const simple = this.#simple();
    if (
      !this.#is("}") &&
      !this.#is(";") &&
      this.#peek().kind !== "newline" &&
      this.#peek().kind !== "end"
    )
      fail("Unexpected token");
    return simple;
  }

  #if(): Statement {
    this.#expect("(");
    const condition = this.#expression();
    this.#expect(")");
    const yes = this.#statement();
    const before = this.#at;
    this.#skipEnds();
    if (this.#keyword("else")) return { kind: "if", condition, yes, no: this.#statement() };
    this.#at = before;
    return { kind: "if", condition, yes, no: undefined };
  }

  #for(): Statement {
    this.#expect("(");
    const [name, word, array] = this.#tokens.slice(this.#at, this.#at + 3);
    if (
      name?.kind === "name" &&
      word?.text === "in" &&
      array?.kind === "name" &&
      this.#tokens[this.#at + 3]?.text === ")"
    ) {
      this.#at += 4;
      return { kind: "forIn", name: name.text, array: array.text, body: this.#statement() };
    }
    const start = this.#is(";") ? undefined : this.#simple();
    this.#expect(";");
    const condition = this.#is(";") ? undefined : this.#expression();
    this.#expect(";");
    const step = this.#is(")") ? undefined : this.#simple();
    this.#expect(")");
    return { kind: "loop", start, condition, step, body: this.#statement() };
  }

  #simple(): Statement {
    if (this.#keyword("print")) return { kind: "print", format: false, args: this.#printed() };
    if (this.#keyword("printf")) return { kind: "print", format: true, args: this.#printed() };
    if (this.#keyword("next")) return { kind: "next" };
    if (this.#keyword("break")) return { kind: "break" };
    if (this.#keyword("continue")) return { kind: "continue" };
    if (this.#keyword("exit")) {
      const ends =
        this.#is("}") ||
        this.#is(";") ||
        this.#peek().kind === "newline" ||
        this.#peek().kind === "end";
      return { kind: "exit", code: ends ? undefined : this.#expression() };
    }
    if (this.#keyword("delete")) {
      const name = this.#peek().text;
      this.#at++;
      return { kind: "delete", name, index: this.#take("[") ? this.#list("]") : undefined };
    }
    return { kind: "expression", value: this.#expression() };
  }

  #printed(): Expression[] {
    const args: Expression[] = [];
    if (
      this.#is("}") ||
      this.#is(";") ||
      this.#peek().kind === "newline" ||
      this.#peek().kind === "end"
    )
      return args;
    const grouped = this.#is("(") && this.#groupEnds();
    if (grouped) this.#at++;
    do args.push(this.#expression());
    while (this.#take(","));
    if (grouped) this.#expect(")");
    return args;
  }

  /** Whether the parenthesis here holds all of print's arguments. */
  #groupEnds(): boolean {
    let depth = 0;
    for (let at = this.#at; at < this.#tokens.length; at++) {
      const { kind, text } = this.#tokens[at] as Token;
      if (kind === "symbol" && text === "(") depth++;
      if (kind === "symbol" && text === ")" && --depth === 0) {
        const next = this.#tokens[at + 1] as Token;
        return (
          next.kind === "newline" || next.kind === "end" || next.text === ";" || next.text === "}"
        );
      }
    }
    return false;
  }

  #list(end: string): Expression[] {
    const items: Expression[] = [];
    if (this.#take(end)) return items;
    do {
      this.#skipNewlines();
      items.push(this.#expression());
    } while (this.#take(","));
    this.#expect(end);
    return items;
  }

  #expression(): Expression {
    const target = this.#choice();
    for (const operator of ["=", "+=", "-=", "*=", "/=", "%=", "^="]) {
      if (!this.#is(operator)) continue;
      if (!["variable", "element", "field"].includes(target.kind)) fail("Unexpected token");
      this.#at++;
      return { kind: "assign", operator: operator.slice(0, -1), target, value: this.#expression() };
    }
    return target;
  }

  #choice(): Expression {
    const condition = this.#level(0);
    if (!this.#take("?")) return condition;
    const yes = this.#expression();
    this.#expect(":");
    return { kind: "choice", condition, yes, no: this.#expression() };
  }

  #level(level: number): Expression {
    const operators = levels[level];
    if (operators === undefined) return this.#unary();
    if (operators === "concatenation") return this.#concatenation(level);
    let left = this.#level(level + 1);
    for (;;) {
      if (operators.includes("in") && this.#keyword("in")) {
        const name = this.#peek().text;
        this.#at++;
        left = { kind: "in", index: left, name };
        continue;
      }
      const operator = operators.find((one) => this.#is(one));
      if (operator === undefined) return left;
      this.#at++;
      let matched = operator;
      if (operator === "!") {
        this.#expect("~");
        matched = "!~";
      }
      if (operator === "&&" || operator === "||") this.#skipNewlines();
      left = { kind: "binary", operator: matched, left, right: this.#level(level + 1) };
    }
  }

  #concatenation(level: number): Expression {
    let left = this.#level(level + 1);
    while (this.#beginsValue())
      left = { kind: "binary", operator: " ", left, right: this.#level(level + 1) };
    return left;
  }

  #beginsValue(): boolean {
    const { kind, text } = this.#peek();
    if (kind === "name") return text !== "in";
    if (kind === "number" || kind === "string") return true;
    return kind === "symbol" && ["(", "$", "++", "--"].includes(text);
  }

  #unary(): Expression {
    for (const operator of ["!", "-", "+"])
      if (this.#take(operator)) return { kind: "unary", operator, operand: this.#unary() };
    const base = this.#postfix();
    if (!this.#take("^")) return base;
    return { kind: "binary", operator: "^", left: base, right: this.#unary() };
  }

  #postfix(): Expression {
    if (this.#take("++")) return { kind: "step", by: 1, before: true, target: this.#postfix() };
    if (this.#take("--")) return { kind: "step", by: -1, before: true, target: this.#postfix() };
    const value = this.#primary();
    if (this.#take("++")) return { kind: "step", by: 1, before: false, target: value };
    if (this.#take("--")) return { kind: "step", by: -1, before: false, target: value };
    return value;
  }

  #primary(): Expression {
    const token = this.#peek();
    this.#at++;
    if (token.kind === "number") return { kind: "number", value: Number(token.text) };
    if (token.kind === "string") return { kind: "string", value: token.text };
    if (token.kind === "regex")
      return { kind: "regex", expression: compileRegex(token.text, true, "") };
    if (token.kind === "symbol" && token.text === "$")
      return { kind: "field", index: this.#fieldIndex() };
    if (token.kind === "symbol" && token.text === "(") {
      const value = this.#expression();
      this.#expect(")");
      return value;
    }
    if (token.kind !== "name") return fail("Unexpected token");
    if (functions.has(token.text)) {
      if (this.#take("(")) return { kind: "call", name: token.text, args: this.#list(")") };
      return { kind: "call", name: token.text, args: [] };
    }
    if (token.call === true) fail("Call to undefined function");
    if (this.#take("[")) return { kind: "element", name: token.text, index: this.#list("]") };
    return { kind: "variable", name: token.text };
  }

  #fieldIndex(): Expression {
    if (this.#take("++")) return { kind: "step", by: 1, before: true, target: this.#primary() };
    return this.#take("-")
      ? { kind: "unary", operator: "-", operand: this.#primary() }
      : this.#primary();
  }
}

const levels: readonly (readonly string[] | "concatenation")[] = [
  ["||"],
  ["&&"],
  ["in"],
  ["~", "!"],
  ["<=", ">=", "==", "!=", "<", ">"],
  "concatenation",
  ["+", "-"],
  ["*", "/", "%"],
];
