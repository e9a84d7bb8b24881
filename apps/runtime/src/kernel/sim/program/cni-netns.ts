/** Working in the network namespace behind CNI_NETNS, and coming back. */
import { AT_FDCWD, O_CLOEXEC, O_RDONLY, O_RDWR } from "../abi.ts";
import type { NetNamespace } from "../namespace.ts";
import type { Process } from "../process/process.ts";
import { isRefusal, refuse } from "../refusal.ts";
import { close, fileOf, openat2, readNow, writeNow } from "../syscall/file.ts";
import { setns } from "../syscall/process.ts";
import { bytesOf, textOf } from "./file-text.ts";

/** An fd of the namespace bound at `path`. ENOENT; EINVAL for a file that is no network namespace. */
export function openNetns(self: Process, path: string): number {
  const fd = openat2(self, AT_FDCWD, path, { flags: O_RDONLY | O_CLOEXEC });
  if (fileOf(self, fd).namespace?.type === "net") return fd;
  close(self, fd);
  return refuse("EINVAL");
}

/** The namespace behind an fd of `openNetns`. */
export function netnsOf(self: Process, fd: number): NetNamespace {
  const { namespace } = fileOf(self, fd);
  return namespace?.type === "net" ? namespace : refuse("EINVAL");
}

/** Runs `work` inside, and goes back to where the process was. */
export function inNetns<T>(self: Process, fd: number, work: () => T): T {
  const home = openat2(self, AT_FDCWD, "/proc/self/ns/net", { flags: O_RDONLY | O_CLOEXEC });
  try {
    setns(self, fd, ["net"]);
    try {
      return work();
    } finally {
      setns(self, home, ["net"]);
    }
  } finally {
    close(self, home);
  }
}

/** Writes a value of /proc/sys unless it is there already; no such sysctl is fine. */
export function setSysctl(self: Process, path: string, value: string): void {
  let fd: number;
  try {
    fd = openat2(self, AT_FDCWD, `/proc/sys/${path}`, { flags: O_RDWR | O_CLOEXEC });
  } catch (thrown) {
    if (isRefusal(thrown, "ENOENT")) return;
    throw thrown;
  }
  try {
    if (textOf(readNow(self, fd, 64)).trim() !== value) writeNow(self, fd, bytesOf(value));
  } finally {
    close(self, fd);
  }
}
