/** procfs as a process sees it: numbers of its namespace, who may look, what may be written (proc(5)). */
import { describe, expect, test } from "vitest";
import { AT_FDCWD, O_CREAT, O_RDONLY, O_WRONLY, SIGKILL } from "../abi.ts";
import type { Process } from "../process/process.ts";
import {
  close,
  fchmodat,
  fileOf,
  mkdirat,
  openat2,
  pipe2,
  readlinkat,
  statat,
} from "../syscall/file.ts";
import { mount, umount2 } from "../syscall/mount.ts";
import { clone3, deliverSignal, pause, setns, unshare } from "../syscall/process.ts";
import type { Coroutine } from "../task.ts";
import { attempt, bootShell, type HostShell } from "./fixture/host-shell.ts";

const link = (process: Process, path: string) => attempt(() => readlinkat(process, AT_FDCWD, path));

function* wait(self: Process): Coroutine<number> {
  for (;;) yield* pause(self);
}

/** Takes ids and capabilities away, as a setuid program of its own would. */
function become(process: Process, id: number): void {
  const uids = { uid: id, euid: id, suid: id, fsuid: id };
  const gids = { gid: id, egid: id, sgid: id, fsgid: id };
  const none = { effective: 0n, permitted: 0n };
  process.credentials = { ...process.credentials, ...uids, ...gids, ...none };
}

test("self, thread-self, names of processes; the dead and strange numbers are not there", () => {
  const shell = bootShell();
  const child = shell.spawn();
  const { pid } = child;
  expect(link(child, "/proc/self")).toBe(`${pid}`);
  expect(link(child, "/proc/thread-self")).toBe(`${pid}/task/${pid}`);
  expect(shell.as(child).read("/proc/thread-self/comm")).toBe("test\n");
  expect(shell.list("/proc")).toContain(`${pid}`);
  for (const name of ["0", "01", "+1", "999999"])
    expect(shell.read(`/proc/${name}/stat`)).toBe("ENOENT");
  expect(shell.read(`/proc/${pid}/stat`)).toMatch(new RegExp(`^${pid} \\(test\\) S 1 `));
  deliverSignal(child, SIGKILL);
  expect(shell.read(`/proc/${pid}/stat`)).toContain(`${pid} (test) Z 1`);
  expect(shell.read(`/proc/${pid}/cmdline`)).toBe("");
  expect(link(shell.self, `/proc/${pid}/cwd`)).toBe("ENOENT");
  shell.settle();
  expect(shell.read(`/proc/${pid}/stat`)).toBe("ENOENT");
});

test("what procfs refuses: new names, modes, removal", () => {
  const shell = bootShell();
  const { self } = shell;
  const flags = O_CREAT | O_WRONLY;
  for (const path of ["/proc/x", "/proc/self/x", "/proc/sys/x"]) {
    expect(attempt(() => openat2(self, AT_FDCWD, path, { flags, mode: 0o644 }))).toBe("ENOENT");
    expect(shell.mkdir(path)).toBe("ENOENT");
  }
  const chmod = (path: string) => attempt(() => fchmodat(self, AT_FDCWD, path, 0o600));
  expect(chmod("/proc/1/status")).toBe("EPERM");
  expect(chmod("/proc/sys/kernel/hostname")).toBe("EPERM");
});

test("a pid namespace is numbered from 1 in a procfs of its own", () => {
  const shell = bootShell();
  let inside: HostShell | undefined;
  const init = clone3(shell.self, {
    namespaces: ["pid", "mnt"],
    body: function* (self) {
      mount(self, "proc", "/proc", "proc", 0, "");
      inside = shell.as(self);
      return yield* wait(self);
    },
  });
  shell.settle();
  expect(inside?.list("/proc")).toEqual(expect.arrayContaining(["1", "self"]));
  expect(inside?.list("/proc")).not.toContain(`${init.pid}`);
  expect(inside?.read("/proc/self/status")).toContain("\nPid:\t1\nPPid:\t0\n");
  expect(inside?.read("/proc/self/status")).toContain("\nNSpid:\t1\n");
  expect(shell.read(`/proc/${init.pid}/status`)).toContain(`\nNSpid:\t${init.pid}\t1\n`);
  // A reader who is not in the namespace has no self there.
  expect(link(shell.self, `/proc/${init.pid}/root/proc/self`)).toBe("ENOENT");
});

describe("who may look", () => {
  const shell = bootShell();
  const [root, alice, bob] = [shell.spawn(), shell.spawn(), shell.spawn()];
  root.env = ["SECRET=1"];
  alice.env = ["HOME=/"];
  become(alice, 1000);
  become(bob, 1001);
  test.each([
    ["root", "alice", "HOME=/\0"],
    ["alice", "alice", "HOME=/\0"],
    ["bob", "alice", "EACCES"],
    ["alice", "root", "EACCES"],
  ] as const)("%s reads the environment of %s", (who, whose, expected) => {
    const of = { root, alice, bob };
    expect(shell.as(of[who]).read(`/proc/${of[whose].pid}/environ`)).toBe(expected);
    const readable = expected !== "EACCES";
    expect(link(of[who], `/proc/${of[whose].pid}/cwd`)).toBe(readable ? "/" : "EACCES");
    const fds = shell.as(of[who]).list(`/proc/${of[whose].pid}/fd`);
    expect(fds === "EACCES").toBe(!readable);
    expect(shell.as(of[who]).read(`/proc/${of[whose].pid}/comm`)).toBe("test\n");
  });

  test("files belong to the process's user; to root when it may not be dumped", () => {
    const owner = () => statat(shell.self, AT_FDCWD, `/proc/${alice.pid}/status`).uid;
    expect(owner()).toBe(1000);
    alice.dumpable = false;
    expect(owner()).toBe(0);
    expect(statat(shell.self, AT_FDCWD, `/proc/${alice.pid}`).uid).toBe(1000);
    expect(shell.as(alice).read("/proc/self/comm")).toBe("test\n");
    alice.dumpable = true;
  });
});

