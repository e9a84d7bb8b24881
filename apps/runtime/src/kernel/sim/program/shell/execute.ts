/** Runs commands: lists, pipelines, loops, conditions (POSIX XCU 2.9). Simple commands are in run-simple.ts. */
import { AT_FDCWD, O_RDONLY, SIGINT, SIGQUIT } from "../../abi.ts";
import type { Process } from "../../process/process.ts";
import { isRefusal } from "../../refusal.ts";
import { close, dup2, openat2, pipe2, read } from "../../syscall/file.ts";
import { burn, sigaction } from "../../syscall/process.ts";
import type { Coroutine } from "../../task.ts";
import { joinBytes, textOf } from "../file-text.ts";
import { type Builtin, builtins } from "./builtin-table.ts";
import { codeOf, fork, pidOf, waitForAll } from "./children.ts";
import { Interrupted, LoopJump, RedirectionError, ShellError, ShellExit } from "./control.ts";
import { Expander, matchesAny } from "./expand.ts";
import { Parser } from "./parse.ts";
import { redirect, SavedFds } from "./redirect.ts";
import { runSimple, runWords } from "./run-simple.ts";
import type { Shell } from "./shell.ts";
import { type Command, type CompoundCommand, ShellSyntaxError } from "./syntax.ts";

/** CPU time of one turn of a loop: one that never waits must burn, or virtual time would stand still. */
const turnNs = 20_000;

export class Executor {
  readonly shell: Shell;
  readonly expander: Expander;

  constructor(shell: Shell) {
    this.shell = shell;
    this.expander = new Expander(shell, substitute);
  }

  builtin(name: string): Builtin | undefined {
    return builtins.get(name);
  }

  /** Runs a builtin or a program by its words, functions passed over (`command`). */
  *runWords(words: readonly string[]): Coroutine<number> {
    return yield* runWords(this, words, [], [], false, false);
  }

  /** The same for a copy of the shell in a child. */
  forShell(copy: Shell): Executor {
    return new Executor(copy);
  }

  /**
   * Runs a command and sets $?. `last`: nothing comes after it in this process, so a program may take the
   * shell's place instead of a child's.
   */
  *run(command: Command, last = false): Coroutine<number> {
    const { shell } = this;
    const status = yield* this.#run(command, last);
    shell.status = status;
    if (shell.caught.length > 0) yield* this.runTraps();
    const counts =
      command.kind === "simple" ||
      command.kind === "subshell" ||
      (command.kind === "pipeline" && !command.negated);
    if (status !== 0 && counts && shell.conditions === 0 && shell.has("errexit"))
      throw new ShellExit(status);
    return status;
  }

