/** Making, removing and joining cgroups, and what /proc/PID/cgroup says of it (cgroups(7)). */
import { expect, test } from "vitest";
import { AT_FDCWD, O_CREAT, O_WRONLY, SIGKILL } from "../abi.ts";
import { attempt, bootShell } from "../fs/fixture/host-shell.ts";
import { openat2, renameat, unlinkat } from "../syscall/file.ts";
import { deliverSignal, unshare } from "../syscall/process.ts";

const memory = "/sys/fs/cgroup/memory";
const unified = "/sys/fs/cgroup";

test("rmdir is EBUSY with a process or a child, and not with a zombie", () => {
  const shell = bootShell();
  shell.mkdir(`${memory}/a`);
  shell.mkdir(`${memory}/a/b`);
  const process = shell.spawn();
  expect(shell.rmdir(`${memory}/a`)).toBe("EBUSY");
  expect(shell.write(`${memory}/a/b/cgroup.procs`, `${process.pid}`)).toBe("");
  expect(shell.read(`${memory}/a/b/cgroup.procs`)).toBe(`${process.pid}\n`);
  expect(shell.read(`/proc/${process.pid}/cgroup`)).toContain("4:memory:/a/b\n");
  expect(shell.rmdir(`${memory}/a/b`)).toBe("EBUSY");
  deliverSignal(process, SIGKILL);
  expect(shell.read(`${memory}/a/b/cgroup.procs`)).toBe("");
  expect(shell.rmdir(`${memory}/a/b`)).toBe("");
  expect(shell.rmdir(`${memory}/a`)).toBe("");
  expect(shell.read(`${memory}/a/cgroup.procs`)).toBe("ENOENT");
});

test("only directories are made, only directories are removed, names have no line break", () => {
  const shell = bootShell();
  const { self } = shell;
  const path = `${memory}/a`;
  const flags = O_CREAT | O_WRONLY;
  expect(attempt(() => openat2(self, AT_FDCWD, path, { flags, mode: 0o644 }))).toBe("EACCES");
  expect(shell.mkdir(`${memory}/a\nb`)).toBe("EINVAL");
  expect(shell.mkdir(path)).toBe("");
  expect(shell.mkdir(path)).toBe("EEXIST");
  expect(attempt(() => unlinkat(self, AT_FDCWD, `${path}/cgroup.procs`))).toBe("EPERM");
});

test("v2: no processes beside children that compete for memory", () => {
  const shell = bootShell({ cgroups: "v2" });
  shell.write(`${unified}/cgroup.subtree_control`, "+memory +pids");
  shell.mkdir(`${unified}/a`);
  shell.mkdir(`${unified}/a/b`);
  const process = shell.spawn();
  expect(shell.write(`${unified}/a/cgroup.procs`, `${process.pid}`)).toBe("");
  expect(shell.write(`${unified}/a/cgroup.subtree_control`, "+memory")).toBe("EBUSY");
  // Controllers that can be shared by threads may be.
  expect(shell.write(`${unified}/a/cgroup.subtree_control`, "+pids")).toBe("");
  expect(shell.write(`${unified}/a/cgroup.subtree_control`, "-pids")).toBe("");
  expect(shell.write(`${unified}/a/b/cgroup.procs`, `${process.pid}`)).toBe("");
  expect(shell.write(`${unified}/a/cgroup.subtree_control`, "+memory")).toBe("");
  expect(shell.write(`${unified}/a/cgroup.procs`, `${process.pid}`)).toBe("EBUSY");
  expect(shell.write(`${unified}/cgroup.subtree_control`, "-memory")).toBe("EBUSY");
  expect(shell.read(`${unified}/a/cgroup.events`)).toBe("populated 1\nfrozen 0\n");
  expect(shell.write(`${unified}/a/cgroup.kill`, "1")).toBe("");
  expect(process.state).not.toBe("alive");
  expect(shell.read(`${unified}/a/cgroup.events`)).toBe("populated 0\nfrozen 0\n");
});

test("v2: bounds on depth and descendants", () => {
  const shell = bootShell({ cgroups: "v2" });
  shell.mkdir(`${unified}/a`);
  shell.write(`${unified}/a/cgroup.max.depth`, "1");
  expect(shell.mkdir(`${unified}/a/b`)).toBe("");
  expect(shell.mkdir(`${unified}/a/b/c`)).toBe("EAGAIN");
  shell.write(`${unified}/a/cgroup.max.descendants`, "1");
  expect(shell.mkdir(`${unified}/a/d`)).toBe("EAGAIN");
});

test("a cgroup namespace begins where its maker is, and calls what is outside /..", () => {
  const shell = bootShell({ cgroups: "v2" });
  for (const name of ["a", "a/b", "c"]) shell.mkdir(`${unified}/${name}`);
  const process = shell.spawn();
  const outside = shell.spawn();
  shell.write(`${unified}/a/b/cgroup.procs`, `${process.pid}`);
  shell.write(`${unified}/c/cgroup.procs`, `${outside.pid}`);
  unshare(process, ["cgroup"]);
  const inside = shell.as(process);
  expect(inside.read("/proc/self/cgroup")).toBe("0::/\n");
  expect(inside.read(`/proc/${outside.pid}/cgroup`)).toBe("0::/../../c\n");
  expect(shell.read(`/proc/${process.pid}/cgroup`)).toBe("0::/a/b\n");
});

test("v1: who is not root moves only processes of the same user", () => {
  const shell = bootShell();
  shell.mkdir(`${memory}/a`);
  const [mine, other] = [shell.spawn(), shell.spawn()];
  const uid = 1000;
  const ids = { uid, euid: uid, suid: uid, fsuid: uid, effective: 0n, permitted: 0n };
  mine.credentials = { ...mine.credentials, ...ids };
  // The file itself is root's: an open by root, a write by another, is how it would come to the rule.
  expect(shell.as(mine).write(`${memory}/a/cgroup.procs`, `${other.pid}`)).toBe("EACCES");
});

test("v1 renames within a directory, v2 not at all", () => {
  const shell = bootShell();
  const { self } = shell;
  const move = (from: string, to: string) =>
    attempt(() => renameat(self, AT_FDCWD, `${memory}/${from}`, AT_FDCWD, `${memory}/${to}`));
  for (const name of ["a", "a/b", "d"]) shell.mkdir(`${memory}/${name}`);
  const process = shell.spawn();
  shell.write(`${memory}/a/b/tasks`, `${process.pid}`);
  expect(move("a", "c")).toBe(undefined);
  expect(shell.read(`/proc/${process.pid}/cgroup`)).toContain(":memory:/c/b\n");
  expect(shell.read(`${memory}/c/b/tasks`)).toBe(`${process.pid}\n`);
  expect(shell.list(`${memory}/a`)).toBe("ENOENT");
  expect(move("c/b", "b")).toBe("EIO");
  expect(move("c", "d")).toBe("EEXIST");
  expect(move("c/tasks", "c/x")).toBe("ENOTDIR");
  const other = bootShell({ cgroups: "v2" });
  other.mkdir(`${unified}/a`);
  const renamed = attempt(() =>
    renameat(other.self, AT_FDCWD, `${unified}/a`, AT_FDCWD, `${unified}/b`),
  );
  expect(renamed).toBe("EPERM");
});
