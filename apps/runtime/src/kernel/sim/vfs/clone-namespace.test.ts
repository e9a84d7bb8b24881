/** Copies of mount namespaces: lazy, and nobody can tell; locked where the copy's owner may less. */
import { beforeEach, describe, expect, test } from "vitest";
import {
  AT_FDCWD,
  MNT_DETACH,
  MS_BIND,
  MS_NODEV,
  MS_NOEXEC,
  MS_NOSUID,
  MS_RDONLY,
  MS_REC,
  MS_REMOUNT,
  MS_SHARED,
  MS_SLAVE,
  O_DIRECTORY,
  O_PATH,
} from "../abi.ts";
import { boot } from "../boot.ts";
import type { Process } from "../process/process.ts";
import { chdir, close, fchdir, mkdirat, openat2, unlinkat } from "../syscall/file.ts";
import { mount, mountSetattr, pivotRoot, umount2 } from "../syscall/mount.ts";
import { clone3, exitProcess, unshare } from "../syscall/process.ts";
import { type Coroutine, WaitQueue } from "../task.ts";
import { errnoOf } from "./file-bed.ts";
import { type MountBed, mountBed, mountFlags, mountTable } from "./mount-bed.ts";
import type { MountTreeNamespace } from "./mount-namespace.ts";

let bed: MountBed;
let root: Process;

const directory = (path: string) => mkdirat(root, AT_FDCWD, path, 0o755);
const tmpfs = (process: Process, target: string, flags = 0) =>
  mount(process, "t", target, "tmpfs", flags, "");
const madeIn = (process: Process) => (process.namespaces.mnt as MountTreeNamespace).madeCount;
const places = (process: Process) => mountTable(process).map((line) => line.trim().split(" ")[0]);

beforeEach(() => {
  bed = mountBed();
  root = bed.root;
  directory("/pods");
  for (let pod = 0; pod < 300; pod++) {
    directory(`/pods/${pod}`);
    tmpfs(root, `/pods/${pod}`);
  }
});

/** What a container's init does with its copy of the host's namespace. */
function enterRoot(process: Process, path: string): void {
  const slash = openat2(process, AT_FDCWD, "/", { flags: O_PATH | O_DIRECTORY });
  const change = { set: [], clear: [], recursive: true, propagation: "private" } as const;
  mountSetattr(process, slash, "", change);
  close(process, slash);
  fchdir(process, openat2(process, AT_FDCWD, path, { flags: O_PATH | O_DIRECTORY }));
  pivotRoot(process, ".", ".");
  umount2(process, ".", MNT_DETACH);
  chdir(process, "/");
}

