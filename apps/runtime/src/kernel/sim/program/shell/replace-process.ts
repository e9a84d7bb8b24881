/** A shell process that becomes a program (execve(2)), and the words for why it could not. */
import { isRefusal } from "../../refusal.ts";
import { execve } from "../../syscall/process.ts";
import { errnoMessage } from "../errno-message.ts";
import { findCommand } from "./find-command.ts";
import type { Shell } from "./shell.ts";

/** execve(2) of a command; comes back only when it failed, with the words and the code of ash. */
export function replaceBy(
  shell: Shell,
  words: readonly string[],
): { readonly message: string; readonly code: number } {
  const path = findCommand(shell, words[0] as string);
  if (path === undefined) return { message: "not found", code: 127 };
  const environment = shell.environment();
  try {
    execve(shell.self, path, words, environment);
  } catch (thrown) {
    if (!isRefusal(thrown)) throw thrown;
    if (isRefusal(thrown, "ENOEXEC")) return runAsScript(shell, path, words, environment);
    if (isRefusal(thrown, "ENOENT", "ENOTDIR")) return { message: "not found", code: 127 };
    return { message: errnoMessage(thrown), code: 126 };
  }
}

/** A file that is no program and has no "#!": the shell reads it. */
function runAsScript(
  shell: Shell,
  path: string,
  words: readonly string[],
  environment: readonly string[],
): { readonly message: string; readonly code: number } {
  try {
    execve(shell.self, "/bin/sh", ["sh", path, ...words.slice(1)], environment);
  } catch (thrown) {
    if (!isRefusal(thrown)) throw thrown;
    return { message: "Exec format error", code: 126 };
  }
}
