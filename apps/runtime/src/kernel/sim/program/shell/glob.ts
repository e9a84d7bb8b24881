/** Pathname expansion (glob(7)): which files a pattern names, in the order of their bytes. */
import { AT_FDCWD, AT_SYMLINK_NOFOLLOW, O_DIRECTORY, O_RDONLY } from "../../abi.ts";
import type { Process } from "../../process/process.ts";
import { isRefusal } from "../../refusal.ts";
import { close, getdents, openat2, statat } from "../../syscall/file.ts";
import { isPattern, matchPattern, unescapePattern } from "./pattern.ts";

/** Names in a directory without "." and ".."; none when it cannot be read. */
function namesIn(self: Process, directory: string): string[] {
  try {
    const fd = openat2(self, AT_FDCWD, directory, { flags: O_RDONLY | O_DIRECTORY });
    try {
      return getdents(self, fd)
        .map((entry) => entry.name)
        .filter((name) => name !== "." && name !== "..");
    } finally {
      close(self, fd);
    }
  } catch (thrown) {
    if (isRefusal(thrown)) return [];
    throw thrown;
  }
}

function exists(self: Process, path: string): boolean {
  try {
    statat(self, AT_FDCWD, path, AT_SYMLINK_NOFOLLOW);
    return true;
  } catch (thrown) {
    if (isRefusal(thrown)) return false;
    throw thrown;
  }
}

/** The paths that fit, sorted; none when there is none. */
export function expandPath(self: Process, pattern: string): string[] {
  let paths = [pattern.startsWith("/") ? "/" : ""];
  const components = pattern.split("/").filter((component) => component !== "");
  components.forEach((component, index) => {
    const last = index === components.length - 1;
    const next: string[] = [];
    for (const base of paths) {
      if (!isPattern(component)) {
        const path = base + unescapePattern(component);
        if (exists(self, path)) next.push(last ? path : `${path}/`);
        continue;
      }
      const hidden = component.startsWith(".") || component.startsWith("\\.");
      for (const name of namesIn(self, base === "" ? "." : base)) {
        if (name.startsWith(".") && !hidden) continue;
        if (!matchPattern(component, name)) continue;
        const path = base + name;
        if (last) next.push(path);
        else if (exists(self, `${path}/.`)) next.push(`${path}/`);
      }
    }
    paths = next;
  });
  if (pattern.endsWith("/"))
    paths = paths.map((path) => `${path}/`).filter((path) => exists(self, path));
  return paths.sort((a, b) => (a < b ? -1 : 1));
}
