/** Which file a command name is: PATH of the shell, as execvp(3) looks. */
import { AT_FDCWD } from "../../abi.ts";
import { isRefusal } from "../../refusal.ts";
import { access, statat } from "../../syscall/file.ts";
import type { Shell } from "./shell.ts";

/** The path of the file to execute; undefined when PATH has none. A name with a slash is itself. */
export function findCommand(
  shell: Shell,
  name: string,
  path = shell.get("PATH"),
): string | undefined {
  if (name.includes("/")) return name;
  if (name === "" || path === undefined) return undefined;
  let refused: string | undefined;
  for (const directory of path.split(":")) {
    const candidate = directory === "" ? `./${name}` : `${directory}/${name}`;
    try {
      if (statat(shell.self, AT_FDCWD, candidate).type !== "file") continue;
      refused ??= candidate;
      access(shell.self, candidate, 1);
      return candidate;
    } catch (thrown) {
      if (!isRefusal(thrown)) throw thrown;
    }
  }
  return refused;
}
