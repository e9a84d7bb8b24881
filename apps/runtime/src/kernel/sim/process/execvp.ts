/** execvp(3): the first file in PATH that can be run. */
import type { ErrnoName } from "../../errno.ts";
import { isRefusal, Refusal, refuse } from "../refusal.ts";

const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Errnos of one directory that do not end the search. */
const passing: readonly ErrnoName[] = ["ENOENT", "ENOTDIR", "EACCES", "ESTALE"];

function pathOf(env: readonly string[]): string {
  for (const entry of env) if (entry.startsWith("PATH=")) return entry.slice("PATH=".length);
  return defaultPath;
}

/** Tries `attempt` with each candidate; it only comes back by a Refusal. EACCES is remembered, ENOENT when all fail. */
export function searchPath(
  file: string,
  env: readonly string[],
  attempt: (path: string) => never,
): never {
  if (file === "") refuse("ENOENT");
  let denied: Refusal | undefined;
  for (const directory of pathOf(env).split(":")) {
    try {
      attempt(`${directory === "" ? "." : directory}/${file}`);
    } catch (thrown) {
      if (!isRefusal(thrown, ...passing)) throw thrown;
      if (thrown.errno === "EACCES") denied ??= thrown;
    }
  }
  throw denied ?? new Refusal("ENOENT", `${JSON.stringify(file)}: not found in PATH`);
}
