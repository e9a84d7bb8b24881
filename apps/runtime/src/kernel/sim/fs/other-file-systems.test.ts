/** sysfs, mqueue and the devices of the host. */
import { expect, test } from "vitest";
import { AT_FDCWD, O_CREAT, O_RDWR } from "../abi.ts";
import { openat2, readNow, statat, unlinkat, writeNow } from "../syscall/file.ts";
import { mount } from "../syscall/mount.ts";
import { unshare } from "../syscall/process.ts";
import { linkSet } from "../syscall/socket.ts";
import { attempt, bootShell } from "./fixture/host-shell.ts";

test("sysfs shows the devices of the network namespace it was mounted in", () => {
  const shell = bootShell();
  const child = shell.spawn();
  unshare(child, ["net", "mnt"]);
  const inside = shell.as(child);
  inside.mkdir("/tmp/sys");
  mount(child, "sysfs", "/tmp/sys", "sysfs", 0, "");
  expect(inside.list("/tmp/sys/class/net")).toEqual(["lo"]);
  expect(inside.read("/tmp/sys/class/net/lo/flags")).toBe("0x8\n");
  linkSet(child, "lo", { up: true });
  expect(inside.read("/tmp/sys/class/net/lo/flags")).toBe("0x9\n");
  expect(shell.list("/sys/class/net")).toContain("eth0");
  expect(shell.list("/sys/firmware")).toEqual(["acpi", "memmap"]);
  expect(statat(shell.self, AT_FDCWD, "/sys/class/net/lo/mtu").size).toBe(4096);
  const flags = O_CREAT | O_RDWR;
  expect(attempt(() => openat2(shell.self, AT_FDCWD, "/sys/x", { flags, mode: 0o644 }))).toBe(
    "EACCES",
  );
  expect(shell.mkdir("/sys/x")).toBe("EPERM");
  expect(attempt(() => unlinkat(shell.self, AT_FDCWD, "/sys/kernel/notes"))).toBe("EPERM");
});

test("mqueue shows the queues of its IPC namespace, as many as it may have", () => {
  const shell = bootShell();
  const make = (path: string) =>
    attempt(
      () => openat2(shell.self, AT_FDCWD, path, { flags: O_CREAT | O_RDWR, mode: 0o600 }) >= 0,
    );
  expect(make("/dev/mqueue/a")).toBe(true);
  expect(shell.list("/dev/mqueue")).toEqual(["a"]);
  expect(shell.mkdir("/dev/mqueue/d")).toBe("EPERM");
  const child = shell.spawn();
  unshare(child, ["ipc"]);
  shell.mkdir("/tmp/mq");
  mount(child, "mqueue", "/tmp/mq", "mqueue", 0, "");
  expect(shell.list("/tmp/mq")).toEqual([]);
  unlinkat(shell.self, AT_FDCWD, "/dev/mqueue/a");
  expect(shell.list("/dev/mqueue")).toEqual([]);
});

test("null, zero, full and random do what they are for, the same for a seed", () => {
  const draw = (seed: number) => {
    const shell = bootShell({ seed });
    const open = (path: string) => openat2(shell.self, AT_FDCWD, path, { flags: O_RDWR });
    const take = (path: string) => [...readNow(shell.self, open(path), 8)];
    const give = (path: string) =>
      attempt(() => writeNow(shell.self, open(path), new Uint8Array(5)));
    expect(take("/dev/null")).toEqual([]);
    expect(take("/dev/zero")).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
    expect([give("/dev/null"), give("/dev/zero"), give("/dev/full")]).toEqual([5, 5, "ENOSPC"]);
    return take("/dev/urandom");
  };
  expect(draw(1)).toEqual(draw(1));
  expect(draw(1)).not.toEqual(draw(2));
});