  *#run(command: Command, last: boolean): Coroutine<number> {
    switch (command.kind) {
      case "simple":
        return yield* runSimple(this, command, last);
      case "list":
        return yield* this.#list(command.items, last);
      case "and":
      case "or": {
        const left = yield* this.#condition(command.left);
        if ((left === 0) !== (command.kind === "and")) return left;
        return yield* this.run(command.right, last);
      }
      case "pipeline":
        return yield* this.#pipeline(command.commands, command.negated);
      case "function":
        this.shell.functions.set(command.name, command.body);
        return 0;
      default:
        return yield* this.#compound(command, last);
    }
  }

  /** A command whose failure is an answer, not an accident: set -e does not count. */
  *#condition(command: Command): Coroutine<number> {
    this.shell.conditions++;
    try {
      return yield* this.run(command);
    } finally {
      this.shell.conditions--;
    }
  }

  *#list(
    items: readonly { readonly command: Command; readonly background: boolean }[],
    last: boolean,
  ): Coroutine<number> {
    let status = 0;
    for (let index = 0; index < items.length; index++) {
      const item = items[index] as (typeof items)[number];
      if (item.background) {
        status = this.#background(item.command);
        this.shell.status = status;
      } else {
        status = yield* this.run(item.command, last && index === items.length - 1);
      }
    }
    return status;
  }

  /** `command &`: without a terminal's job control it reads nothing and ^C does not reach it. */
  #background(command: Command): number {
    const { shell } = this;
    const quiet = !shell.interactive;
    const child = forkShell(shell, (executor) => {
      if (quiet) {
        sigaction(executor.shell.self, SIGINT, "ignore");
        sigaction(executor.shell.self, SIGQUIT, "ignore");
        withoutInput(executor.shell.self);
      }
      return executor.run(command, true);
    });
    shell.lastBackground = pidOf(shell, child);
    shell.background.add(shell.lastBackground);
    return 0;
  }

  *#pipeline(commands: readonly Command[], negated: boolean): Coroutine<number> {
    const { shell } = this;
    if (commands.length === 1) {
      const status = yield* this.#condition(commands[0] as Command);
      return status === 0 ? 1 : 0;
    }
    const children: Process[] = [];
    let input: number | undefined;
    for (let index = 0; index < commands.length; index++) {
      const command = commands[index] as Command;
      const output = index < commands.length - 1 ? pipe2(shell.self) : undefined;
      // The child runs later, when `input` is the next one's.
      const from = input;
      children.push(forkShell(shell, (inner) => pipelineMember(inner, command, from, output)));
      if (from !== undefined) close(shell.self, from);
      if (output !== undefined) close(shell.self, output[1]);
      input = output?.[0];
    }
    const statuses = yield* waitForAll(shell, children);
    let status = statuses[statuses.length - 1] ?? 0;
    if (shell.has("pipefail")) status = statuses.findLast((one) => one !== 0) ?? 0;
    return negated ? Number(status === 0) : status;
  }

  *#compound(command: CompoundCommand, last: boolean): Coroutine<number> {
    const { shell } = this;
    if (command.kind === "subshell") {
      const child = forkShell(shell, (inner) =>
        inner.redirected(command.redirections, () => inner.run(command.body, true)),
      );
      return (yield* waitForAll(shell, [child]))[0] ?? 0;
    }
    if (command.redirections.length === 0) return yield* this.#body(command, last);
    return yield* this.redirected(command.redirections, () => this.#body(command, false));
  }

  /** `work` under redirections, which are undone afterwards; 1 when they cannot be made. */
  *redirected(
    redirections: CompoundCommand["redirections"],
    work: () => Coroutine<number>,
  ): Coroutine<number> {
    if (redirections.length === 0) return yield* work();
    const saved = new SavedFds(this.shell);
    try {
      yield* redirect(this.shell, this.expander, redirections, saved);
    } catch (thrown) {
      saved.restore();
      if (!(thrown instanceof RedirectionError)) throw thrown;
      yield* this.shell.complain(thrown.message);
      return 1;
    }
    return yield* saved.around(work);
  }

  *#body(command: CompoundCommand, last: boolean): Coroutine<number> {
    switch (command.kind) {
      case "group":
        return yield* this.run(command.body, last);
      case "if":
        for (const { condition, body } of command.branches)
          if ((yield* this.#condition(condition)) === 0) return yield* this.run(body, last);
        return command.otherwise === undefined ? 0 : yield* this.run(command.otherwise, last);
      case "loop": {
        const { condition, body, until } = command;
        return yield* this.#loop(
          body,
          function* (this: Executor) {
            return ((yield* this.#condition(condition)) === 0) !== until;
          }.bind(this),
        );
      }
      case "for": {
        const { name, words, body } = command;
        const values =
          words === undefined ? this.shell.positional : yield* this.expander.fields(words);
        let index = 0;
        return yield* this.#loop(body, () => {
          const value = values[index++];
          if (value === undefined) return false;
          this.shell.set(name, value);
          return true;
        });
      }
      case "case": {
        const text = yield* this.expander.text(command.word);
        for (const { patterns, body } of command.arms) {
          if (!(yield* matchesAny(this.expander, patterns, text))) continue;
          return body === undefined ? 0 : yield* this.run(body, last);
        }
        return 0;
      }
      case "subshell":
        return 0;
    }
  }

  *#loop(body: Command, goesOn: () => Coroutine<boolean> | boolean): Coroutine<number> {
    const { shell } = this;
    let status = 0;
    shell.loops++;
    try {
      for (;;) {
        try {
          const next = goesOn();
          if (!(typeof next === "boolean" ? next : yield* next)) return status;
          status = yield* this.run(body);
          yield* burn(shell.self, turnNs);
        } catch (thrown) {
          if (!(thrown instanceof LoopJump)) throw thrown;
          if (thrown.levels > 1 && shell.loops > 1)
            throw new LoopJump(thrown.kind, thrown.levels - 1);
          status = 0;
          if (thrown.kind === "break") return 0;
        }
      }
    } finally {
      shell.loops--;
    }
  }

  /** Actions of the signals that came (trap); $? stays what it was. */
  *runTraps(): Coroutine<void> {
    const { shell } = this;
    if (shell.trapsRunning) return;
    shell.trapsRunning = true;
    const status = shell.status;
    try {
      for (;;) {
        const signal = shell.caught.shift();
        if (signal === undefined) break;
        const action = shell.traps.get(signal);
        if (action !== undefined && action !== "") yield* this.runText(action, shell.line);
        else if (action === undefined && signal === SIGINT && shell.interactive)
          throw new Interrupted();
      }
    } finally {
      shell.trapsRunning = false;
      shell.status = status;
    }
  }

  /** Text as eval, "." and sh -c run it: line by line. A mistake in it is told, and $? is 2. */
  *runText(text: string, line: number, last = false): Coroutine<number> {
    const parser = new Parser(text, line);
    let status = 0;
    try {
      for (;;) {
        const command = parser.nextLine();
        if (command === undefined) return status;
        status = yield* this.run(command, last && parser.finished);
      }
    } catch (thrown) {
      if (!(thrown instanceof ShellSyntaxError)) throw thrown;
      this.shell.line = thrown.line;
      throw new ShellError(`syntax error: ${thrown.message}`);
    }
  }
}

