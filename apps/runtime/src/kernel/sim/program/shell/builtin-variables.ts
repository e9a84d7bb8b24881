/** Builtins on variables: export, readonly, unset, local, shift, read, getopts, let. */
import { isRefusal } from "../../refusal.ts";
import { read as readFd } from "../../syscall/file.ts";
import type { Coroutine } from "../../task.ts";
import { Alarm } from "../alarm.ts";
import { bytesOf, textOf } from "../file-text.ts";
import { type BuiltinRun, builtinError, countOf, splitAssignment } from "./builtin.ts";
import type { Shell } from "./shell.ts";
import { quoteAlways } from "./trace.ts";

function mark(kind: "export" | "readonly"): BuiltinRun {
  const flag = kind === "export" ? "exported" : "readonly";
  return function* (executor, words) {
    const { shell } = executor;
    let rest = words.slice(1);
    const remove = kind === "export" && rest[0] === "-n";
    if (remove) rest = rest.slice(1);
    if (rest.length === 0 || rest[0] === "-p") {
      yield* shell.print(listMarked(shell, kind, flag));
      return 0;
    }
    for (const text of rest) {
      if (text === "--") continue;
      const { name, value } = splitAssignment(executor, kind, text);
      if (value !== undefined) shell.set(name, value);
      let variable = shell.variables.get(name);
      if (variable === undefined) {
        variable = { value: undefined, exported: false, readonly: false };
        shell.variables.set(name, variable);
      }
      variable[flag] = !remove;
    }
    return 0;
  };
}
export const exportVariable = mark("export");
export const readonlyVariable = mark("readonly");

function listMarked(shell: Shell, kind: string, flag: "exported" | "readonly"): string {
  let text = "";
  const names = [...shell.variables.keys()].sort((a, b) => (a < b ? -1 : 1));
  for (const name of names) {
    const variable = shell.variables.get(name);
    if (variable?.[flag] !== true) continue;
    text += `${kind} ${name}${variable.value === undefined ? "" : `=${quoteAlways(variable.value)}`}\n`;
  }
  return text;
}

// biome-ignore lint/correctness/useYield: nothing to wait for
export const unset: BuiltinRun = function* (executor, words) {
  const { shell } = executor;
  let functions = false;
  for (const word of words.slice(1)) {
    if (word === "-f") functions = true;
    else if (word === "-v") functions = false;
    else if (functions) shell.functions.delete(word);
    else {
      const { name } = splitAssignment(executor, "unset", word);
      if (shell.variables.get(name)?.readonly === true)
        builtinError(executor, "unset", `${name}: is read only`);
      shell.unset(name);
    }
  }
  return 0;
};

// biome-ignore lint/correctness/useYield: nothing to wait for
export const local: BuiltinRun = function* (executor, words) {
  const { shell } = executor;
  const frame = shell.locals.at(-1);
  if (frame === undefined) return builtinError(executor, "local", "not in a function");
  for (const word of words.slice(1)) {
    const { name, value } = splitAssignment(executor, "local", word);
    const before = shell.variables.get(name);
    if (!frame.has(name)) frame.set(name, before === undefined ? undefined : { ...before });
    if (value !== undefined) shell.set(name, value);
    else if (before === undefined)
      shell.variables.set(name, { value: undefined, exported: false, readonly: false });
  }
  return 0;
};

// biome-ignore lint/correctness/useYield: nothing to wait for
export const shift: BuiltinRun = function* (executor, words) {
  const { shell } = executor;
  const count = words[1] === undefined ? 1 : countOf(executor, "shift", words[1]);
  if (count > shell.positional.length) return 1;
  shell.positional = shell.positional.slice(count);
  return 0;
};

interface ReadOptions {
  readonly raw: boolean;
  readonly timeoutNs: bigint | undefined;
  readonly characters: number | undefined;
  readonly fd: number;
}

/** read [-r] [-p PROMPT] [-t SECONDS] [-n COUNT] [-u FD] [NAME...]: one line, byte by byte, as what is behind it belongs to others. */
export const read: BuiltinRun = function* (executor, words) {
  const { shell } = executor;
  let raw = false;
  let timeoutNs: bigint | undefined;
  let characters: number | undefined;
  let fd = 0;
  let index = 1;
  for (; index < words.length && /^-./.test(words[index] as string); index++) {
    const option = words[index] as string;
    if (option === "--") {
      index++;
      break;
    }
    if (option === "-r") raw = true;
    else if (option === "-s") continue;
    else if (["-p", "-t", "-n", "-u", "-d"].includes(option)) {
      const value = words[++index];
      if (value === undefined) {
        yield* shell.complainAs("read", `no arg for ${option} option`);
        return 2;
      }
      if (option === "-p") yield* shell.printTo(2, value);
      else if (option === "-t") timeoutNs = BigInt(Math.round(Number(value) * 1e9) || 0);
      else if (option === "-n") characters = countOf(executor, "read", value);
      else if (option === "-u") fd = countOf(executor, "read", value);
    } else return builtinError(executor, "read", `illegal option ${option}`);
  }
  const line = yield* readLine(shell, { raw, timeoutNs, characters, fd });
  const names = words.slice(index);
  assignFields(shell, line.text, line.escaped, names.length === 0 ? ["REPLY"] : names);
  return line.status;
};

