/** What devtmpfs of the host holds: device nodes and the links udev would make (devices.txt). */
import type { NewFile } from "../vfs/file-system.ts";

type Device = readonly [
  path: string,
  type: "char" | "block",
  major: number,
  minor: number,
  mode: number,
];

const devices: readonly Device[] = [
  ["console", "char", 5, 1, 0o600],
  ["full", "char", 1, 7, 0o666],
  ["fuse", "char", 10, 229, 0o666],
  ["kmsg", "char", 1, 11, 0o644],
  ["loop-control", "char", 10, 237, 0o660],
  ["net/tun", "char", 10, 200, 0o666],
  ["null", "char", 1, 3, 0o666],
  ["ptmx", "char", 5, 2, 0o666],
  ["random", "char", 1, 8, 0o666],
  ["tty", "char", 5, 0, 0o666],
  ["urandom", "char", 1, 9, 0o666],
  ["vda", "block", 254, 0, 0o660],
  ["zero", "char", 1, 5, 0o666],
];

const links: readonly (readonly [path: string, target: string])[] = [
  ["fd", "/proc/self/fd"],
  ["stderr", "/proc/self/fd/2"],
  ["stdin", "/proc/self/fd/0"],
  ["stdout", "/proc/self/fd/1"],
];

/** Directories first: mqueue, net, pts and shm, the last three to be mounted on. */
export const hostDeviceFiles: readonly (readonly [path: string, file: NewFile])[] = [
  ...["mqueue", "net", "pts", "shm"].map((path) => [path, made("directory", 0o755)] as const),
  ...devices.map(
    ([path, type, major, minor, mode]) => [path, { ...made(type, mode), major, minor }] as const,
  ),
  ...links.map(([path, target]) => [path, { ...made("symlink", 0o777), target }] as const),
];

function made(type: NewFile["type"], mode: number): NewFile {
  return { type, mode, uid: 0, gid: 0 };
}