describe("a copy", () => {
  test.each(["private", "shared"])("of %s mounts makes none that is not touched", (kind) => {
    if (kind === "shared") mountFlags(root, "/", MS_SHARED | MS_REC);
    const child = bed.child(root);
    expect(madeIn(child)).toBe(1);
    enterRoot(child, "/pods/7");
    expect(madeIn(child)).toBe(1);
    expect(places(child)).toEqual(["/"]);
    expect(places(root)).toHaveLength(301);
    // Nothing of the copy is left with the original.
    expect(root.root.mount.lazyCopies).toBeUndefined();
    expect(root.root.mount.peers?.members.size ?? 1).toBe(1);
  });

  test("shows all mounts to who asks for them", () => {
    const child = bed.child(root);
    expect(places(child)).toEqual(places(root));
    expect(madeIn(child)).toBe(301);
  });

  test("keeps the state it was made in, whatever happens to the original", () => {
    const child = bed.child(root);
    umount2(root, "/pods/1", 0);
    tmpfs(root, "/pods/2");
    directory("/new");
    tmpfs(root, "/new");
    mountFlags(root, "/pods/3", MS_REMOUNT | MS_BIND | MS_RDONLY);
    const seen = mountTable(child);
    expect(seen).toHaveLength(301);
    expect(seen.filter((line) => line.includes("/pods/1 "))).toHaveLength(1);
    expect(seen.find((line) => line.includes("/pods/3 "))).toContain(" rw,");
    expect(places(root)).toHaveLength(302);
  });

  test("changes without the original", () => {
    const child = bed.child(root);
    umount2(child, "/pods/1", 0);
    mountFlags(child, "/pods/3", MS_REMOUNT | MS_BIND | MS_RDONLY);
    expect(places(child)).toHaveLength(300);
    expect(places(root)).toHaveLength(301);
    expect(mountTable(root).find((line) => line.includes("/pods/3 "))).toContain(" rw,");
    // What was taken away does not come back with the next thing mounted there.
    umount2(root, "/pods/1", 0);
    tmpfs(root, "/pods/1");
    expect(places(child)).toHaveLength(300);
  });

  test("of a copy is as complete", () => {
    const child = bed.child(root);
    const second = bed.child(child);
    umount2(root, "/pods/1", 0);
    umount2(child, "/pods/2", 0);
    enterRoot(child, "/pods/7");
    expect(places(second)).toHaveLength(301);
  });

  test("hears of later mounts and umounts, as peer or as slave", () => {
    mountFlags(root, "/", MS_SHARED | MS_REC);
    const peer = bed.child(root);
    const slave = bed.child(root);
    mountFlags(slave, "/", MS_SLAVE | MS_REC);
    mkdirat(root, AT_FDCWD, "/pods/5/in", 0o755);
    tmpfs(root, "/pods/5/in");
    expect(places(peer)).toContain("/pods/5/in");
    expect(places(slave)).toContain("/pods/5/in");
    umount2(root, "/pods/6", 0);
    expect(places(slave)).not.toContain("/pods/6");
    tmpfs(slave, "/pods/9");
    expect(places(root).filter((place) => place === "/pods/9")).toHaveLength(1);
    // The classic mistake: a shared copy that detaches its root takes the host's mounts along.
    umount2(peer, "/pods/8", MNT_DETACH);
    expect(places(root)).not.toContain("/pods/8");
  });

  test("loses what is mounted on a directory that somebody else removes", () => {
    directory("/gone");
    tmpfs(root, "/gone");
    const child = bed.child(root);
    umount2(root, "/gone", 0);
    expect(errnoOf(() => unlinkat(child, AT_FDCWD, "/gone", 0x200))).toBe("EBUSY");
    unlinkat(root, AT_FDCWD, "/gone", 0x200);
    expect(places(child)).not.toContain("/gone");
  });

  test("ends with its last process, and leaves its peer groups", () => {
    mountFlags(root, "/", MS_SHARED);
    const child = bed.child(root);
    expect(root.root.mount.peers?.members.size).toBe(2);
    exitProcess(child, { kind: "exited", code: 0 });
    expect(root.root.mount.peers?.members.size).toBe(1);
    expect(root.root.mount.lazyCopies).toBeUndefined();
  });

  test("made by unshare has root and cwd at the same places", () => {
    const child = bed.child(root);
    chdir(child, "/pods/4");
    unshare(child, ["mnt"]);
    expect(child.cwd.mount.namespace).toBe(child.namespaces.mnt);
    expect(child.cwd.mount.mountpoint?.name).toBe("4");
  });
});