test("oom_score_adj: down only as far as somebody capable has set it", () => {
  const shell = bootShell();
  const process = shell.spawn();
  const file = "/proc/self/oom_score_adj";
  const inside = shell.as(process);
  expect(inside.write(file, "300")).toBe("");
  const without = ~(1n << 24n) & process.credentials.effective;
  process.credentials = { ...process.credentials, effective: without };
  const table = [
    ["500", "", "500\n"],
    ["300", "", "300\n"],
    ["299", "EACCES", "300\n"],
    ["1001", "EINVAL", "300\n"],
    ["x", "EINVAL", "300\n"],
  ] as const;
  for (const [value, errno, shows] of table) {
    expect(inside.write(file, value)).toBe(errno);
    expect(inside.read(file)).toBe(shows);
  }
});

test("fd links show paths and pipes; ns links lead to namespaces that can be bound and joined", () => {
  const shell = bootShell();
  const child = shell.spawn();
  const fd = openat2(child, AT_FDCWD, "/etc/passwd", { flags: O_RDONLY });
  const [end] = pipe2(child);
  expect(link(child, `/proc/self/fd/${fd}`)).toBe("/etc/passwd");
  expect(link(child, `/proc/self/fd/${end}`)).toMatch(/^pipe:\[\d+\]$/);
  expect(shell.read(`/proc/${child.pid}/fd/${fd}`)).toContain("root:x:0:0");
  unshare(child, ["net"]);
  const { inode } = child.namespaces.net;
  expect(link(shell.self, `/proc/${child.pid}/ns/net`)).toBe(`net:[${inode}]`);
  mkdirat(shell.self, AT_FDCWD, "/run/netns", 0o755);
  openat2(shell.self, AT_FDCWD, "/run/netns/a", { flags: O_CREAT | O_WRONLY, mode: 0o444 });
  const MS_BIND = 4096;
  mount(shell.self, `/proc/${child.pid}/ns/net`, "/run/netns/a", "", MS_BIND, "");
  expect(shell.read("/proc/self/mountinfo")).toContain(`net:[${inode}] /run/netns/a `);
  const other = shell.spawn();
  const ns = openat2(other, AT_FDCWD, "/run/netns/a", { flags: O_RDONLY });
  expect(fileOf(other, ns).namespace).toBe(child.namespaces.net);
  expect(statat(other, AT_FDCWD, "/run/netns/a").inode).toBe(inode);
  setns(other, ns, ["net"]);
  expect(link(other, "/proc/self/ns/net")).toBe(`net:[${inode}]`);
  expect(attempt(() => umount2(shell.self, "/run/netns/a", 0))).toBe("EBUSY");
  close(other, ns);
  umount2(shell.self, "/run/netns/a", 0);
});

test("the same name is the same dentry while a mount sits on it", () => {
  const shell = bootShell();
  const { self } = shell;
  mount(self, "/dev/null", "/proc/version", "", 4096, "");
  expect(shell.read("/proc/version")).toBe("");
  mount(self, "tmpfs", "/proc/acpi", "tmpfs", 0, "");
  expect(shell.mkdir("/proc/acpi/x")).toBe("");
  const number = () => statat(self, AT_FDCWD, "/proc/1/stat").inode;
  expect(number()).toBe(number());
  expect(statat(self, AT_FDCWD, "/proc").inode).toBe(1);
});

test("subset=pid leaves only processes; unknown options are EINVAL", () => {
  const shell = bootShell();
  const { self } = shell;
  shell.mkdir("/tmp/p");
  mount(self, "proc", "/tmp/p", "proc", 0, "subset=pid");
  expect(shell.read("/tmp/p/version")).toBe("ENOENT");
  expect(shell.read("/tmp/p/self/comm")).toBe("init\n");
  expect(attempt(() => mount(self, "proc", "/tmp/p", "proc", 0, "subset=x"))).toBe("EINVAL");
  expect(attempt(() => mount(self, "proc", "/tmp/p", "proc", 0, "foo"))).toBe("EINVAL");
});

test("id maps are written once, and read as the reader's namespace counts", () => {
  const shell = bootShell();
  const child = clone3(shell.self, { namespaces: ["user"], body: wait });
  const base = `/proc/${child.pid}`;
  expect(shell.read(`${base}/uid_map`)).toBe("");
  expect(shell.write(`${base}/uid_map`, "0 100000 65536\n")).toBe("");
  expect(shell.write(`${base}/uid_map`, "0 100000 65536\n")).toBe("EPERM");
  expect(shell.read(`${base}/uid_map`)).toBe("         0     100000      65536\n");
  expect(shell.read(`${base}/setgroups`)).toBe("allow\n");
});
