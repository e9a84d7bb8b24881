/** $((...)): C expressions on 64-bit integers, with assignment to shell variables (POSIX XCU 2.6.4). */

/** What an expression cannot be: "divide by zero", "arithmetic syntax error". */
export class ArithmeticError {
  readonly message: string;
  constructor(message: string) {
    this.message = message;
  }
}

export interface ArithmeticVariables {
  get(name: string): string | undefined;
  set(name: string, value: string): void;
}

const binary: readonly (readonly string[])[] = [
  ["||"],
  ["&&"],
  ["|"],
  ["^"],
  ["&"],
  ["==", "!="],
  ["<=", ">=", "<", ">"],
  ["<<", ">>"],
  ["+", "-"],
  ["*", "/", "%"],
  ["**"],
];
const assigning = ["=", "+=", "-=", "*=", "/=", "%=", "<<=", ">>=", "&=", "^=", "|="];
const symbols = [
  ...["<<=", ">>=", "**", "||", "&&", "==", "!=", "<=", ">=", "<<", ">>", "++", "--"],
  ...["+=", "-=", "*=", "/=", "%=", "&=", "^=", "|="],
  ...["+", "-", "*", "/", "%", "(", ")", "<", ">", "=", "!", "~", "&", "|", "^", "?", ":", ","],
];

