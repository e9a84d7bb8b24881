/** Builtins on processes and the shell's own attributes: wait, kill, umask, ulimit, times, cd, pwd. */
import type { RlimitType } from "../../../op.ts";
import { isRefusal } from "../../refusal.ts";
import { chdir, getcwd, umask as setUmask } from "../../syscall/file.ts";
import { prlimit } from "../../syscall/process.ts";
import { errnoMessage } from "../errno-message.ts";
import { killProcesses } from "../kill-processes.ts";
import { parseMode } from "../mode.ts";
import { type BuiltinRun, builtinError } from "./builtin.ts";
import { statusNumber, tellDeath, waitForAny } from "./children.ts";
import type { Shell } from "./shell.ts";

/** wait [PID...]: a trapped signal ends it with 128 + signal. */
export const wait: BuiltinRun = function* (executor, words) {
  const { shell } = executor;
  if (words.length === 1) {
    while (shell.background.size > 0) {
      const done = yield* waitForAny(shell);
      if (done === "interrupted" && shell.caught.length > 0)
        return 128 + (shell.caught[0] as number);
      if (done === "none") break;
    }
    shell.background.clear();
    shell.finished.clear();
    return 0;
  }
  let status = 0;
  for (const word of words.slice(1)) {
    if (!/^[0-9]+$/.test(word)) {
      yield* shell.complainAs("wait", `Illegal number: ${word}`);
      return 2;
    }
    const pid = Number(word);
    while (shell.background.has(pid)) {
      const done = yield* waitForAny(shell);
      if (done === "interrupted" && shell.caught.length > 0)
        return 128 + (shell.caught[0] as number);
      if (done === "none") break;
      if (typeof done === "string" || done.status.kind !== "signaled") continue;
      const same =
        shell.finished.get(pid) === statusNumber(done.status) && !shell.background.has(pid);
      if (same) yield* tellDeath(shell, done.status.signal);
    }
    status = shell.finished.get(pid) ?? 127;
    shell.finished.delete(pid);
  }
  return status;
};

export const kill: BuiltinRun = function* (executor, words) {
  const { shell } = executor;
  const result = killProcesses(shell.self, words.slice(1));
  if (result.text !== "") yield* shell.print(result.text);
  for (const message of result.errors) yield* shell.printTo(2, `sh: ${message}\n`);
  // It may have killed itself: then nothing more happens here.
  yield {};
  return result.code;
};

/** umask [-S] [MODE] */
export const umask: BuiltinRun = function* (executor, words) {
  const { shell } = executor;
  const { self } = shell;
  const text = words[words[1] === "-S" ? 2 : 1];
  if (text === undefined) {
    if (words[1] !== "-S") {
      yield* shell.print(`${self.umask.toString(8).padStart(4, "0")}\n`);
      return 0;
    }
    const part = (who: string, shift: number): string => {
      const allowed = (~self.umask >> shift) & 7;
      return `${who}=${allowed & 4 ? "r" : ""}${allowed & 2 ? "w" : ""}${allowed & 1 ? "x" : ""}`;
    };
    yield* shell.print(`${part("u", 6)},${part("g", 3)},${part("o", 0)}\n`);
    return 0;
  }
  const mode = /^[0-9]/.test(text)
    ? /^[0-7]{1,4}$/.test(text)
      ? Number.parseInt(text, 8)
      : undefined
    : invert(parseMode(text, ~self.umask & 0o777, false, 0));
  if (mode === undefined) {
    yield* shell.complainAs("umask", `illegal mode: ${text}`);
    return 2;
  }
  setUmask(self, mode & 0o777);
  return 0;
};

function invert(mode: number | undefined): number | undefined {
  return mode === undefined ? undefined : ~mode & 0o777;
}

const limits: readonly (readonly [letter: string, type: RlimitType, unit: number, text: string])[] =
  [
    ["c", "core", 512, "core file size (blocks)         (-c) "],
    ["d", "data", 1024, "data seg size (kb)              (-d) "],
    ["e", "nice", 1, "scheduling priority             (-e) "],
    ["f", "fsize", 512, "file size (blocks)              (-f) "],
    ["i", "sigpending", 1, "pending signals                 (-i) "],
    ["l", "memlock", 1024, "max locked memory (kb)          (-l) "],
    ["m", "rss", 1024, "max memory size (kb)            (-m) "],
    ["n", "nofile", 1, "open files                      (-n) "],
    ["q", "msgqueue", 1, "POSIX message queues (bytes)    (-q) "],
    ["r", "rtprio", 1, "real-time priority              (-r) "],
    ["s", "stack", 1024, "stack size (kb)                 (-s) "],
    ["t", "cpu", 1, "cpu time (seconds)              (-t) "],
    ["u", "nproc", 1, "max user processes              (-u) "],
    ["v", "as", 1024, "virtual memory (kb)             (-v) "],
    ["x", "locks", 1, "file locks                      (-x) "],
  ];