describe("a copy in a lesser user namespace", () => {
  let child: Process;

  beforeEach(() => {
    directory("/w");
    tmpfs(root, "/w", MS_RDONLY | MS_NOSUID | MS_NODEV);
    directory("/v");
    mountFlags(root, "/", MS_SHARED);
    child = bed.child(root, true);
  });

  const remount = (flags: number) => () =>
    mountFlags(child, "/w", MS_REMOUNT | MS_BIND | MS_NOSUID | MS_NODEV | flags);

  test.each<readonly [string, string, () => void]>([
    ["umount of what came along", "EINVAL", () => umount2(child, "/w", 0)],
    ["detaching it", "EINVAL", () => umount2(child, "/w", MNT_DETACH)],
    ["making it writable", "EPERM", remount(0)],
    ["making it noexec too", "ok", remount(MS_RDONLY | MS_NOEXEC)],
    ["clearing its access times", "EPERM", remount(MS_RDONLY | 1024)],
    ["a bind that uncovers", "EINVAL", () => mount(child, "/", "/v", "", MS_BIND, "")],
    ["a bind of all", "ok", () => mount(child, "/", "/v", "", MS_BIND | MS_REC, "")],
    ["a tmpfs", "ok", () => tmpfs(child, "/v")],
    ["a disk", "ENODEV", () => mount(child, "/dev/vda", "/v", "ext4", 0, "")],
  ])("%s: %s", (_what, errno, call) => {
    expect(errnoOf(call)).toBe(errno);
  });

  test("is a slave: its own mounts stay inside, the host's come in locked", () => {
    tmpfs(child, "/v");
    expect(places(root)).not.toContain("/v");
    umount2(child, "/v", 0);
    tmpfs(root, "/v");
    expect(places(child)).toContain("/v");
    // By itself it may go again; not what came along with it.
    expect(errnoOf(() => umount2(child, "/v", 0))).toBe("ok");
  });

  test("may pivot, and take the old root away then", () => {
    tmpfs(child, "/v");
    enterRoot(child, "/v");
    expect(places(child)).toEqual(["/"]);
    expect(errnoOf(() => umount2(child, "/", MNT_DETACH))).toBe("EINVAL");
  });
});

describe("file systems in a user namespace", () => {
  const machine = boot({ seed: 1, cgroups: "v1-hybrid" });
  const never = new WaitQueue();
  const quiet = MS_NOSUID | MS_NODEV | MS_NOEXEC;
  type Type = "pid" | "net" | "ipc" | "cgroup";

  function* wait(): Coroutine<number> {
    for (;;) yield { on: [never] };
  }

  /** A process in new namespaces, made from a mount namespace where `mask` has hidden something. */
  function inside(types: readonly Type[], mask?: (host: Process) => void): Process {
    const host = clone3(machine.init, { namespaces: ["mnt"], body: wait });
    mask?.(host);
    return clone3(host, { namespaces: ["mnt", "user", ...types], body: wait });
  }

  test.each<readonly [string, readonly Type[], string]>([
    ["proc", [], "EPERM"],
    ["proc", ["pid"], "ok"],
    ["sysfs", [], "EPERM"],
    ["sysfs", ["net"], "ok"],
    ["mqueue", [], "EPERM"],
    ["mqueue", ["ipc"], "ok"],
    ["cgroup2", [], "EPERM"],
    ["cgroup2", ["cgroup"], "ok"],
    ["tmpfs", [], "ok"],
    ["ramfs", [], "ok"],
    ["devpts", [], "ok"],
    ["devtmpfs", [], "EPERM"],
  ])("%s with new %j: %s", (type, types, errno) => {
    const process = inside(types);
    expect(errnoOf(() => mount(process, "none", "/mnt", type, 0, ""))).toBe(errno);
  });

  test("proc stays masked where the host's is masked", () => {
    const process = inside(["pid"], (host) => mount(host, "t", "/proc/sys", "tmpfs", 0, ""));
    expect(errnoOf(() => mount(process, "none", "/mnt", "proc", 0, ""))).toBe("EPERM");
  });

  test("proc that can be seen read-only alone stays read-only", () => {
    const process = inside(["pid"], (host) =>
      mountFlags(host, "/proc", MS_REMOUNT | MS_BIND | MS_RDONLY | quiet),
    );
    expect(errnoOf(() => mount(process, "none", "/mnt", "proc", quiet, ""))).toBe("EPERM");
    const readOnly = quiet | MS_RDONLY;
    expect(errnoOf(() => mount(process, "none", "/mnt", "proc", readOnly, ""))).toBe("ok");
    const again = MS_REMOUNT | MS_BIND | quiet;
    expect(errnoOf(() => mountFlags(process, "/mnt", again))).toBe("EPERM");
  });

  test("no proc at all without one to be seen", () => {
    const process = inside(["pid"], (host) => umount2(host, "/proc", MNT_DETACH));
    expect(errnoOf(() => mount(process, "none", "/mnt", "proc", 0, ""))).toBe("EPERM");
  });
});
