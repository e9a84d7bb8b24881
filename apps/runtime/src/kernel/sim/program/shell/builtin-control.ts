/** Builtins that decide what runs: exit, return, break, eval, ".", exec, command, type, trap, set. */
import { isRefusal } from "../../refusal.ts";
import type { Coroutine } from "../../task.ts";
import { errnoMessage } from "../errno-message.ts";
import { readFileText } from "../file-text.ts";
import { signalNames, signalNumber } from "../signals.ts";
import { type BuiltinRun, builtinError, countOf } from "./builtin.ts";
import { LoopJump, ShellError, ShellExit, ShellReturn } from "./control.ts";
import type { Executor } from "./execute.ts";
import { findCommand } from "./find-command.ts";
import { applyOptions } from "./options.ts";
import { replaceBy } from "./replace-process.ts";
import type { Shell } from "./shell.ts";
import { quoteAlways } from "./trace.ts";

// biome-ignore lint/correctness/useYield: it ends before it could wait
export const exit: BuiltinRun = function* (executor, words) {
  const text = words[1];
  throw new ShellExit(
    text === undefined ? executor.shell.status : countOf(executor, "exit", text) & 255,
  );
};

// biome-ignore lint/correctness/useYield: it ends before it could wait
export const returnFrom: BuiltinRun = function* (executor, words) {
  const text = words[1];
  const code = text === undefined ? executor.shell.status : countOf(executor, "return", text) & 255;
  throw new ShellReturn(code);
};

function jump(kind: "break" | "continue"): BuiltinRun {
  // biome-ignore lint/correctness/useYield: it ends before it could wait
  return function* (executor, words) {
    const levels = words[1] === undefined ? 1 : countOf(executor, kind, words[1]);
    if (executor.shell.loops > 0) throw new LoopJump(kind, Math.max(1, levels));
    return 0;
  };
}
export const breakLoop = jump("break");
export const continueLoop = jump("continue");

export const evaluate: BuiltinRun = function* (executor, words) {
  return yield* executor.runText(words.slice(1).join(" "), executor.shell.line);
};

/** ". file": looked up in PATH when it has no slash. */
export const source: BuiltinRun = function* (executor, words) {
  const { shell } = executor;
  const file = words[1];
  if (file === undefined) return 0;
  const path = file.includes("/") ? file : (findCommand(shell, file) ?? file);
  let text: string;
  try {
    text = readFileText(shell.self, path);
  } catch (thrown) {
    if (!isRefusal(thrown)) throw thrown;
    return builtinError(
      executor,
      words[0] as string,
      `can't open '${file}': ${errnoMessage(thrown)}`,
    );
  }
  const { positional, line } = shell;
  if (words.length > 2) shell.positional = words.slice(2);
  try {
    return yield* executor.runText(text, 1);
  } catch (thrown) {
    if (thrown instanceof ShellReturn) return thrown.code;
    throw thrown;
  } finally {
    if (words.length > 2) shell.positional = positional;
    shell.line = line;
  }
};

/** The redirections were made before; without a command they stay. */
// biome-ignore lint/correctness/useYield: it becomes another program, or fails
export const exec: BuiltinRun = function* (executor, words) {
  if (words.length === 1) return 0;
  const { shell } = executor;
  const failure = replaceBy(shell, words.slice(1));
  const where = shell.showsLine ? "" : `line ${shell.line}: `;
  throw new ShellError(`exec: ${where}${words[1]}: ${failure.message}`, failure.code);
};

export const command: BuiltinRun = function* (executor, words) {
  const option = words[1];
  if (option === "-v" || option === "-V") {
    let status = 0;
    for (const name of words.slice(2, 3)) {
      const text = describe(executor, name, option === "-V");
      if (text === undefined) {
        status = 127;
        if (option === "-V") yield* executor.shell.printTo(2, `${name}: not found\n`);
      } else yield* executor.shell.print(`${text}\n`);
    }
    return status;
  }
  const rest = words.slice(option === "-p" || option === "--" ? 2 : 1);
  if (rest.length === 0) return 0;
  return yield* executor.runWords(rest);
};

