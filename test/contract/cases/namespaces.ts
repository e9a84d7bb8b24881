/** Namespaces: clone3(2), unshare(2), setns(2), uts_namespaces(7), pid_namespaces(7), sysctls by namespace. */

import { container } from "../container-case.ts";
import { type ContractCase, sandbox } from "../contract-case.ts";
import { bind, file, open, setgid, setuid, unshare } from "../op-words.ts";

export const namespaceCases: readonly ContractCase[] = [
  {
    name: "a process without namespaces has those of the host",
    run: sandbox([], ["ns"], { namespaces: [], bare: true }),
    expect: [
      "ns mnt the host's, pid the host's, net the host's, ipc the host's, uts the host's, user the host's, cgroup the host's, time the host's",
    ],
  },
  {
    name: "clone3 with each namespace: only those are new",
    run: sandbox([], ["ns"], { namespaces: ["mnt", "ipc", "uts"] }),
    expect: [
      "ns mnt new, pid the host's, net the host's, ipc new, uts new, user the host's, cgroup the host's, time the host's",
    ],
  },
  {
    name: "a container's namespaces",
    run: container({ probe: ["ns"] }),
    expect: [
      "ns mnt new, pid new, net new, ipc new, uts new, user the host's, cgroup new, time the host's",
    ],
  },
  {
    name: "a container with a user namespace: all are new",
    run: container({
      bare: true,
      namespaces: ["mnt", "pid", "net", "ipc", "uts", "cgroup", "user"],
      outside: [
        {
          op: "idMap",
          child: "init",
          uid: [{ containerId: 0, hostId: 0, size: 65536 }],
          gid: [{ containerId: 0, hostId: 0, size: 65536 }],
        },
      ],
      early: [setgid(0), setuid(0)],
      probe: ["ns"],
    }),
    expect: [
      "ns mnt new, pid new, net new, ipc new, uts new, user new, cgroup new, time the host's",
    ],
  },
  {
    name: "unshare of net, ipc and uts",
    run: sandbox([unshare("net", "ipc", "uts")], ["ns"]),
    expect: [
      "ns mnt new, pid the host's, net new, ipc new, uts new, user the host's, cgroup the host's, time the host's",
    ],
  },
  {
    name: "unshare of pid takes effect for children only",
    run: sandbox([unshare("pid")], ["ns"]),
    expect: [
      "ns mnt new, pid the host's, net the host's, ipc the host's, uts the host's, user the host's, cgroup the host's, time the host's",
    ],
  },
  {
    name: "unshare of cgroup and time: time is of the children",
    run: sandbox([unshare("cgroup", "time")], ["ns"]),
    expect: [
      "ns mnt new, pid the host's, net the host's, ipc the host's, uts the host's, user the host's, cgroup new, time new",
    ],
  },
  {
    name: "setns into a namespace by its file",
    run: sandbox(
      [
        open("/proc/self/ns/uts", ["rdonly"], "host"),
        unshare("uts"),
        { op: "sethostname", name: "elsewhere" },
        { op: "setns", fd: "host", namespaces: ["uts"] },
      ],
      ["ns"],
    ),
    expect: [
      "ns mnt new, pid the host's, net the host's, ipc the host's, uts the host's, user the host's, cgroup the host's, time the host's",
    ],
  },
  {
    name: "setns with the wrong type is EINVAL",
    run: sandbox(
      [
        open("/proc/self/ns/uts", ["rdonly"], "host"),
        { op: "setns", fd: "host", namespaces: ["net"] },
      ],
      ["ns"],
    ),
    expect: [
      "setns <host> net: EINVAL",
      "ns mnt new, pid the host's, net the host's, ipc the host's, uts the host's, user the host's, cgroup the host's, time the host's",
    ],
  },
  {
    name: "setns with a file that is no namespace is EINVAL",
    run: sandbox(
      [file("~/f"), open("~/f", ["rdonly"], "f"), { op: "setns", fd: "f", namespaces: ["net"] }],
      ["ns"],
    ),
    expect: [
      "setns <f> net: EINVAL",
      "ns mnt new, pid the host's, net the host's, ipc the host's, uts the host's, user the host's, cgroup the host's, time the host's",
    ],
  },
  {
    name: "setns with an empty slot is EBADF",
    run: sandbox([{ op: "setns", fd: "none", namespaces: ["net"] }], ["ns"]),
    expect: [
      "setns <none> net: EBADF",
      "ns mnt new, pid the host's, net the host's, ipc the host's, uts the host's, user the host's, cgroup the host's, time the host's",
    ],
  },
  {
    name: "setns without capabilities is EPERM",
    run: sandbox(
      [
        open("/proc/self/ns/uts", ["rdonly"], "host"),
        setuid(1000),
        { op: "setns", fd: "host", namespaces: ["uts"] },
      ],
      ["id"],
    ),
    expect: [
      "setns <host> uts: EPERM",
      "uid 1000 1000 1000, gid 0 0 0, groups, pid (host), ppid (host), sid (host)",
    ],
  },
  {
    name: "a bind of a network namespace's file keeps it",
    run: sandbox(
      [
        unshare("net"),
        file("~/kept"),
        bind("/proc/self/ns/net", "~/kept"),
        unshare("net"),
        open("~/kept", ["rdonly"], "kept"),
        { op: "setns", fd: "kept", namespaces: ["net"] },
        { op: "linkUp", name: "lo" },
      ],
      ["mounts"],
    ),
    expect: ["mount 1 on - ~ tmpfs fs1 / rw,relatime", "mount 2 on 1 ~/kept nsfs fs2 net:[] rw"],
  },
  {
    name: "a bind of a mount namespace's own file is refused",
    run: sandbox([file("~/kept"), bind("/proc/self/ns/mnt", "~/kept")], ["mounts"]),
    expect: [
      "mount bind from /proc/self/ns/mnt on ~/kept: EINVAL",
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
    ],
  },
  {
    name: "unshare of namespaces without capabilities is EPERM",
    run: sandbox([setuid(1000), unshare("mnt"), unshare("net"), unshare("pid")], []),
    expect: ["unshare mnt: EPERM", "unshare net: EPERM", "unshare pid: EPERM"],
  },
  {
    name: "a user namespace needs no capability and gives all of them inside",
    run: sandbox(
      [
        setuid(1000),
        unshare("user"),
        unshare("net"),
        unshare("uts"),
        { op: "sethostname", name: "mine" },
      ],
      ["uts", "+", "id", "+", "caps"],
    ),
    expect: [
      "hostname mine",
      "domainname (none)",
      "uid 65534 65534 65534, gid 65534 65534 65534, groups, pid (host), ppid (host), sid (host)",
      "CapInh none, CapPrm none, CapEff none, CapBnd all, CapAmb none, NoNewPrivs 0, Seccomp 0",
    ],
  },
  {
    name: "the host name of a new uts namespace is a copy and changes alone",
    run: container({
      inside: [
        { op: "sethostname", name: "inner" },
        { op: "setdomainname", name: "example" },
      ],
      probe: ["uts", "+", "cat", "/proc/sys/kernel/hostname"],
    }),
    expect: ["hostname inner", "domainname example", "content /proc/sys/kernel/hostname inner"],
  },
  {
    name: "a host name of 64 bytes, and one of 65",
    run: container({
      bare: true,
      inside: [
        { op: "sethostname", name: "n".repeat(64) },
        { op: "sethostname", name: "m".repeat(65) },
      ],
      probe: ["uts"],
    }),
    expect: [
      "sethostname mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm: EINVAL",
      "hostname nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn",
      "domainname (none)",
    ],
  },
  {
    name: "a host name of no bytes",
    run: container({ bare: true, inside: [{ op: "sethostname", name: "" }], probe: ["uts"] }),
    expect: ["hostname", "domainname (none)"],
  },
  {
    name: "sysctl of the uts namespace",
    run: container({
      inside: [
        { op: "sethostname", name: "first" },
        { op: "sysctl", key: "kernel.domainname", value: "by.sysctl" },
      ],
      probe: ["uts"],
    }),
    expect: ["hostname first", "domainname by.sysctl"],
  },
  {
    name: "sysctl of the network namespace",
    run: container({
      inside: [
        { op: "sysctl", key: "net.ipv4.ip_forward", value: "1" },
        { op: "sysctl", key: "net.ipv4.ping_group_range", value: "0 100" },
      ],
      probe: [
        "cat",
        "/proc/sys/net/ipv4/ip_forward",
        "+",
        "cat",
        "/proc/sys/net/ipv4/ping_group_range",
      ],
    }),
    expect: [
      "content /proc/sys/net/ipv4/ip_forward 1",
      "content /proc/sys/net/ipv4/ping_group_range 0\t100",
    ],
  },
  {
    name: "sysctl of the ipc namespace",
    run: container({
      inside: [
        { op: "sysctl", key: "kernel.msgmax", value: "4096" },
        { op: "sysctl", key: "kernel/shm_rmid_forced", value: "1" },
      ],
      probe: ["cat", "/proc/sys/kernel/msgmax", "+", "cat", "/proc/sys/kernel/shm_rmid_forced"],
    }),
    expect: ["content /proc/sys/kernel/msgmax 4096", "content /proc/sys/kernel/shm_rmid_forced 1"],
  },
  {
    name: "a sysctl that does not exist is ENOENT",
    run: container({
      bare: true,
      inside: [{ op: "sysctl", key: "kernel.none", value: "1" }],
      probe: ["say", "on"],
    }),
    expect: ["sysctl kernel.none = 1: ENOENT", "on"],
  },
  {
    name: "a sysctl with a value that is no number is EINVAL",
    run: container({
      inside: [
        { op: "sysctl", key: "net.ipv4.ip_forward", value: "0" },
        { op: "sysctl", key: "net.ipv4.ip_forward", value: "much" },
      ],
      probe: ["cat", "/proc/sys/net/ipv4/ip_forward"],
    }),
    expect: [
      "sysctl net.ipv4.ip_forward = much: EINVAL",
      "content /proc/sys/net/ipv4/ip_forward 0",
    ],
  },
  {
    name: "a sysctl that tries to leave /proc/sys is EINVAL",
    run: container({
      bare: true,
      inside: [
        { op: "sysctl", key: "../uptime", value: "1" },
        { op: "sysctl", key: "/kernel/hostname", value: "1" },
      ],
      probe: ["say", "on"],
    }),
    expect: ["sysctl ../uptime = 1: EINVAL", "sysctl /kernel/hostname = 1: EINVAL", "on"],
  },
  {
    name: "pids: init is 1 in its own namespace",
    run: container({ probe: ["id"] }),
    expect: ["uid 0 0 0, gid 0 0 0, groups, pid 1, ppid 0, sid 1"],
  },
  {
    name: "pids: without a pid namespace it has the host's",
    run: container({ bare: true, namespaces: ["mnt"], probe: ["id"] }),
    expect: ["uid 0 0 0, gid 0 0 0, groups, pid (host), ppid (host), sid (host)"],
  },
  {
    name: "pids: /proc shows the namespace it was mounted in",
    run: container({ sh: "echo /proc/[0-9]*" }),
    expect: ["/proc/1"],
  },
  {
    name: "pids: children count up",
    run: container({ sh: "sh -c 'echo $$'; sh -c 'echo $$'; echo $$" }),
    expect: ["2", "3", "1"],
  },
  {
    name: "barriers: oci waits for init and init for oci",
    run: container({
      bare: true,
      outside: [
        { op: "await", barrier: "one" },
        { op: "release", barrier: "two" },
      ],
      early: [
        { op: "release", barrier: "one" },
        { op: "await", barrier: "two" },
      ],
      probe: ["say", "met"],
    }),
    expect: ["met"],
  },
  {
    name: "setsid twice is EPERM",
    run: sandbox([{ op: "setsid" }, { op: "setsid" }], ["say", "on"]),
    expect: ["setsid: EPERM", "on"],
  },
  {
    name: "pidfdOpen of a process that is not there is ESRCH",
    run: sandbox([{ op: "pidfdOpen", pid: 4_000_000, startTime: 0, as: "p" }], ["say", "on"]),
    expect: ["pidfdOpen pid 4000000 as <p>: ESRCH", "on"],
  },
  {
    name: "pidfdOpen with another start time is ESRCH",
    run: sandbox([{ op: "pidfdOpen", pid: 1, startTime: 999_999_999, as: "p" }], ["say", "on"]),
    expect: ["pidfdOpen pid 1 as <p>: ESRCH", "on"],
  },
  {
    name: "parentDeathSignal and dumpable are taken",
    run: sandbox(
      [
        { op: "dumpable", on: false },
        { op: "dumpable", on: true },
        { op: "parentDeathSignal", signal: 99 },
      ],
      ["say", "on"],
    ),
    expect: ["parentDeathSignal 99: EINVAL", "on"],
  },
];
