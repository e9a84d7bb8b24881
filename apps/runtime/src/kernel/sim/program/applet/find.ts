/** find: names below directories, by name, type and depth; xargs beside it, as they are used together. */
import { AT_FDCWD, AT_SYMLINK_NOFOLLOW } from "../../abi.ts";
import { isRefusal } from "../../refusal.ts";
import { type Stat, statat, unlinkat } from "../../syscall/file.ts";
import type { Coroutine } from "../../task.ts";
import { AccountNames } from "../account-names.ts";
import type { AppletTable } from "../applet.ts";
import { AppletError, type Call } from "../call.ts";
import { runChild } from "../child-program.ts";
import { listNames } from "../directory-names.ts";
import { textOf } from "../file-text.ts";
import { parseNumber, parseOptions } from "../options.ts";
import { matchPattern } from "../shell/pattern.ts";
import { baseName } from "./words.ts";

interface Found {
  readonly path: string;
  readonly stat: Stat;
  readonly depth: number;
}

type Test = (found: Found) => Coroutine<boolean> | boolean;

const types: Readonly<Record<string, Stat["type"]>> = {
  f: "file",
  d: "directory",
  l: "symlink",
  c: "char",
  b: "block",
  p: "fifo",
  s: "socket",
};

class Expression {
  readonly #call: Call;
  readonly #words: readonly string[];
  #at = 0;
  depthMax = Number.POSITIVE_INFINITY;
  depthMin = 0;
  sameDevice = false;
  acts = false;
  prunes = new Set<string>();

  constructor(call: Call, words: readonly string[]) {
    this.#call = call;
    this.#words = words;
  }

  parse(): Test {
    const test = this.#words.length === 0 ? () => true : this.#or();
    if (this.#at < this.#words.length)
      throw new AppletError(`unrecognized: ${this.#words[this.#at]}`);
    return test;
  }

  #or(): Test {
    let left = this.#and();
    while (this.#words[this.#at] === "-o" || this.#words[this.#at] === "-or") {
      this.#at++;
      const [a, b] = [left, this.#and()];
      left = function* (found) {
        return (yield* ask(a, found)) || (yield* ask(b, found));
      };
    }
    return left;
  }

  #and(): Test {
    let left = this.#not();
    for (;;) {
      const word = this.#words[this.#at];
      if (word === undefined || word === "-o" || word === "-or" || word === ")") return left;
      if (word === "-a" || word === "-and") this.#at++;
      const [a, b] = [left, this.#not()];
      left = function* (found) {
        return (yield* ask(a, found)) && (yield* ask(b, found));
      };
    }
  }

  #not(): Test {
    if (this.#words[this.#at] === "!" || this.#words[this.#at] === "-not") {
      this.#at++;
      const inner = this.#not();
      return function* (found) {
        return !(yield* ask(inner, found));
      };
    }
    if (this.#words[this.#at] === "(") {
      this.#at++;
      const inner = this.#or();
      if (this.#words[this.#at++] !== ")") throw new AppletError("unmatched '('");
      return inner;
    }
    return this.#primary();
  }

  #value(name: string): string {
    const value = this.#words[this.#at++];
    if (value === undefined) throw new AppletError(`option ${name} requires an argument`);
    return value;
  }

