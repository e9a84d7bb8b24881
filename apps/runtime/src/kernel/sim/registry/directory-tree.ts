/** Listing directories and emptying them, as the daemon does it on its own trees. */
import { AT_REMOVEDIR, O_DIRECTORY, O_NOFOLLOW, O_RDONLY } from "../abi.ts";
import type { Process } from "../process/process.ts";
import { close, getdents, openat2, unlinkat } from "../syscall/file.ts";

const directoryFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;

/** Names without "." and "..", in the order of the directory. */
export function namesIn(process: Process, dirfd: number, path: string): readonly string[] {
  const fd = openat2(process, dirfd, path, { flags: directoryFlags });
  try {
    return getdents(process, fd)
      .map(({ name }) => name)
      .filter((name) => name !== "." && name !== "..");
  } finally {
    close(process, fd);
  }
}

/** Removes everything in a directory. */
export function emptyDirectory(process: Process, dirfd: number, path: string): void {
  const fd = openat2(process, dirfd, path, { flags: directoryFlags });
  try {
    for (const { name, type } of getdents(process, fd)) {
      if (name === "." || name === "..") continue;
      if (type === "directory") emptyDirectory(process, fd, name);
      unlinkat(process, fd, name, type === "directory" ? AT_REMOVEDIR : 0);
    }
  } finally {
    close(process, fd);
  }
}
