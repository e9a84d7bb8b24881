/** Names in a directory, as readdir(3) gives them to a program, sorted and without "." and "..". */
import { AT_FDCWD, O_DIRECTORY, O_RDONLY } from "../abi.ts";
import type { Process } from "../process/process.ts";
import { isRefusal } from "../refusal.ts";
import { close, getdents, openat2 } from "../syscall/file.ts";

export function listNames(self: Process, path: string): string[] {
  const fd = openat2(self, AT_FDCWD, path, { flags: O_RDONLY | O_DIRECTORY });
  try {
    return getdents(self, fd)
      .map((entry) => entry.name)
      .filter((name) => name !== "." && name !== "..")
      .sort((a, b) => (a < b ? -1 : 1));
  } catch (thrown) {
    // A directory that has been removed: readdir(3) ends at once.
    if (isRefusal(thrown, "ENOENT")) return [];
    throw thrown;
  } finally {
    close(self, fd);
  }
}