  #primary(): Test {
    const name = this.#words[this.#at++] ?? "";
    const call = this.#call;
    switch (name) {
      case "-name":
      case "-iname": {
        const pattern = this.#value(name);
        if (name === "-name") return ({ path }) => matchPattern(pattern, baseName(path));
        return ({ path }) => matchPattern(pattern.toLowerCase(), baseName(path).toLowerCase());
      }
      case "-path": {
        const pattern = this.#value(name);
        return ({ path }) => matchPattern(pattern, path);
      }
      case "-type": {
        const type = types[this.#value(name)];
        return ({ stat }) => stat.type === type;
      }
      case "-user":
      case "-group": {
        const text = this.#value(name);
        const names = new AccountNames(call.self);
        const id = name === "-user" ? names.userId(text) : names.groupId(text);
        return ({ stat }) => (name === "-user" ? stat.uid : stat.gid) === id;
      }
      case "-perm":
        return permissions(this.#value(name));
      case "-size":
        return sizes(this.#value(name));
      case "-empty":
        return ({ path, stat }) =>
          stat.type === "directory"
            ? listNames(call.self, path).length === 0
            : stat.type === "file" && stat.size === 0;
      case "-maxdepth":
        this.depthMax = parseNumber(this.#value(name));
        return () => true;
      case "-mindepth":
        this.depthMin = parseNumber(this.#value(name));
        return () => true;
      case "-xdev":
        this.sameDevice = true;
        return () => true;
      default:
        return this.#action(name);
    }
  }

  #action(name: string): Test {
    const call = this.#call;
    if (name !== "-prune") this.acts = true;
    switch (name) {
      case "-print":
      case "-print0":
        return ({ path }) => {
          call.print(`${path}${name === "-print" ? "\n" : "\0"}`);
          return true;
        };
      case "-delete":
        return ({ path, stat }) => {
          unlinkat(call.self, AT_FDCWD, path, stat.type === "directory" ? 0x200 : 0);
          return true;
        };
      case "-prune":
        return ({ path }) => {
          this.prunes.add(path);
          return true;
        };
      case "-quit":
        return () => {
          throw new Quit();
        };
      case "-exec": {
        const words: string[] = [];
        for (let word = this.#value(name); word !== ";" && word !== "+"; word = this.#value(name))
          words.push(word);
        return function* ({ path }) {
          return (
            (yield* runChild(
              call,
              words.map((word) => word.replaceAll("{}", path)),
            )) === 0
          );
        };
      }
      default:
        throw new AppletError(`unrecognized: ${name}`);
    }
  }
}

class Quit {}

function* ask(test: Test, found: Found): Coroutine<boolean> {
  const answer = test(found);
  return typeof answer === "boolean" ? answer : yield* answer;
}

function permissions(text: string): Test {
  const bits = Number.parseInt(text.replace(/^[-/]/, ""), 8);
  if (text.startsWith("-")) return ({ stat }) => (stat.mode & bits) === bits;
  if (text.startsWith("/")) return ({ stat }) => (stat.mode & bits) !== 0;
  return ({ stat }) => stat.mode === bits;
}

function sizes(text: string): Test {
  const match = /^([-+]?)([0-9]+)([bckMG]?)$/.exec(text);
  if (match === null) throw new AppletError(`invalid number '${text}'`);
  const units: Readonly<Record<string, number>> = {
    "": 512,
    b: 512,
    c: 1,
    k: 1024,
    M: 1024 ** 2,
    G: 1024 ** 3,
  };
  const wanted = Number(match[2]);
  return ({ stat }) => {
    const size = Math.ceil(stat.size / (units[match[3] as string] ?? 512));
    return match[1] === "+" ? size > wanted : match[1] === "-" ? size < wanted : size === wanted;
  };
}

function* find(call: Call): Coroutine<void> {
  let first = call.args.findIndex((word) => /^[-!(]/.test(word));
  if (first < 0) first = call.args.length;
  const roots = first === 0 ? ["."] : call.args.slice(0, first);
  const expression = new Expression(call, call.args.slice(first));
  const test = expression.parse();
  try {
    for (const root of roots) yield* visit(call, expression, test, root, 0, undefined);
  } catch (thrown) {
    if (!(thrown instanceof Quit)) throw thrown;
  }
}

function* visit(
  call: Call,
  expression: Expression,
  test: Test,
  path: string,
  depth: number,
  device: number | undefined,
): Coroutine<void> {
  let names: readonly string[] = [];
  try {
    const stat = statat(call.self, AT_FDCWD, path, AT_SYMLINK_NOFOLLOW);
    if (expression.sameDevice && device !== undefined && stat.device !== device) return;
    device ??= stat.device;
    if (
      depth >= expression.depthMin &&
      (yield* ask(test, { path, stat, depth })) &&
      !expression.acts
    )
      call.print(`${path}\n`);
    yield* call.flush();
    if (stat.type !== "directory" || depth >= expression.depthMax || expression.prunes.has(path))
      return;
    names = listNames(call.self, path);
  } catch (thrown) {
    if (!isRefusal(thrown)) throw thrown;
    call.refused(path, thrown);
    return;
  }
  for (const name of names)
    yield* visit(
      call,
      expression,
      test,
      path.endsWith("/") ? path + name : `${path}/${name}`,
      depth + 1,
      device,
    );
}

/** Words of xargs: by blanks, quotes and backslashes count. */
function xargsWords(text: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  for (let at = 0; at < text.length; at++) {
    const character = text[at] as string;
    if (character === "'" || character === '"') {
      const end = text.indexOf(character, at + 1);
      if (end < 0)
        throw new AppletError(`unmatched ${character === "'" ? "single" : "double"} quote`);
      word = (word ?? "") + text.slice(at + 1, end);
      at = end;
    } else if (character === "\\") word = (word ?? "") + (text[++at] ?? "");
    else if (/\s/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? "") + character;
  }
  if (word !== undefined) words.push(word);
  return words;
}

function* xargs(call: Call): Coroutine<number> {
  const options = parseOptions(call.args, "+0rtn:I:P:L:");
  const text = textOf(yield* call.readAll(0));
  const replace = options.value("I");
  const words = options.has("0")
    ? text.split("\0").filter((word) => word !== "")
    : replace !== undefined
      ? text
          .split("\n")
          .map((line) => line.trim())
          .filter((line) => line !== "")
      : xargsWords(text);
  const program = options.operands.length === 0 ? ["echo"] : options.operands;
  if (words.length === 0 && (options.has("r") || replace !== undefined)) return 0;
  const groups: string[][] = [];
  const size = replace !== undefined ? 1 : Number(options.value("n") ?? options.value("L") ?? 5000);
  for (let at = 0; at === 0 || at < words.length; at += size)
    groups.push(words.slice(at, at + size));
  let code = 0;
  for (const group of groups) {
    const argv =
      replace === undefined
        ? [...program, ...group]
        : program.map((word) => word.replaceAll(replace, group[0] ?? ""));
    if (options.has("t")) call.say(`${argv.join(" ")}\n`);
    const one = yield* runChild(call, argv);
    if (one === 127 || one === 126) return one;
    if (one !== 0) code = 123;
  }
  return code;
}

export const findApplets: AppletTable = { find, xargs };
