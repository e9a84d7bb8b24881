/** test(1) and [: file tests and comparisons, with the precedence of busybox: ! , -a , -o and parentheses. */
import { AT_FDCWD, AT_SYMLINK_NOFOLLOW, S_ISGID, S_ISUID, S_ISVTX } from "../abi.ts";
import type { Process } from "../process/process.ts";
import { isRefusal } from "../refusal.ts";
import { identity } from "../syscall/credential.ts";
import { access, type Stat, statat } from "../syscall/file.ts";
import { matchPattern } from "./shell/pattern.ts";
import { isTerminal } from "./terminal.ts";

/** An expression that is none; exit status 2. */
export class TestError {
  readonly message: string;
  constructor(message: string) {
    this.message = message;
  }
}

const binaryOperators = new Set([
  ...[
    "=",
    "==",
    "!=",
    "<",
    ">",
    "=~",
    "-eq",
    "-ne",
    "-ge",
    "-gt",
    "-le",
    "-lt",
    "-nt",
    "-ot",
    "-ef",
  ],
]);
const unaryOperators = "-b -c -d -e -f -g -G -h -k -L -n -O -p -r -s -S -t -u -w -x -z";
const unary = new Set(unaryOperators.split(" "));

/** Whether the expression holds. `patterns`: the right side of = is a pattern ([[). Throws TestError. */
export function evaluateTest(self: Process, words: readonly string[], patterns = false): boolean {
  if (words.length === 0) return false;
  const evaluation = new Evaluation(self, words, patterns);
  return evaluation.run();
}

class Evaluation {
  readonly #self: Process;
  readonly #words: readonly string[];
  readonly #patterns: boolean;
  #at = 0;

  constructor(self: Process, words: readonly string[], patterns: boolean) {
    this.#self = self;
    this.#words = words;
    this.#patterns = patterns;
  }

  run(): boolean {
    const words = this.#words;
    // POSIX: with one to four words their number decides what they mean.
    if (words.length === 1) return words[0] !== "";
    if (words.length === 2 && words[0] === "!") return words[1] === "";
    if (words.length === 3 && binaryOperators.has(words[1] as string))
      return this.#binary(words[0] as string, words[1] as string, words[2] as string);
    const value = this.#or();
    const rest = this.#words[this.#at];
    if (rest !== undefined) throw new TestError(`${rest}: unknown operand`);
    return value;
  }

  #or(): boolean {
    let value = this.#and();
    while (this.#take("-o") || this.#take("||")) value = this.#and() || value;
    return value;
  }

  #and(): boolean {
    let value = this.#not();
    while (this.#take("-a") || this.#take("&&")) value = this.#not() && value;
    return value;
  }

  #not(): boolean {
    if (this.#words[this.#at] === "!" && this.#at + 1 < this.#words.length) {
      this.#at++;
      return !this.#not();
    }
    return this.#primary();
  }

  #primary(): boolean {
    const word = this.#words[this.#at];
    if (word === undefined)
      throw new TestError(`${this.#words[this.#at - 1] ?? ""}: argument expected`);
    const next = this.#words[this.#at + 1];
    if (next !== undefined && binaryOperators.has(next)) {
      const right = this.#words[this.#at + 2];
      if (right === undefined) throw new TestError(`${next}: argument expected`);
      this.#at += 3;
      return this.#binary(word, next, right);
    }
    if (word === "(") {
      this.#at++;
      const value = this.#or();
      if (!this.#take(")")) throw new TestError("closing paren expected");
      return value;
    }
    if (unary.has(word) && next !== undefined) {
      this.#at += 2;
      return this.#unary(word, next);
    }
    this.#at++;
    return word !== "";
  }

  #take(word: string): boolean {
    if (this.#words[this.#at] !== word) return false;
    this.#at++;
    return true;
  }

  #binary(left: string, operator: string, right: string): boolean {
    switch (operator) {
      case "=":
      case "==":
        return this.#patterns ? matchPattern(right, left) : left === right;
      case "!=":
        return this.#patterns ? !matchPattern(right, left) : left !== right;
      case "<":
        return left < right;
      case ">":
        return left > right;
      case "=~":
        return new RegExp(right).test(left);
      case "-nt":
      case "-ot":
      case "-ef":
        return this.#compareFiles(left, operator, right);
    }
    const a = integer(left);
    const b = integer(right);
    switch (operator) {
      case "-eq":
        return a === b;
      case "-ne":
        return a !== b;
      case "-ge":
        return a >= b;
      case "-gt":
        return a > b;
      case "-le":
        return a <= b;
      default:
        return a < b;
    }
  }

  #compareFiles(left: string, operator: string, right: string): boolean {
    const a = this.#stat(left);
    const b = this.#stat(right);
    if (operator === "-ef")
      return a !== undefined && b !== undefined && a.inode === b.inode && a.device === b.device;
    if (a === undefined || b === undefined) return false;
    return operator === "-nt" ? a.mtimeNs > b.mtimeNs : a.mtimeNs < b.mtimeNs;
  }

  #stat(path: string, flags = 0): Stat | undefined {
    try {
      return statat(this.#self, AT_FDCWD, path, flags);
    } catch (thrown) {
      if (isRefusal(thrown)) return undefined;
      throw thrown;
    }
  }

  #unary(operator: string, operand: string): boolean {
    if (operator === "-n") return operand !== "";
    if (operator === "-z") return operand === "";
    if (operator === "-t") return isTerminal(this.#self, Number(integer(operand)));
    if (operator === "-r" || operator === "-w" || operator === "-x") {
      try {
        access(this.#self, operand, operator === "-r" ? 4 : operator === "-w" ? 2 : 1);
        return true;
      } catch (thrown) {
        if (isRefusal(thrown)) return false;
        throw thrown;
      }
    }
    const link = operator === "-h" || operator === "-L";
    const stat = this.#stat(operand, link ? AT_SYMLINK_NOFOLLOW : 0);
    return stat !== undefined && this.#fits(stat, operator);
  }

  #fits(stat: Stat, operator: string): boolean {
    switch (operator) {
      case "-e":
        return true;
      case "-s":
        return stat.size > 0;
      case "-g":
        return (stat.mode & S_ISGID) !== 0;
      case "-u":
        return (stat.mode & S_ISUID) !== 0;
      case "-k":
        return (stat.mode & S_ISVTX) !== 0;
      case "-O":
        return identity(this.#self).uid[1] === stat.uid;
      case "-G":
        return identity(this.#self).gid[1] === stat.gid;
    }
    return stat.type === fileTypes[operator];
  }
}

const fileTypes: Readonly<Record<string, string>> = {
  "-b": "block",
  "-c": "char",
  "-d": "directory",
  "-f": "file",
  "-h": "symlink",
  "-L": "symlink",
  "-p": "fifo",
  "-S": "socket",
};

function integer(text: string): bigint {
  if (!/^\s*[-+]?[0-9]+\s*$/.test(text)) throw new TestError(`${text}: bad number`);
  return BigInt(text.trim().replace(/^\+/, ""));
}
