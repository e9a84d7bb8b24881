/**
 * Random sequences of mount calls as Linux 6.18 answered them: each call's errno, and the mount tables of up to three
 * namespaces afterwards. Recorded with a python program on a virtual machine; "~" is a tmpfs of their own.
 */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { MountAttr, Propagation } from "../../op.ts";
import { AT_FDCWD, AT_RECURSIVE, AT_REMOVEDIR, MS_PRIVATE, MS_SHARED, MS_SLAVE } from "../abi.ts";
import type { Process } from "../process/process.ts";
import { setresgid, setresuid } from "../syscall/credential.ts";
import * as files from "../syscall/file.ts";
import * as mounts from "../syscall/mount.ts";
import { errnoOf } from "./file-bed.ts";
import { mountBed, mountTable } from "./mount-bed.ts";

type Value = string | number;
interface Recording {
  readonly ops: readonly (readonly Value[])[];
  readonly mounts: readonly string[];
}

const base = "/tmp/mvt";
const cloneNewUser = 0x10000000;
const recordings = readFileSync(new URL("fixture/mounts-on-linux.jsonl", import.meta.url), "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line) as Recording);

const attributes: readonly (readonly [bit: number, name: MountAttr])[] = [
  [1, "rdonly"],
  [2, "nosuid"],
  [4, "nodev"],
];
const kinds = new Map<number, Propagation>([
  [MS_PRIVATE, "private"],
  [MS_SHARED, "shared"],
  [MS_SLAVE, "slave"],
]);

const names = (bits: number): MountAttr[] =>
  attributes.filter(([bit]) => (bits & bit) !== 0).map(([, name]) => name);

/** The three processes and their fds, by the names the recording gives them. */
class Actors {
  readonly #bed = mountBed();
  readonly processes = new Map<string, Process>();
  readonly #fds = new Map<string, Map<Value, number>>();

  constructor() {
    const { root, child } = this.#bed;
    const first = child(root);
    files.fchmodat(first, AT_FDCWD, "/", 0o1777);
    files.mkdirat(first, AT_FDCWD, base, 0o755);
    mounts.mount(first, "base", base, "tmpfs", 0, "");
    files.chdir(first, base);
    for (const directory of ["a", "b", "c"])
      for (const below of ["", "/x", "/y", "/x/z"])
        files.mkdirat(first, AT_FDCWD, `${base}/${directory}${below}`, 0o755);
    this.processes.set("A", first);
    this.#fds.set("A", new Map());
  }

  fork(by: string, name: string, flags: number): string {
    const parent = this.processes.get(by) as Process;
    const lesser = (flags & cloneNewUser) !== 0;
    return errnoOf(() => {
      const child = this.#bed.child(parent, lesser);
      if (lesser) {
        setresgid(child, 0, 0, 0);
        setresuid(child, 0, 0, 0);
      }
      this.processes.set(name, child);
      this.#fds.set(name, new Map(this.#fds.get(by)));
    });
  }

  /** Errno of one call; "none" for an fd that was never opened. */
  call(by: string, what: string, args: readonly Value[]): string {
    const process = this.processes.get(by);
    const fds = this.#fds.get(by);
    if (process === undefined || fds === undefined) return "noproc";
    const [one = "", two = "", three = "", four = 0, five = 0] = args;
    const path = (value: Value) => String(value).replace("~", base);
    const open = (name: Value, fd: number) => {
      const before = fds.get(name);
      if (before !== undefined) files.close(process, before);
      fds.set(name, fd);
    };
    if (what === "fork") return this.fork(by, String(one), Number(two));
    const fd = fds.get(one) ?? -1;
    if (["close", "movemount", "setattr"].includes(what) && fd < 0) return "none";
    const calls: Readonly<Record<string, () => void>> = {
      mount: () =>
        mounts.mount(
          process,
          path(one),
          path(two),
          String(three),
          Number(four),
          String(five || ""),
        ),
      umount: () => mounts.umount2(process, path(one), Number(two)),
      mkdir: () => files.mkdirat(process, AT_FDCWD, path(one), 0o755),
      rmdir: () => files.unlinkat(process, AT_FDCWD, path(one), AT_REMOVEDIR),
      rename: () => files.renameat(process, AT_FDCWD, path(one), AT_FDCWD, path(two)),
      chdir: () => files.chdir(process, path(one)),
      open: () => open(two, files.openat2(process, AT_FDCWD, path(one), { flags: Number(three) })),
      opentree: () => open(two, mounts.openTree(process, AT_FDCWD, path(one), Number(three))),
      movemount: () => mounts.moveMount(process, fd, AT_FDCWD, path(two)),
      pivot: () => mounts.pivotRoot(process, path(one), path(two)),
      close: () => {
        files.close(process, fd);
        fds.delete(one);
      },
      setattr: () => {
        const propagation = kinds.get(Number(five));
        mounts.mountSetattr(process, fd, "", {
          set: names(Number(three)),
          clear: names(Number(four)),
          recursive: (Number(two) & AT_RECURSIVE) !== 0,
          ...(propagation === undefined ? {} : { propagation }),
        });
      },
    };
    const run = calls[what];
    if (run === undefined) throw new Error(`the recording has an unknown call: ${what}`);
    return errnoOf(run);
  }
}

test.each(recordings.map((recording, index) => [index + 1, recording] as const))(
  "recording %i: every errno and every mount as on Linux",
  (_number, recording) => {
    const actors = new Actors();
    const answers = recording.ops.map((op) => {
      const [by, what, ...args] = op.slice(0, -1);
      return [...op.slice(0, -1), actors.call(String(by), String(what), args)];
    });
    expect(answers).toEqual(recording.ops);
    const groups = new Map<string, number>();
    const tables = ["A", "B", "C"].flatMap((name) => {
      const process = actors.processes.get(name);
      return [`== ${name}`, ...(process === undefined ? ["noproc"] : mountTable(process, groups))];
    });
    expect(tables.map((line) => line.replaceAll(base, "~"))).toEqual(recording.mounts);
  },
);