function* readLine(
  shell: Shell,
  options: ReadOptions,
): Coroutine<{
  readonly text: string;
  readonly escaped: ReadonlySet<number>;
  readonly status: number;
}> {
  const bytes: number[] = [];
  const escaped = new Set<number>();
  let backslash = false;
  let status = 1;
  const alarm =
    options.timeoutNs === undefined ? undefined : new Alarm(shell.self, options.timeoutNs);
  while (options.characters === undefined || bytes.length < options.characters) {
    const byte = yield* readByte(shell, options.fd, alarm);
    if (byte === undefined) break;
    if (byte === "interrupted") {
      status = 130;
      break;
    }
    if (byte === 0) continue;
    if (backslash) {
      backslash = false;
      if (byte === 10) continue;
      escaped.add(bytes.length);
      bytes.push(byte);
    } else if (byte === 92 && !options.raw) backslash = true;
    else if (byte === 10) {
      status = 0;
      break;
    } else bytes.push(byte);
  }
  alarm?.cancel();
  if (options.characters !== undefined && bytes.length >= options.characters) status = 0;
  return { text: textOf(Uint8Array.from(bytes)), escaped, status };
}

function* readByte(
  shell: Shell,
  fd: number,
  alarm: Alarm | undefined,
): Coroutine<number | "interrupted" | undefined> {
  for (;;) {
    if (alarm?.rang === true) return undefined;
    try {
      return (yield* readFd(shell.self, fd, 1))[0];
    } catch (thrown) {
      if (!isRefusal(thrown)) throw thrown;
      if (thrown.errno !== "EINTR") return undefined;
      if (shell.caught.length > 0) return "interrupted";
    }
  }
}

/** Splits by IFS into as many fields as there are names; the last one has the rest of the line. */
function assignFields(
  shell: Shell,
  text: string,
  escaped: ReadonlySet<number>,
  names: readonly string[],
): void {
  const ifs = shell.get("IFS") ?? " \t\n";
  // Positions of escaped characters are bytes; only ASCII text keeps them the same.
  const ascii = bytesOf(text).length === text.length;
  const separates = (at: number): boolean =>
    ifs.includes(text.charAt(at)) && !(ascii && escaped.has(at));
  const blank = (at: number): boolean => separates(at) && " \t\n".includes(text.charAt(at));
  let at = 0;
  const skipBlanks = (): void => {
    while (at < text.length && blank(at)) at++;
  };
  skipBlanks();
  names.forEach((name, index) => {
    let end = at;
    if (index === names.length - 1) {
      end = text.length;
      while (end > at && blank(end - 1)) end--;
      const rest = lastField(text.slice(at, end), ifs);
      shell.set(name, rest);
      at = text.length;
      return;
    }
    while (end < text.length && !separates(end)) end++;
    shell.set(name, text.slice(at, end));
    at = end;
    skipBlanks();
    if (at < text.length && separates(at)) at++;
    skipBlanks();
  });
}

/** A separator that only ends the last field is no part of it: "a:" with IFS=: is "a". */
function lastField(text: string, ifs: string): string {
  const last = text.charAt(text.length - 1);
  if (last === "" || " \t\n".includes(last) || !ifs.includes(last)) return text;
  const before = text.slice(0, -1);
  for (const character of before) if (ifs.includes(character)) return text;
  return before;
}

/** getopts OPTSTRING NAME [ARG...] */
export const getopts: BuiltinRun = function* (executor, words) {
  const { shell } = executor;
  const [, options, name] = words;
  if (options === undefined || name === undefined) {
    yield* shell.complainAs("getopts", "usage: getopts optstring var [arg]");
    return 2;
  }
  const args = words.length > 3 ? words.slice(3) : shell.positional;
  // Inside a cluster OPTIND is already that of the next argument.
  let offset = shell.getoptsOffset;
  let next = Number(shell.get("OPTIND") ?? 1) || 1;
  const finish = (value: string, inside: number): void => {
    shell.set(name, value);
    shell.set("OPTIND", String(next));
    shell.getoptsOffset = inside;
  };
  if (offset === 0) {
    const arg = args[next - 1];
    if (arg === undefined || arg === "-" || !arg.startsWith("-") || arg === "--") {
      if (arg === "--") next++;
      shell.unset("OPTARG");
      finish("?", 0);
      return 1;
    }
    offset = 1;
    next++;
  }
  const word = args[next - 2] ?? "";
  const letter = word.charAt(offset++);
  const known = letter === ":" ? -1 : options.indexOf(letter);
  const silent = options.startsWith(":");
  const inside = offset < word.length ? offset : 0;
  if (known < 0) {
    if (silent) shell.set("OPTARG", letter);
    else {
      shell.unset("OPTARG");
      yield* shell.printTo(2, `Illegal option -${letter}\n`);
    }
    finish("?", inside);
    return 0;
  }
  if (options.charAt(known + 1) !== ":") {
    shell.unset("OPTARG");
    finish(letter, inside);
    return 0;
  }
  const value = inside > 0 ? word.slice(offset) : args[next - 1];
  if (value === undefined) {
    if (silent) shell.set("OPTARG", letter);
    else yield* shell.printTo(2, `No arg for -${letter} option\n`);
    finish(silent ? ":" : "?", 0);
    return 0;
  }
  if (inside === 0) next++;
  shell.set("OPTARG", value);
  finish(letter, 0);
  return 0;
};

export const letBuiltin: BuiltinRun = function* (executor, words) {
  if (words.length === 1) return builtinError(executor, "let", "expression expected");
  let value = "0";
  for (const text of words.slice(1))
    value = yield* executor.expander.arithmetic([{ kind: "text", text, quoted: true }]);
  return value === "0" ? 1 : 0;
};
