/** Options of sh and of set (sh(1)). */
import { builtinError } from "./builtin.ts";
import type { Executor } from "./execute.ts";
import { optionLetters, optionNames } from "./shell.ts";

/**
 * Options of set and of sh itself. `rest`: what comes after them; undefined when nothing does (set keeps the
 * positional parameters then).
 */
export function applyOptions(
  executor: Executor,
  args: readonly string[],
  builtin: boolean,
): { readonly rest: readonly string[] | undefined; readonly text: string } {
  const { options } = executor.shell;
  let text = "";
  for (let index = 0; index < args.length; index++) {
    const arg = args[index] as string;
    if (arg === "--") return { rest: args.slice(index + 1), text };
    if (arg === "-")
      return { rest: index + 1 < args.length ? args.slice(index + 1) : undefined, text };
    if (!/^[-+]./.test(arg)) return { rest: args.slice(index), text };
    const on = arg[0] === "-";
    for (const letter of arg.slice(1)) {
      let name = optionLetters[letter];
      if (letter === "o") {
        name = args[++index];
        if (name === undefined) {
          text += listOptions(options, on);
          continue;
        }
        if (!optionNames.includes(name))
          builtinError(executor, "set", `illegal option ${arg[0]}o ${name}`);
      } else if (
        !builtin &&
        (letter === "c" || letter === "s" || letter === "i" || letter === "l")
      ) {
        name = { c: "command", s: "stdin", i: "interactive", l: "login" }[letter];
      }
      if (name === undefined) builtinError(executor, "set", `illegal option ${arg[0]}${letter}`);
      if (on) options.add(name);
      else options.delete(name);
    }
  }
  return { rest: builtin ? undefined : [], text };
}

function listOptions(options: ReadonlySet<string>, plain: boolean): string {
  if (!plain)
    return optionNames.map((name) => `set ${options.has(name) ? "-" : "+"}o ${name}\n`).join("");
  return optionNames
    .map((name) => `${name.padEnd(16)}${options.has(name) ? "on" : "off"}\n`)
    .join("");
}
