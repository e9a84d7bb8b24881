/** grep, egrep, fgrep: lines that fit a pattern. */
import { AT_FDCWD, AT_SYMLINK_NOFOLLOW } from "../../abi.ts";
import { isRefusal } from "../../refusal.ts";
import { statat } from "../../syscall/file.ts";
import type { Coroutine } from "../../task.ts";
import type { AppletTable } from "../applet.ts";
import { type Call, LineReader, UsageError } from "../call.ts";
import { listNames } from "../directory-names.ts";
import { readFileText } from "../file-text.ts";
import { type Options, parseOptions } from "../options.ts";
import { compileRegex, escapeRegex, translateRegex } from "../regular-expression.ts";

function matcher(options: Options, patterns: readonly string[]): RegExp {
  const flags = options.has("i") ? "gi" : "g";
  const alternatives = patterns.map((pattern) => {
    let text = options.has("F") ? escapeRegex(pattern) : translateRegex(pattern, options.has("E"));
    if (options.has("w")) text = `\\b(?:${text})\\b`;
    if (options.has("x")) text = `^(?:${text})$`;
    return text;
  });
  try {
    return new RegExp(alternatives.join("|"), flags);
  } catch {
    return compileRegex(patterns[0] ?? "", options.has("E"), flags);
  }
}

/** Files below a directory, for -r. */
function walk(call: Call, path: string): string[] {
  try {
    if (statat(call.self, AT_FDCWD, path, AT_SYMLINK_NOFOLLOW).type !== "directory") return [path];
    return listNames(call.self, path).flatMap((name) =>
      walk(call, `${path.replace(/\/$/, "")}/${name}`),
    );
  } catch (thrown) {
    if (isRefusal(thrown)) return [path];
    throw thrown;
  }
}

function grepAs(implied: string) {
  return function* grep(call: Call): Coroutine<number> {
    const options = parseOptions(call.args, "lLnqvscFiHhe:f:m:A:B:C:EworxRz");
    for (const letter of implied) options.add(letter, "");
    const patterns = options.values("e").flatMap((text) => text.split("\n"));
    for (const file of options.values("f"))
      patterns.push(
        ...readFileText(call.self, file)
          .split("\n")
          .filter((line) => line !== ""),
      );
    let operands = options.operands;
    if (!options.has("e") && !options.has("f")) {
      const first = operands[0];
      if (first === undefined) throw new UsageError();
      patterns.push(...first.split("\n"));
      operands = operands.slice(1);
    }
    const recursive = options.has("r") || options.has("R");
    const paths = recursive
      ? (operands.length === 0 ? ["."] : operands).flatMap((path) => walk(call, path))
      : operands.length === 0
        ? ["-"]
        : operands;
    const search = new Search(
      call,
      options,
      matcher(options, patterns),
      (paths.length > 1 || recursive || options.has("H")) && !options.has("h"),
    );
    let found = false;
    for (const path of paths) {
      try {
        const fd = yield* call.open(path);
        if (yield* search.file(path === "-" ? "(standard input)" : path, fd)) found = true;
        call.close(fd);
      } catch (thrown) {
        if (!isRefusal(thrown)) throw thrown;
        if (options.has("s")) call.code = 2;
        else {
          call.refused(path, thrown);
          call.code = 2;
        }
      }
      if (found && options.has("q")) return 0;
    }
    return call.code !== 0 ? call.code : found ? 0 : 1;
  };
}

class Search {
  readonly #call: Call;
  readonly #options: Options;
  readonly #expression: RegExp;
  readonly #named: boolean;
  readonly #before: number;
  readonly #after: number;

  constructor(call: Call, options: Options, expression: RegExp, named: boolean) {
    this.#call = call;
    this.#options = options;
    this.#expression = expression;
    this.#named = named;
    this.#before = Number(options.value("B") ?? options.value("C") ?? 0);
    this.#after = Number(options.value("A") ?? options.value("C") ?? 0);
  }

  *file(name: string, fd: number): Coroutine<boolean> {
    const options = this.#options;
    const silent = options.has("q") || options.has("l") || options.has("L") || options.has("c");
    const most = Number(options.value("m") ?? Number.POSITIVE_INFINITY);
    const lines = new LineReader(this.#call, fd);
    const earlier: { number: number; text: string }[] = [];
    let shownTo = 0;
    let trailing = 0;
    let count = 0;
    let number = 0;
    for (let raw = yield* lines.next(); raw !== undefined; raw = yield* lines.next()) {
      number++;
      const text = raw.endsWith("\n") ? raw.slice(0, -1) : raw;
      this.#expression.lastIndex = 0;
      if (this.#expression.test(text) === options.has("v")) {
        if (trailing > 0 && !silent) {
          trailing--;
          this.#show(name, number, "-", text);
          shownTo = number;
        }
        earlier.push({ number, text });
        if (earlier.length > this.#before) earlier.shift();
        continue;
      }
      count++;
      if (options.has("q") || options.has("l")) break;
      if (!silent) {
        const firstShown = earlier.find((one) => one.number > shownTo)?.number ?? number;
        if (this.#before + this.#after > 0 && shownTo > 0 && firstShown > shownTo + 1)
          this.#call.print("--\n");
        for (const one of earlier)
          if (one.number > shownTo) this.#show(name, one.number, "-", one.text);
        this.#match(name, number, text);
        shownTo = number;
        trailing = this.#after;
        yield* this.#call.flush();
      }
      if (count >= most) break;
    }
    if (options.has("c")) this.#call.print(`${this.#named ? `${name}:` : ""}${count}\n`);
    if (options.has("l") && count > 0) this.#call.print(`${name}\n`);
    if (options.has("L") && count === 0) this.#call.print(`${name}\n`);
    return count > 0;
  }

  #match(name: string, number: number, text: string): void {
    if (!this.#options.has("o")) {
      this.#show(name, number, ":", text);
      return;
    }
    this.#expression.lastIndex = 0;
    for (const match of text.matchAll(this.#expression))
      if (match[0] !== "") this.#show(name, number, ":", match[0]);
  }

  #show(name: string, number: number, separator: string, text: string): void {
    let line = this.#named ? `${name}${separator}` : "";
    if (this.#options.has("n")) line += `${number}${separator}`;
    this.#call.print(`${line}${text}\n`);
  }
}

export const grepApplets: AppletTable = {
  grep: grepAs(""),
  egrep: grepAs("E"),
  fgrep: grepAs("F"),
};