function limitText(shell: Shell, type: RlimitType, unit: number, hard: boolean): string {
  const limit = shell.self.rlimits[type];
  const value = hard ? limit.hard : limit.soft;
  return value === -1 ? "unlimited" : String(Math.floor(value / unit));
}

/** ulimit [-HSa] [-LETTER] [LIMIT] */
export const ulimit: BuiltinRun = function* (executor, words) {
  const { shell } = executor;
  let hard = false;
  let soft = false;
  let all = false;
  let letter = "f";
  let value: string | undefined;
  for (const word of words.slice(1)) {
    if (!/^-./.test(word)) {
      value = word;
      continue;
    }
    for (const one of word.slice(1)) {
      if (one === "H") hard = true;
      else if (one === "S") soft = true;
      else if (one === "a") all = true;
      else letter = one;
    }
  }
  if (all) {
    for (const [, type, unit, text] of limits)
      yield* shell.print(`${text}${limitText(shell, type, unit, hard && !soft)}\n`);
    return 0;
  }
  const entry = limits.find(([one]) => one === letter);
  if (entry === undefined) {
    yield* shell.printTo(2, `sh: ulimit: invalid option -- '${letter}'\n`);
    return 1;
  }
  const [, type, unit] = entry;
  if (value === undefined) {
    yield* shell.print(`${limitText(shell, type, unit, hard && !soft)}\n`);
    return 0;
  }
  if (value !== "unlimited" && !/^[0-9]+$/.test(value)) {
    yield* shell.printTo(2, `sh: invalid number '${value}'\n`);
    return 1;
  }
  const number = value === "unlimited" ? -1 : Number(value) * unit;
  const before = shell.self.rlimits[type];
  try {
    prlimit(shell.self, type, {
      soft: hard && !soft ? before.soft : number,
      hard: soft && !hard ? before.hard : number,
    });
    return 0;
  } catch (thrown) {
    if (!isRefusal(thrown)) throw thrown;
    yield* shell.printTo(2, `sh: error setting limit: ${errnoMessage(thrown)}\n`);
    return 1;
  }
};

export const times: BuiltinRun = function* (executor) {
  const { shell } = executor;
  const seconds = (ns: bigint): string => {
    const ms = Number(ns / 1_000_000n);
    return `${Math.floor(ms / 60_000)}m${Math.floor((ms % 60_000) / 1000)}.${String(ms % 1000).padStart(3, "0")}s`;
  };
  yield* shell.print(`${seconds(shell.self.cpuNs)} 0m0.000s\n0m0.000s 0m0.000s\n`);
  return 0;
};

/** Joins and tidies a path without looking at the disk: what "cd .." means to a shell. */
export function joinPath(base: string, path: string): string {
  const parts: string[] = [];
  const whole = path.startsWith("/") ? path : `${base}/${path}`;
  for (const part of whole.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return `/${parts.join("/")}`;
}

/** The shell's idea of where it is: PWD, as long as it is absolute. */
export function logicalCwd(shell: Shell): string {
  const pwd = shell.get("PWD");
  return pwd?.startsWith("/") ? pwd : getcwd(shell.self);
}

/** cd [-L|-P] [DIRECTORY|-] */
export const cd: BuiltinRun = function* (executor, words) {
  const { shell } = executor;
  const physical = words[1] === "-P";
  let target = words[physical || words[1] === "-L" || words[1] === "--" ? 2 : 1];
  let show = false;
  if (target === undefined) target = shell.get("HOME");
  if (target === undefined) {
    yield* shell.complainAs("cd", "HOME not set");
    return 2;
  }
  if (target === "-") {
    target = shell.get("OLDPWD") || logicalCwd(shell);
    show = true;
  }
  if (target === "") return 0;
  const before = logicalCwd(shell);
  try {
    const path = physical ? target : joinPath(before, target);
    chdir(shell.self, path);
    setCwd(shell, before, physical ? getcwd(shell.self) : path);
  } catch (thrown) {
    if (!isRefusal(thrown)) throw thrown;
    yield* shell.complainAs("cd", `can't cd to ${target}: ${errnoMessage(thrown)}`);
    return 2;
  }
  if (show) yield* shell.print(`${logicalCwd(shell)}\n`);
  return 0;
};

function setCwd(shell: Shell, before: string, now: string): void {
  shell.set("OLDPWD", before);
  shell.set("PWD", now);
  for (const name of ["OLDPWD", "PWD"]) {
    const variable = shell.variables.get(name);
    if (variable !== undefined) variable.exported = true;
  }
}

export const pwd: BuiltinRun = function* (executor, words) {
  const { shell } = executor;
  if (words[1]?.startsWith("-") && words[1] !== "-P" && words[1] !== "-L")
    return builtinError(executor, "pwd", `illegal option ${words[1]}`);
  try {
    yield* shell.print(`${words[1] === "-P" ? getcwd(shell.self) : logicalCwd(shell)}\n`);
    return 0;
  } catch (thrown) {
    if (!isRefusal(thrown)) throw thrown;
    yield* shell.complain(`getcwd: ${errnoMessage(thrown)}`);
    return 1;
  }
};