const blank = /\s+/y;
const word = /[A-Za-z_][A-Za-z0-9_]*|[0-9][0-9A-Za-z#]*/y;

function tokenize(text: string): string[] {
  const tokens: string[] = [];
  for (let at = 0; at < text.length; ) {
    blank.lastIndex = at;
    if (blank.test(text)) {
      at = blank.lastIndex;
      continue;
    }
    word.lastIndex = at;
    const found = word.exec(text)?.[0] ?? symbols.find((symbol) => text.startsWith(symbol, at));
    if (found === undefined) throw new ArithmeticError("arithmetic syntax error");
    tokens.push(found);
    at += found.length;
  }
  return tokens;
}

function number(text: string): bigint {
  try {
    if (/^0[0-7]+$/.test(text)) return BigInt(`0o${text.slice(1)}`);
    if (/^(0|[1-9][0-9]*|0[xX][0-9a-fA-F]+)$/.test(text)) return BigInt.asIntN(64, BigInt(text));
    const based = /^([0-9]+)#([0-9a-zA-Z]+)$/.exec(text);
    if (based !== null) {
      const base = BigInt(based[1] as string);
      let value = 0n;
      for (const digit of based[2] as string) {
        const one = BigInt(Number.parseInt(digit, 36));
        if (one >= base) throw new ArithmeticError("arithmetic syntax error");
        value = value * base + one;
      }
      return value;
    }
  } catch {
    // BigInt refuses what is no number; said below.
  }
  throw new ArithmeticError("arithmetic syntax error");
}

class Evaluation {
  readonly #tokens: string[];
  readonly #variables: ArithmeticVariables;
  readonly #depth: number;
  #at = 0;
  /** Above 0: in a branch that is not taken, where nothing is assigned and nothing divided. */
  #dead = 0;

  constructor(text: string, variables: ArithmeticVariables, depth: number) {
    this.#tokens = tokenize(text);
    this.#variables = variables;
    this.#depth = depth;
  }

  run(): bigint {
    if (this.#tokens.length === 0) return 0n;
    const value = this.#comma();
    if (this.#at < this.#tokens.length) throw new ArithmeticError("arithmetic syntax error");
    return value;
  }

  #comma(): bigint {
    let value = this.#assignment();
    while (this.#take(",")) value = this.#assignment();
    return value;
  }

  #assignment(): bigint {
    const name = this.#tokens[this.#at];
    const operator = this.#tokens[this.#at + 1];
    if (name === undefined || !/^[A-Za-z_]/.test(name) || !assigning.includes(operator ?? ""))
      return this.#conditional();
    this.#at += 2;
    const right = this.#assignment();
    const value =
      operator === "="
        ? right
        : this.#apply((operator as string).slice(0, -1), this.#variable(name), right);
    if (this.#dead === 0) this.#variables.set(name, value.toString());
    return value;
  }

  #conditional(): bigint {
    const condition = this.#binary(0);
    if (!this.#take("?")) return condition;
    const yes = this.#branch(condition !== 0n, () => this.#assignment());
    if (!this.#take(":")) throw new ArithmeticError("arithmetic syntax error");
    const no = this.#branch(condition === 0n, () => this.#conditional());
    return condition !== 0n ? yes : no;
  }

  #branch(taken: boolean, evaluate: () => bigint): bigint {
    if (!taken) this.#dead++;
    const value = evaluate();
    if (!taken) this.#dead--;
    return value;
  }

  #binary(level: number): bigint {
    const operators = binary[level];
    if (operators === undefined) return this.#unary();
    let left = this.#binary(level + 1);
    for (;;) {
      const operator = operators.find((one) => this.#tokens[this.#at] === one);
      if (operator === undefined) return left;
      this.#at++;
      const decided = operator === "||" ? left !== 0n : operator === "&&" && left === 0n;
      const right = this.#branch(!decided, () => this.#binary(level + 1));
      left = this.#apply(operator, left, right);
    }
  }

  #unary(): bigint {
    for (const step of ["++", "--"] as const) {
      if (!this.#take(step)) continue;
      const name = this.#tokens[this.#at++];
      if (name === undefined || !/^[A-Za-z_]/.test(name))
        throw new ArithmeticError("arithmetic syntax error");
      return this.#assign(name, this.#variable(name) + (step === "++" ? 1n : -1n));
    }
    if (this.#take("!")) return this.#unary() === 0n ? 1n : 0n;
    if (this.#take("~")) return ~this.#unary();
    if (this.#take("-")) return -this.#unary();
    if (this.#take("+")) return this.#unary();
    return this.#primary();
  }

  #primary(): bigint {
    if (this.#take("(")) {
      const value = this.#comma();
      if (!this.#take(")")) throw new ArithmeticError("arithmetic syntax error");
      return value;
    }
    const token = this.#tokens[this.#at++];
    if (token === undefined || !/^[A-Za-z0-9_]/.test(token))
      throw new ArithmeticError("arithmetic syntax error");
    if (token >= "0" && token <= "9~") return number(token);
    const value = this.#variable(token);
    if (this.#take("++")) this.#assign(token, value + 1n);
    else if (this.#take("--")) this.#assign(token, value - 1n);
    return value;
  }

  #assign(name: string, value: bigint): bigint {
    if (this.#dead === 0) this.#variables.set(name, value.toString());
    return value;
  }

  #variable(name: string): bigint {
    const text = this.#variables.get(name)?.trim() ?? "";
    if (text === "") return 0n;
    if (/^(0|[1-9][0-9]*)$/.test(text)) return number(text);
    if (this.#depth > 30) throw new ArithmeticError("expression recursion loop detected");
    return new Evaluation(text, this.#variables, this.#depth + 1).run();
  }

  #take(token: string): boolean {
    if (this.#tokens[this.#at] !== token) return false;
    this.#at++;
    return true;
  }

  #apply(operator: string, a: bigint, b: bigint): bigint {
    if ((operator === "/" || operator === "%") && b === 0n) {
      if (this.#dead > 0) return 0n;
      throw new ArithmeticError("divide by zero");
    }
    return BigInt.asIntN(64, compute(operator, a, b));
  }
}

function compute(operator: string, a: bigint, b: bigint): bigint {
  const truth = (value: boolean) => (value ? 1n : 0n);
  switch (operator) {
    case "||":
      return truth(a !== 0n || b !== 0n);
    case "&&":
      return truth(a !== 0n && b !== 0n);
    case "|":
      return a | b;
    case "^":
      return a ^ b;
    case "&":
      return a & b;
    case "==":
      return truth(a === b);
    case "!=":
      return truth(a !== b);
    case "<=":
      return truth(a <= b);
    case ">=":
      return truth(a >= b);
    case "<":
      return truth(a < b);
    case ">":
      return truth(a > b);
    case "<<":
      return a << (b & 63n);
    case ">>":
      return a >> (b & 63n);
    case "+":
      return a + b;
    case "-":
      return a - b;
    case "*":
      return a * b;
    case "/":
      return a / b;
    case "%":
      return a % b;
    case "**":
      if (b < 0n) throw new ArithmeticError("exponent less than 0");
      return power(a, b);
    default:
      throw new ArithmeticError("arithmetic syntax error");
  }
}

/** a ** b in 64 bits, without the huge numbers on the way there. */
function power(a: bigint, b: bigint): bigint {
  let result = 1n;
  for (let base = a, left = b; left > 0n; left >>= 1n) {
    if ((left & 1n) === 1n) result = BigInt.asIntN(64, result * base);
    base = BigInt.asIntN(64, base * base);
  }
  return result;
}

/** Value of an expression whose expansions are done. Throws ArithmeticError. */
export function evaluateArithmetic(text: string, variables: ArithmeticVariables): bigint {
  return new Evaluation(text, variables, 0).run();
}
