/** What a builtin of the shell is, and what builtins have in common. */
import type { Coroutine } from "../../task.ts";
import { ShellError } from "./control.ts";
import type { Executor } from "./execute.ts";
import { isName } from "./read-word.ts";

export interface Builtin {
  /** POSIX special builtin: assignments before it stay, its errors end a script. */
  readonly special: boolean;
  /** `words` with the name first. Returns $?. */
  run(executor: Executor, words: readonly string[]): Coroutine<number>;
}

export type BuiltinRun = Builtin["run"];

/** An error that ends a script: "sh: exit: line 0: Illegal number: x". */
export function builtinError(executor: Executor, name: string, message: string): never {
  // complain() puts the shell's name, and the line in a script, before it.
  const where = executor.shell.showsLine ? "" : `line ${executor.shell.line}: `;
  throw new ShellError(`${name}: ${where}${message}`);
}

/** A count that an argument gives. */
export function countOf(executor: Executor, name: string, text: string): number {
  if (!/^[0-9]+$/.test(text)) builtinError(executor, name, `Illegal number: ${text}`);
  return Number(text);
}

/** "name=value" or "name"; refuses what names no variable. */
export function splitAssignment(
  executor: Executor,
  builtin: string,
  text: string,
): { readonly name: string; readonly value: string | undefined } {
  const equals = text.indexOf("=");
  const name = equals < 0 ? text : text.slice(0, equals);
  if (!isName(name)) builtinError(executor, builtin, `${name}: bad variable name`);
  return { name, value: equals < 0 ? undefined : text.slice(equals + 1) };
}