export const type: BuiltinRun = function* (executor, words) {
  let status = 0;
  for (const name of words.slice(1)) {
    const text = describe(executor, name, true);
    if (text === undefined) {
      yield* executor.shell.print(`${name}: not found\n`);
      status = 127;
    } else yield* executor.shell.print(`${text}\n`);
  }
  return status;
};

const keywords = new Set([
  ...["!", "case", "do", "done", "elif", "else", "esac", "fi", "for", "function", "if", "in"],
  ...["then", "until", "while", "{", "}"],
]);

function describe(executor: Executor, name: string, verbose: boolean): string | undefined {
  const { shell } = executor;
  const say = (what: string, short = name): string => (verbose ? `${name} is ${what}` : short);
  if (keywords.has(name)) return say("a shell keyword");
  const builtin = executor.builtin(name);
  if (builtin?.special === true) return say("a shell builtin");
  if (shell.functions.has(name)) return say("a function");
  if (builtin !== undefined) return say("a shell builtin");
  const path = findCommand(shell, name);
  if (path === undefined || (name.includes("/") && findFile(shell, name) === undefined))
    return undefined;
  return say(path, path);
}

function findFile(shell: Shell, path: string): string | undefined {
  const slash = path.lastIndexOf("/");
  return findCommand(shell, path.slice(slash + 1), path.slice(0, slash) || "/");
}

/** trap [ACTION SIGNAL...], trap -l, trap -p; "-" is the default again. */
export const trap: BuiltinRun = function* (executor, words) {
  const { shell } = executor;
  let rest = words.slice(1);
  if (rest[0] === "--") rest = rest.slice(1);
  if (rest[0] === "-l") {
    yield* shell.print(signalList());
    return 0;
  }
  if (rest.length === 0 || rest[0] === "-p") {
    for (const [signal, action] of [...shell.traps].sort((a, b) => a[0] - b[0]))
      yield* shell.print(`trap -- ${quoteAlways(action)} ${signalNames[signal] ?? signal}\n`);
    return 0;
  }
  const first = rest[0] as string;
  const resets = rest.length === 1 || /^[0-9]+$/.test(first);
  const action = resets || first === "-" ? undefined : first;
  let status = 0;
  for (const name of resets ? rest : rest.slice(1)) {
    const signal = signalNumber(name);
    if (signal === undefined) {
      yield* shell.complainAs("trap", `${name}: invalid signal specification`);
      status = 1;
    } else shell.setTrap(signal, action);
  }
  return status;
};

/** As kill -l and trap -l print it. */
export function signalList(): string {
  let text = "";
  for (let signal = 1; signal < signalNames.length; signal++)
    text += `${String(signal).padStart(2)}) ${signalNames[signal]}\n`;
  return text;
}

/** set [-+aefnuvxC] [-o OPTION] [--] [ARG...]; alone it lists the variables. */
export const set: BuiltinRun = function* (executor, words) {
  const { shell } = executor;
  if (words.length === 1) {
    const names = [...shell.variables.keys()].sort((a, b) => (a < b ? -1 : 1));
    let text = "";
    for (const name of names) {
      const value = shell.get(name);
      if (value !== undefined) text += `${name}=${quoteAlways(value)}\n`;
    }
    yield* shell.print(text);
    return 0;
  }
  const listing = applyOptions(executor, words.slice(1), true);
  if (listing.text !== "") yield* shell.print(listing.text);
  if (listing.rest !== undefined) shell.positional = listing.rest;
  return 0;
};

// biome-ignore lint/correctness/useYield: nothing to wait for
export const nothing: BuiltinRun = function* (): Coroutine<number> {
  return 0;
};
// biome-ignore lint/correctness/useYield: nothing to wait for
export const no: BuiltinRun = function* (): Coroutine<number> {
  return 1;
};
