/** Simple commands (POSIX XCU 2.9.1): assignments, functions, builtins, and programs in a process of their own. */
import type { Coroutine } from "../../task.ts";
import { type Builtin, builtins } from "./builtin-table.ts";
import { codeOf, fork, waitForAll } from "./children.ts";
import { RedirectionError, ShellError, ShellExit, ShellReturn } from "./control.ts";
import type { Executor } from "./execute.ts";
import { redirect, SavedFds } from "./redirect.ts";
import { replaceBy } from "./replace-process.ts";
import type { Shell, Variable } from "./shell.ts";
import type { Command, SimpleCommand } from "./syntax.ts";
import { traceLine } from "./trace.ts";

/** Deeper than this a real shell has used up its stack. */
const functionDepthMax = 400;

type Assigned = readonly (readonly [name: string, value: string])[];

export function* runSimple(
  executor: Executor,
  command: SimpleCommand,
  last: boolean,
): Coroutine<number> {
  const { shell, expander } = executor;
  shell.line = command.line;
  const first = command.words[0]?.[0];
  const bracket = first?.kind === "text" && first.text === "[[";
  shell.substituted = undefined;
  const words = command.words.length === 0 ? [] : yield* expander.fields(command.words, !bracket);
  const assigned: (readonly [string, string])[] = [];
  if (words.length === 0) return yield* assignOnly(executor, command);
  for (const { name, value } of command.assignments)
    assigned.push([name, yield* expander.assigned(value)]);
  yield* trace(executor, assigned, words);
  return yield* runWords(executor, words, assigned, command.redirections, last);
}

/** Runs an expanded command: what `command`, `exec` and xargs-like builtins call as well. */
export function* runWords(
  executor: Executor,
  words: readonly string[],
  assigned: Assigned,
  redirections: SimpleCommand["redirections"],
  last: boolean,
  functions = true,
): Coroutine<number> {
  const { shell } = executor;
  const name = words[0] as string;
  const body = functions ? shell.functions.get(name) : undefined;
  const builtin = builtins.get(name);
  if (builtin?.special === true)
    return yield* runBuiltin(executor, builtin, words, assigned, redirections);
  if (body !== undefined)
    return yield* executor.redirected(redirections, () =>
      temporarily(shell, assigned, () => callFunction(executor, body, words)),
    );
  if (builtin !== undefined)
    return yield* runBuiltin(executor, builtin, words, assigned, redirections);
  return yield* runProgram(executor, words, assigned, redirections, last);
}

function* trace(executor: Executor, assigned: Assigned, words: readonly string[]): Coroutine<void> {
  if (!executor.shell.has("xtrace")) return;
  const prefix = executor.shell.get("PS4") ?? "+ ";
  yield* executor.shell.printTo(2, traceLine(prefix, assigned, words));
}

/** "a=1 b=$a > file" without a command: $? is that of the last substitution. */
function* assignOnly(executor: Executor, command: SimpleCommand): Coroutine<number> {
  const { shell, expander } = executor;
  return yield* executor.redirected(command.redirections, function* () {
    const made: (readonly [string, string])[] = [];
    for (const { name, value } of command.assignments) {
      const text = yield* expander.assigned(value);
      shell.set(name, text);
      made.push([name, text]);
    }
    if (made.length > 0) yield* trace(executor, made, []);
    return shell.substituted ?? 0;
  });
}

/** Variables that hold for one command only. */
function* temporarily(
  shell: Shell,
  assigned: Assigned,
  work: () => Coroutine<number>,
): Coroutine<number> {
  if (assigned.length === 0) return yield* work();
  const before = new Map<string, Variable | undefined>();
  for (const [name, value] of assigned) {
    const variable = shell.variables.get(name);
    if (!before.has(name)) before.set(name, variable === undefined ? undefined : { ...variable });
    shell.set(name, value);
    (shell.variables.get(name) as Variable).exported = true;
  }
  try {
    return yield* work();
  } finally {
    putBack(shell, before);
  }
}

