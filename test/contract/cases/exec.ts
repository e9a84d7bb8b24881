/** Executing a program in a running container (setns(2) by pidfd). */

import { containerWith, sayEnd, sayExec } from "../container-case.ts";
import type { ContractCase } from "../contract-case.ts";
import { capBounding, capset, mkdir, setgid, setuid, write } from "../op-words.ts";

/** An endless program that says when it runs. */
const sleeper = "echo ready; while true; do sleep 0.05; done";

export const execCases: readonly ContractCase[] = [
  {
    name: "exec: the same root, mounts and names",
    run: containerWith(
      { inside: [{ op: "sethostname", name: "box" }], sh: sleeper },
      async (run, created) => {
        await run.until(created, "ready");
        await sayExec(run, created, { probe: ["ls", "/", "+", "uts", "+", "mounts"] });
      },
    ),
    expect: [
      "entry / bin",
      "entry / dev",
      "entry / etc",
      "entry / lib",
      "entry / lib64",
      "entry / mnt",
      "entry / plain",
      "entry / proc",
      "entry / sys",
      "entry / tmp",
      "entry / work",
      "hostname box",
      "domainname (none)",
      "mount 1 on - / tmpfs fs1 /root rw,relatime",
      "mount 2 on 1 /dev tmpfs fs2 / rw,nosuid,relatime",
      "mount 3 on 1 /proc proc fs3 / rw,nosuid,nodev,noexec,relatime",
      "mount 4 on 1 /sys sysfs fs4 / ro,nosuid,nodev,noexec,relatime",
    ],
  },
  {
    name: "exec: its pid is one of the namespace, its parent is not seen",
    run: containerWith({ sh: "echo ready; exec sleep 100" }, async (run, created) => {
      await run.until(created, "ready");
      await sayExec(run, created, { probe: ["id"] });
    }),
    expect: ["uid 0 0 0, gid 0 0 0, groups, pid 2, ppid 0, sid 2"],
  },
  {
    name: "exec: /proc shows both",
    run: containerWith({ sh: "echo ready; exec sleep 100" }, async (run, created) => {
      await run.until(created, "ready");
      await sayExec(run, created, { sh: "for p in 1; do cat /proc/$p/comm; done" });
    }),
    expect: ["sleep"],
  },
  {
    name: "exec: what it writes the container sees",
    run: containerWith({ sh: sleeper }, async (run, created) => {
      await run.until(created, "ready");
      await sayExec(run, created, { sh: "echo text > /tmp/f" });
      await sayExec(run, created, { probe: ["cat", "/tmp/f"] });
    }),
    expect: ["content /tmp/f text"],
  },
  {
    name: "exec: exit codes and stderr",
    run: containerWith({ sh: sleeper }, async (run, created) => {
      await run.until(created, "ready");
      await sayExec(run, created, { sh: "echo out; echo err >&2; exit 7" });
    }),
    expect: ["out", "stderr: err", "exit 7"],
  },
  {
    name: "exec: a program that is not there",
    run: containerWith({ sh: sleeper }, async (run, created) => {
      await run.until(created, "ready");
      await sayExec(run, created, { argv: ["none"], path: "/bin/none" });
      await sayExec(run, created, { argv: ["none"], path: "none" });
    }),
    expect: [
      "stopped execve /bin/none argv [none] env PATH: ENOENT",
      "stopped execve none argv [none] env PATH: ENOENT",
    ],
  },
  {
    name: "exec: only the mount and pid namespaces",
    run: containerWith({ sh: sleeper }, async (run, created) => {
      await run.until(created, "ready");
      await sayExec(run, created, { probe: ["ns"], namespaces: ["mnt", "pid"] });
    }),
    expect: [
      "ns mnt new, pid new, net the host's, ipc the host's, uts the host's, user the host's, cgroup the host's, time the host's",
    ],
  },
  {
    name: "exec: with fewer capabilities",
    run: containerWith({ sh: sleeper }, async (run, created) => {
      await run.until(created, "ready");
      await sayExec(run, created, {
        probe: ["caps"],
        before: [capBounding("kill"), capset({ effective: ["kill"], permitted: ["kill"] })],
      });
    }),
    expect: [
      "CapInh none, CapPrm kill, CapEff kill, CapBnd kill, CapAmb none, NoNewPrivs 0, Seccomp 0",
    ],
  },
  {
    name: "exec: as a user",
    run: containerWith({ sh: "echo ready; exec sleep 100" }, async (run, created) => {
      await run.until(created, "ready");
      await sayExec(run, created, {
        probe: [
          "id",
          "+",
          "write",
          "/etc/f",
          "x",
          "+",
          "write",
          "/tmp/g",
          "x",
          "+",
          "stat",
          "/tmp/g",
        ],
        before: [setgid(1000), { op: "setgroups", groups: [] }, setuid(1000)],
      });
    }),
    expect: [
      "uid 1000 1000 1000, gid 1000 1000 1000, groups, pid 2, ppid 0, sid 2",
      "error write /etc/f 13",
      "written /tmp/g",
      "stat /tmp/g 100644 1000:1000 0:0 1",
    ],
  },
  {
    name: "exec: its own working directory and environment",
    run: containerWith({ sh: sleeper }, async (run, created) => {
      await run.until(created, "ready");
      await sayExec(run, created, {
        probe: ["cwd", "+", "env"],
        env: ["A=1"],
        before: [{ op: "chdir", path: "/plain" }],
      });
    }),
    expect: ["cwd /plain", "env A=1"],
  },
  {
    name: "exec: a working directory outside is refused",
    run: containerWith({ sh: sleeper }, async (run, created) => {
      await run.until(created, "ready");
      await sayExec(run, created, { probe: ["cwd"], before: [{ op: "chdir", path: "/none" }] });
    }),
    expect: ["chdir /none: ENOENT", "cwd /"],
  },
  {
    name: "exec: in the container's cgroup",
    run: containerWith(
      {
        host: [mkdir("#pids")],
        first: [{ op: "cgroupJoin", path: "#pids" }],
        cgroups: ["pids"],
        sh: sleeper,
      },
      async (run, created) => {
        await run.until(created, "ready");
        await sayExec(run, created, {
          sh: "grep pids /proc/self/cgroup | cut -d: -f2-",
          first: [{ op: "cgroupJoin", path: "#pids" }],
        });
      },
    ),
    expect: ["pids:/"],
  },
  {
    name: "exec: at the limit of its cgroup it cannot start",
    run: containerWith(
      {
        host: [mkdir("#pids")],
        first: [{ op: "cgroupJoin", path: "#pids" }, write("#pids/pids.max", "2")],
        sh: "echo ready; exec sleep 100",
        cgroups: ["pids"],
      },
      async (run, created) => {
        await run.until(created, "ready");
        await sayExec(run, created, {
          probe: ["say", "never"],
          first: [{ op: "cgroupJoin", path: "#pids" }],
        });
      },
    ),
    expect: ["stopped clone3 exec new none: EAGAIN"],
  },
  {
    name: "exec: a timeout kills it",
    run: containerWith({ sh: sleeper }, async (run, created) => {
      await run.until(created, "ready");
      await sayExec(run, created, { sh: "echo started; sleep 100", timeoutMs: 200 });
    }),
    expect: ["started", "timed out"],
  },
  {
    name: "exec: two at once",
    run: containerWith({ sh: sleeper }, async (run, created) => {
      await run.until(created, "ready");
      const one = sayExec(run, created, { sh: "sleep 0.2; echo one" });
      await sayExec(run, created, { sh: "echo two" });
      await one;
    }),
    expect: ["two", "one"],
  },
  {
    name: "exec: into a container that has ended",
    run: containerWith({ sh: "exit 0" }, async (run, created) => {
      await sayEnd(run, created);
      await sayExec(run, created, { probe: ["say", "never"] });
    }),
    expect: ["exit 0", "failed: ESRCH"],
  },
  {
    name: "exec: what it leaves running is the container's",
    run: containerWith({ sh: sleeper }, async (run, created) => {
      await run.until(created, "ready");
      await sayExec(run, created, { sh: "sleep 50 >/dev/null 2>&1 & echo left" });
      await sayExec(run, created, { sh: "ps | grep -c 'sleep 5[0]'" });
    }),
    expect: ["left", "1"],
  },
  {
    name: "exec: it dies with the container",
    run: containerWith({ sh: "echo ready; exec sleep 100" }, async (run, created) => {
      await run.until(created, "ready");
      const exec = sayExec(run, created, { sh: "echo started; sleep 100" });
      await run.bed.place.sleep(150);
      await run.kill(created.containerId, 9);
      await exec;
      await sayEnd(run, created);
    }),
    expect: ["started", "exit 137", "ready", "exit 137"],
  },
  {
    name: "exec: setns with a user namespace gives its root",
    run: containerWith(
      {
        bare: true,
        namespaces: ["mnt", "pid", "net", "ipc", "uts", "cgroup", "user"],
        outside: [
          {
            op: "idMap",
            child: "init",
            uid: [{ containerId: 0, hostId: 100000, size: 65536 }],
            gid: [{ containerId: 0, hostId: 100000, size: 65536 }],
          },
        ],
        early: [setgid(0), setuid(0)],
        sh: "echo ready; exec sleep 100",
      },
      async (run, created) => {
        await run.until(created, "ready");
        await sayExec(run, created, {
          probe: ["id", "+", "caps"],
          namespaces: ["user", "mnt", "pid", "net", "ipc", "uts", "cgroup"],
          before: [setgid(0), setuid(0)],
        });
      },
    ),
    expect: [
      "uid 0 0 0, gid 0 0 0, groups, pid 2, ppid 0, sid 2",
      "CapInh none, CapPrm all, CapEff all, CapBnd all, CapAmb none, NoNewPrivs 0, Seccomp 0",
    ],
  },
  {
    name: "exec: seccomp of the container does not hold for it",
    run: containerWith(
      {
        last: (run) => [
          {
            op: "seccomp",
            flags: [],
            filter: run.bed.kernel.compileSeccomp({
              defaultAction: "SCMP_ACT_ALLOW",
              syscalls: [{ names: ["sethostname"], action: "SCMP_ACT_ERRNO" }],
            }),
          },
        ],
        sh: sleeper,
      },
      async (run, created) => {
        await run.until(created, "ready");
        await sayExec(run, created, { probe: ["caps", "+", "try", "sethostname"] });
      },
    ),
    expect: [
      "CapInh none, CapPrm all, CapEff all, CapBnd all, CapAmb none, NoNewPrivs 0, Seccomp 0",
      "try sethostname 0",
    ],
  },
];
