/** expr(1): integers, comparisons, strings, matches, over words. */
import { compileRegex } from "./regular-expression.ts";

export class ExpressionError {
  readonly message: string;
  constructor(message: string) {
    this.message = message;
  }
}

const levels: readonly (readonly string[])[] = [
  ["|"],
  ["&"],
  ["=", "==", "!=", "<", "<=", ">", ">="],
  ["+", "-"],
  ["*", "/", "%"],
  [":"],
];

/** The value as text; "0" or "" count as false. */
export function evaluateExpression(words: readonly string[]): string {
  const evaluation = new Evaluation(words);
  return evaluation.run();
}

class Evaluation {
  readonly #words: readonly string[];
  #at = 0;

  constructor(words: readonly string[]) {
    this.#words = words;
  }

  run(): string {
    const value = this.#level(0);
    if (this.#at < this.#words.length) throw new ExpressionError("syntax error");
    return value;
  }

  #level(level: number): string {
    const operators = levels[level];
    if (operators === undefined) return this.#primary();
    let left = this.#level(level + 1);
    for (;;) {
      const operator = this.#words[this.#at];
      if (operator === undefined || !operators.includes(operator)) return left;
      this.#at++;
      left = apply(operator, left, this.#level(level + 1));
    }
  }

  #primary(): string {
    const word = this.#words[this.#at++];
    if (word === undefined) throw new ExpressionError("syntax error");
    if (word === "(") {
      const value = this.#level(0);
      if (this.#words[this.#at++] !== ")") throw new ExpressionError("syntax error");
      return value;
    }
    if (word === "length") return String([...(this.#words[this.#at++] ?? "")].length);
    if (word === "substr") {
      const [text = "", from = "1", length = "0"] = this.#words.slice(this.#at, this.#at + 3);
      this.#at += 3;
      return text.slice(Number(from) - 1, Number(from) - 1 + Number(length));
    }
    return word;
  }
}

function integer(text: string): bigint {
  if (!/^-?[0-9]+$/.test(text)) throw new ExpressionError("non-numeric argument");
  return BigInt(text);
}

function isFalse(text: string): boolean {
  return text === "" || text === "0";
}

function apply(operator: string, left: string, right: string): string {
  if (operator === "|") return isFalse(left) ? right : left;
  if (operator === "&") return isFalse(left) || isFalse(right) ? "0" : left;
  if (operator === ":") {
    const match = compileRegex(`^${right.replace(/^\^/, "")}`, false, "").exec(left);
    if (match === null) return /\\\(/.test(right) ? "" : "0";
    return match.length > 1 ? (match[1] ?? "") : String(match[0].length);
  }
  if (["=", "==", "!=", "<", "<=", ">", ">="].includes(operator))
    return compare(operator, left, right) ? "1" : "0";
  const a = integer(left);
  const b = integer(right);
  if ((operator === "/" || operator === "%") && b === 0n)
    throw new ExpressionError("division by zero");
  const value =
    operator === "+"
      ? a + b
      : operator === "-"
        ? a - b
        : operator === "*"
          ? a * b
          : operator === "/"
            ? a / b
            : a % b;
  return value.toString();
}

function compare(operator: string, left: string, right: string): boolean {
  const numeric = /^-?[0-9]+$/.test(left) && /^-?[0-9]+$/.test(right);
  const [a, b] = numeric ? [BigInt(left), BigInt(right)] : [left, right];
  switch (operator) {
    case "!=":
      return a !== b;
    case "<":
      return a < b;
    case "<=":
      return a <= b;
    case ">":
      return a > b;
    case ">=":
      return a >= b;
    default:
      return a === b;
  }
}