function putBack(shell: Shell, before: ReadonlyMap<string, Variable | undefined>): void {
  for (const [name, variable] of before) {
    if (variable === undefined) shell.variables.delete(name);
    else shell.variables.set(name, variable);
  }
}

function* callFunction(
  executor: Executor,
  body: Command,
  words: readonly string[],
): Coroutine<number> {
  const { shell } = executor;
  if (shell.functionDepth >= functionDepthMax)
    throw new ShellError("maximum function depth exceeded");
  const { positional, loops } = shell;
  const locals = new Map<string, Variable | undefined>();
  shell.positional = words.slice(1);
  shell.loops = 0;
  shell.functionDepth++;
  shell.functionNames.push(words[0] as string);
  shell.locals.push(locals);
  try {
    return yield* executor.run(body);
  } catch (thrown) {
    if (thrown instanceof ShellReturn) return thrown.code;
    throw thrown;
  } finally {
    shell.locals.pop();
    shell.functionNames.pop();
    putBack(shell, locals);
    shell.functionDepth--;
    shell.loops = loops;
    shell.positional = positional;
  }
}

function* runBuiltin(
  executor: Executor,
  builtin: Builtin,
  words: readonly string[],
  assigned: Assigned,
  redirections: SimpleCommand["redirections"],
): Coroutine<number> {
  const { shell, expander } = executor;
  const saved = new SavedFds(shell);
  try {
    yield* redirect(shell, expander, redirections, saved);
  } catch (thrown) {
    if (!(thrown instanceof RedirectionError)) throw thrown;
    saved.restore();
    yield* shell.complain(thrown.message);
    if (builtin.special && !shell.interactive) throw new ShellExit(1);
    return 1;
  }
  if (words[0] === "exec") {
    // Its redirections stay: with a command for that, without one for the shell itself.
    saved.forget();
    return yield* builtin.run(executor, words);
  }
  return yield* saved.around(() => {
    if (!builtin.special) return temporarily(shell, assigned, () => builtin.run(executor, words));
    for (const [name, value] of assigned) shell.set(name, value);
    return builtin.run(executor, words);
  });
}

function* runProgram(
  executor: Executor,
  words: readonly string[],
  assigned: Assigned,
  redirections: SimpleCommand["redirections"],
  last: boolean,
): Coroutine<number> {
  const { shell } = executor;
  if (last && shell.traps.size === 0)
    return yield* becomeProgram(executor, words, assigned, redirections);
  // ash redirects before it forks: what it says of the child's death goes there, too.
  return yield* executor.redirected(redirections, function* () {
    const child = fork(shell, (copy) => {
      const inner = executor.forShell(copy);
      return guarded(copy, () => becomeProgram(inner, words, assigned, []));
    });
    return (yield* waitForAll(shell, [child]))[0] ?? 0;
  });
}

/** What goes wrong in a child ends the child. */
function* guarded(copy: Shell, work: () => Coroutine<number>): Coroutine<number> {
  try {
    return yield* work();
  } catch (thrown) {
    return yield* codeOf(copy, thrown);
  }
}

/** In the process that is to become the program. */
function* becomeProgram(
  executor: Executor,
  words: readonly string[],
  assigned: Assigned,
  redirections: SimpleCommand["redirections"],
): Coroutine<number> {
  const { shell, expander } = executor;
  try {
    yield* redirect(shell, expander, redirections);
  } catch (thrown) {
    if (!(thrown instanceof RedirectionError)) throw thrown;
    yield* shell.complain(thrown.message);
    return 1;
  }
  for (const [name, value] of assigned) {
    shell.set(name, value);
    (shell.variables.get(name) as Variable).exported = true;
  }
  const failure = replaceBy(shell, words);
  yield* shell.complain(`${words[0]}: ${failure.message}`);
  return failure.code;
}