/** A subshell: `work` in a child, with its own EXIT trap at the end. */
function forkShell(shell: Shell, work: (executor: Executor) => Coroutine<number>): Process {
  return fork(shell, (copy) => {
    const executor = new Executor(copy);
    return untilExit(executor, () => work(executor));
  });
}

/** The life of a shell process: `work`, then the EXIT trap, once; the trap may change the code by calling exit. */
export function* untilExit(executor: Executor, work: () => Coroutine<number>): Coroutine<number> {
  const { shell } = executor;
  let code: number;
  try {
    code = yield* work();
  } catch (thrown) {
    code = yield* codeOf(shell, thrown);
  }
  const action = shell.traps.get(0);
  if (action === undefined || action === "") return code;
  shell.traps.delete(0);
  shell.status = code;
  shell.trapsRunning = false;
  try {
    yield* executor.runText(action, shell.line);
    return code;
  } catch (thrown) {
    return yield* codeOf(shell, thrown);
  }
}

function pipelineMember(
  executor: Executor,
  command: Command,
  input: number | undefined,
  output: readonly [number, number] | undefined,
): Coroutine<number> {
  const { self } = executor.shell;
  if (input !== undefined) {
    dup2(self, input, 0);
    close(self, input);
  }
  if (output !== undefined) {
    close(self, output[0]);
    dup2(self, output[1], 1);
    close(self, output[1]);
  }
  return executor.run(command, true);
}

function withoutInput(self: Process): void {
  try {
    const fd = openat2(self, AT_FDCWD, "/dev/null", { flags: O_RDONLY });
    if (fd === 0) return;
    dup2(self, fd, 0);
    close(self, fd);
  } catch (thrown) {
    if (!isRefusal(thrown)) throw thrown;
  }
}

/** $(script): its output, read to the end, without the newlines at the end; its status becomes $?. */
function* substitute(shell: Shell, script: Command | undefined): Coroutine<string> {
  shell.substituted = 0;
  if (script === undefined) return "";
  const [readEnd, writeEnd] = pipe2(shell.self);
  const child = forkShell(shell, (executor) => {
    const { self } = executor.shell;
    close(self, readEnd);
    dup2(self, writeEnd, 1);
    close(self, writeEnd);
    return executor.run(script, true);
  });
  close(shell.self, writeEnd);
  const chunks: Uint8Array[] = [];
  for (;;) {
    try {
      const chunk = yield* read(shell.self, readEnd, 65_536);
      if (chunk.length === 0) break;
      chunks.push(chunk);
    } catch (thrown) {
      if (!isRefusal(thrown, "EINTR")) throw thrown;
    }
  }
  close(shell.self, readEnd);
  shell.substituted = (yield* waitForAll(shell, [child]))[0] ?? 0;
  let text = textOf(joinBytes(chunks)).replaceAll("\0", "");
  while (text.endsWith("\n")) text = text.slice(0, -1);
  return text;
}
