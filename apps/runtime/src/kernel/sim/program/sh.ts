/** The program sh: a command string, a script, standard input, or a prompt (sh(1), as busybox's ash does it). */

import { AT_FDCWD } from "../abi.ts";
import type { Process } from "../process/process.ts";
import { isRefusal } from "../refusal.ts";
import { getcwd, read, statat } from "../syscall/file.ts";
import { getppid } from "../syscall/process.ts";
import type { Coroutine } from "../task.ts";
import { errnoMessage } from "./errno-message.ts";
import { readFileText, textOf } from "./file-text.ts";
import { codeOf } from "./shell/children.ts";
import { Interrupted, ShellError, ShellExit } from "./shell/control.ts";
import { Executor, untilExit } from "./shell/execute.ts";
import { applyOptions } from "./shell/options.ts";
import { Parser } from "./shell/parse.ts";
import { isName } from "./shell/read-word.ts";
import { Shell } from "./shell/shell.ts";
import { ShellSyntaxError } from "./shell/syntax.ts";
import { isTerminal } from "./terminal.ts";

const usualPath = "/sbin:/usr/sbin:/bin:/usr/bin";

/** Variables of a new shell: the environment, and what ash sets itself. */
function importEnvironment(shell: Shell): void {
  const { self } = shell;
  const put = (name: string, value: string, exported: boolean): void => {
    shell.variables.set(name, { value, exported, readonly: false });
  };
  for (const entry of self.env) {
    const equals = entry.indexOf("=");
    const name = entry.slice(0, equals);
    if (equals > 0 && isName(name)) put(name, entry.slice(equals + 1), true);
  }
  if (!shell.variables.has("PATH")) put("PATH", usualPath, true);
  put("SHLVL", String((Number(shell.get("SHLVL") ?? 0) || 0) + 1), true);
  put("IFS", " \t\n", false);
  put("OPTIND", "1", false);
  put("PPID", String(getppid(self)), false);
  if (!shell.variables.has("PS1")) put("PS1", "\\w \\$ ", false);
  put("PS2", "> ", false);
  put("PS4", "+ ", false);
  put("PWD", currentDirectory(shell), true);
}

/** PWD of the environment when it is where the process is, else what the kernel says. */
function currentDirectory(shell: Shell): string {
  const { self } = shell;
  const given = shell.get("PWD");
  try {
    if (given?.startsWith("/")) {
      const a = statat(self, AT_FDCWD, given);
      const b = statat(self, AT_FDCWD, ".");
      if (a.inode === b.inode && a.device === b.device) return given;
    }
    return getcwd(self);
  } catch (thrown) {
    if (isRefusal(thrown)) return "/";
    throw thrown;
  }
}

/** sh [-ceiux...] [-o OPTION] [SCRIPT | -c COMMAND [NAME]] [ARG...] */
export function* sh(self: Process, argv: readonly string[] = self.argv): Coroutine<number> {
  const shell = new Shell(self, argv[0] || "sh");
  if (shell.name.startsWith("-")) shell.options.add("login");
  const executor = new Executor(shell);
  importEnvironment(shell);
  return yield* untilExit(executor, function* () {
    const { rest = [] } = applyOptions(executor, argv.slice(1), false);
    return yield* start(executor, [...rest]);
  });
}

function* start(executor: Executor, rest: string[]): Coroutine<number> {
  const { shell } = executor;
  if (shell.has("command")) {
    const text = rest.shift();
    if (text === undefined) throw new ShellError("-c requires an argument");
    if (rest.length > 0) shell.name = rest.shift() as string;
    shell.positional = rest;
    return yield* runWhole(executor, text, 0);
  }
  if (rest.length > 0 && !shell.has("stdin")) {
    const file = rest.shift() as string;
    let text: string;
    try {
      text = readFileText(shell.self, file);
    } catch (thrown) {
      if (!isRefusal(thrown)) throw thrown;
      throw new ShellError(`can't open '${file}': ${errnoMessage(thrown)}`);
    }
    shell.name = file;
    shell.showsLine = true;
    shell.positional = rest;
    return yield* runWhole(executor, text, 1);
  }
  shell.positional = rest;
  const terminal = isTerminal(shell.self, 0) && isTerminal(shell.self, 2);
  shell.interactive = shell.has("interactive") || terminal;
  if (shell.interactive) shell.protectPrompt();
  return yield* runInput(executor);
}

