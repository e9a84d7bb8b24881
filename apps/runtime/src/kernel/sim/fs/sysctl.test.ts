/** /proc/sys: whose value it is, who may set it, and what it takes; errnos as Linux 6.18 gave them. */
import { describe, expect, test } from "vitest";
import { clone3, pause, unshare } from "../syscall/process.ts";
import { bootShell } from "./fixture/host-shell.ts";

const sys = (key: string) => `/proc/sys/${key.replaceAll(".", "/")}`;

describe("values", () => {
  const shell = bootShell();
  test.each([
    ["net.ipv4.ip_forward", "1", "1\n"],
    ["net.ipv4.ip_forward", "abc", "EINVAL"],
    ["net.ipv4.ip_unprivileged_port_start", "0", "0\n"],
    ["net.ipv4.ip_unprivileged_port_start", "99999", "EINVAL"],
    ["net.ipv4.ip_default_ttl", "99999999999", "EINVAL"],
    ["net.ipv4.ping_group_range", "0 2147483647", "0\t2147483647\n"],
    ["net.ipv4.ping_group_range", "5", "EINVAL"],
    ["net.core.somaxconn", "1024", "1024\n"],
    ["kernel.shmmax", "5", "5\n"],
    ["kernel.shm_rmid_forced", "2", "EINVAL"],
    ["kernel.sem", "1 2 3 4", "1\t2\t3\t4\n"],
    ["kernel.sem", "1 2 3 4 5", "EINVAL"],
    ["fs.mqueue.msg_max", "20", "20\n"],
    ["fs.mqueue.msg_max", "0", "EINVAL"],
    ["kernel.core_pattern", "|/bin/x %p", "|/bin/x %p\n"],
    ["kernel.hostname", "name", "name\n"],
    ["vm.swappiness", "201", "EINVAL"],
    ["vm.drop_caches", "3", "0\n"],
  ] as const)("%s = %j", (key, value, shows) => {
    const errno = shell.write(sys(key), value);
    if (errno !== "") expect(errno).toBe(shows);
    else if (key !== "vm.drop_caches") expect(shell.read(sys(key))).toBe(shows);
  });

  test("read-only ones are read-only, and there are no others", () => {
    expect(shell.read(sys("kernel.cap_last_cap"))).toBe("40\n");
    expect(shell.write(sys("kernel.osrelease"), "x")).not.toBe("");
    expect(shell.read(sys("kernel.nothing"))).toBe("ENOENT");
    expect(shell.read(sys("kernel.random.boot_id"))).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4/);
  });
});

test("a namespace has values of its own; forwarding is one switch under two names", () => {
  const shell = bootShell();
  const child = shell.spawn();
  unshare(child, ["net", "ipc", "uts"]);
  const inside = shell.as(child);
  shell.write(sys("net.ipv4.ip_forward"), "0");
  for (const [key, value] of [
    ["net.ipv4.conf.all.forwarding", "1"],
    ["kernel.msgmax", "4096"],
    ["kernel.hostname", "inside"],
  ] as const)
    expect(inside.write(sys(key), value)).toBe("");
  expect(inside.read(sys("net.ipv4.ip_forward"))).toBe("1\n");
  expect(shell.read(sys("net.ipv4.ip_forward"))).toBe("0\n");
  expect(shell.read(sys("kernel.msgmax"))).toBe("8192\n");
  expect(shell.read(sys("kernel.hostname"))).toBe("vitrine-sim\n");
  expect(inside.read(sys("kernel.hostname"))).toBe("inside\n");
  expect(inside.list("/proc/sys/net/core")).not.toContain("netdev_max_backlog");
  expect(shell.list("/proc/sys/net/core")).toContain("netdev_max_backlog");
  expect(shell.list("/proc/sys/net/ipv4/conf")).toContain("lo");
});

test("root of a user namespace sets what its namespaces own, and nothing else", () => {
  const shell = bootShell();
  const child = clone3(shell.self, {
    namespaces: ["user", "net", "ipc", "uts"],
    body: function* (self) {
      for (;;) yield* pause(self);
    },
  });
  for (const kind of ["uid_map", "gid_map"])
    shell.write(`/proc/${child.pid}/${kind}`, "0 100000 65536");
  const ids = { uid: 100000, euid: 100000, suid: 100000, fsuid: 100000 };
  child.credentials = { ...child.credentials, ...ids };
  const inside = shell.as(child);
  const table = [
    ["net.ipv4.ip_unprivileged_port_start", "0", ""],
    ["kernel.shmmax", "5", ""],
    ["kernel.hostname", "x", "EACCES"],
    ["vm.swappiness", "1", "EACCES"],
    ["net.ipv4.ping_group_range", "0 65535", ""],
    ["net.ipv4.ping_group_range", "0 65536", "EINVAL"],
  ] as const;
  for (const [key, value, errno] of table)
    expect([key, inside.write(sys(key), value)]).toEqual([key, errno]);
  expect(inside.read(sys("net.ipv4.ping_group_range"))).toBe("0\t65535\n");
});

test("a user who is not root does not write, whatever capabilities it has", () => {
  const shell = bootShell();
  const child = shell.spawn();
  child.credentials = { ...child.credentials, euid: 1000, fsuid: 1000 };
  expect(shell.as(child).write(sys("vm.swappiness"), "1")).toBe("EACCES");
  expect(shell.as(child).read(sys("vm.swappiness"))).toBe("60\n");
});