/** A program in full: its last command may take the shell's place. */
function* runWhole(executor: Executor, text: string, line: number): Coroutine<number> {
  if (executor.shell.has("noexec")) {
    new Parser(text, line).all();
    return 0;
  }
  return yield* executor.runText(text, line, true);
}

/** Commands as they come in, each run as soon as it is complete. */
function* runInput(executor: Executor): Coroutine<number> {
  const { shell } = executor;
  const input = new LineInput(shell);
  let pending = "";
  for (;;) {
    if (shell.interactive) yield* shell.printTo(1, prompt(shell, pending === ""));
    const line = yield* input.next();
    if (line === "interrupted") {
      pending = "";
      yield* forgive(executor, () => executor.runTraps());
      yield* shell.printTo(1, "\n");
      continue;
    }
    if (line === undefined) {
      if (pending !== "") yield* run(executor, pending, true);
      if (shell.interactive && pending === "") yield* shell.printTo(1, "\n");
      return shell.status;
    }
    pending += line;
    if (yield* run(executor, pending, false)) pending = "";
  }
}

/** Runs what is complete; false when more lines are wanted. */
function* run(executor: Executor, text: string, ended: boolean): Coroutine<boolean> {
  const parser = new Parser(text, 1);
  const commands = [];
  try {
    for (let command = parser.nextLine(); command !== undefined; command = parser.nextLine())
      commands.push(command);
    if (parser.documentOpen && !ended) return false;
  } catch (thrown) {
    if (!(thrown instanceof ShellSyntaxError)) throw thrown;
    if (thrown.incomplete && !ended) return false;
    yield* forgive(executor, function* () {
      yield {};
      throw new ShellError(`syntax error: ${thrown.message}`);
    });
    return true;
  }
  if (text.endsWith("\\\n") && !ended) return false;
  for (const command of commands)
    yield* forgive(executor, function* () {
      yield* executor.run(command);
    });
  return true;
}

/** At a prompt a mistake ends a command, not the shell. */
function* forgive(executor: Executor, work: () => Coroutine<void>): Coroutine<void> {
  const { shell } = executor;
  try {
    yield* work();
  } catch (thrown) {
    if (!shell.interactive || thrown instanceof ShellExit) throw thrown;
    if (thrown instanceof Interrupted) {
      shell.status = 130;
      return;
    }
    shell.status = yield* codeOf(shell, thrown);
  }
}

/** PS1 with the escapes ash knows: \w \W \h \u \$. */
function prompt(shell: Shell, first: boolean): string {
  const text = shell.get(first ? "PS1" : "PS2") ?? "";
  const cwd = shell.get("PWD") ?? "/";
  const home = shell.get("HOME");
  const short =
    home !== undefined && home !== "/" && cwd.startsWith(home) ? `~${cwd.slice(home.length)}` : cwd;
  return text.replace(/\\([wWhu$n])/g, (_all, letter: string) => {
    if (letter === "w") return short;
    if (letter === "W") return cwd.split("/").at(-1) || "/";
    if (letter === "h") return shell.self.namespaces.uts.hostname.split(".")[0] ?? "";
    if (letter === "u") return shell.get("USER") ?? "";
    if (letter === "n") return "\n";
    return shell.self.credentials.euid === 0 ? "#" : "$";
  });
}

/** Lines of standard input. */
class LineInput {
  readonly #shell: Shell;
  #buffer = "";
  #ended = false;

  constructor(shell: Shell) {
    this.#shell = shell;
  }

  *next(): Coroutine<string | "interrupted" | undefined> {
    for (;;) {
      const newline = this.#buffer.indexOf("\n");
      if (newline >= 0) return this.#cut(newline + 1);
      if (this.#ended) return this.#buffer === "" ? undefined : this.#cut(this.#buffer.length);
      try {
        const bytes = yield* read(this.#shell.self, 0, 4096);
        if (bytes.length === 0) this.#ended = true;
        this.#buffer += textOf(bytes);
      } catch (thrown) {
        if (isRefusal(thrown, "EINTR")) {
          if (this.#shell.caught.length > 0) return "interrupted";
        } else if (isRefusal(thrown)) this.#ended = true;
        else throw thrown;
      }
    }
  }

  #cut(end: number): string {
    const line = this.#buffer.slice(0, end);
    this.#buffer = this.#buffer.slice(end);
    return line;
  }
}
