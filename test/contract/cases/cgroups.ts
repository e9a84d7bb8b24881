/** Cgroups v1: membership, limits that bite, the freezer, values that are refused (cgroups(7)). */
import type { Op } from "../../../apps/runtime/src/kernel/index.ts";
import { container, containerWith, sayEnd } from "../container-case.ts";
import { type ContractCase, sandbox } from "../contract-case.ts";
import { dirs, mkdir, write } from "../op-words.ts";

/** Makes the case's cgroup of a controller and writes a limit. */
const limited = (controller: string, limit: string, value: string): Op[] => [
  mkdir(`#${controller}`),
  write(`#${controller}/${limit}`, value),
];

const joins = (controller: string): Op[] => [{ op: "cgroupJoin", path: `#${controller}` }];

/** An endless program that says when it runs. */
const sleeper = "echo ready; while true; do sleep 0.05; done";

export const cgroupCases: readonly ContractCase[] = [
  {
    name: "cgroup: a process joins and is seen there",
    run: containerWith(
      {
        host: [mkdir("#pids")],
        first: [{ op: "cgroupJoin", path: "#pids" }],
        cgroups: ["pids"],
        sh: sleeper,
      },
      async (run, created) => {
        await run.until(created, "ready");
        const text = new TextDecoder().decode(
          await run.bed.kernel.files.read(run.path("#pids/cgroup.procs"), 4096),
        );
        run.say(`${text.trim().split("\n").includes(String(created.container.pid))}`);
      },
    ),
    expect: ["true"],
  },
  {
    name: "cgroup: inside a cgroup namespace it is the root",
    run: container({
      host: [mkdir("#pids")],
      first: [{ op: "cgroupJoin", path: "#pids" }],
      cgroups: ["pids"],
      sh: "grep pids /proc/self/cgroup | cut -d: -f2-",
    }),
    expect: ["pids:/"],
  },
  {
    name: "cgroup: joining what is not there is ENOENT",
    run: sandbox([], ["say", "on"], { first: [{ op: "cgroupJoin", path: "#pids" }] }),
    expect: ["cgroupJoin #pids: ENOENT", "on"],
  },
  {
    name: "cgroup: a directory that is no cgroup is EXDEV",
    run: sandbox([...dirs("~/d"), { op: "cgroupJoin", path: "~/d" }], ["say", "on"]),
    expect: ["cgroupJoin ~/d: EXDEV", "on"],
  },
  {
    name: "cgroup: mkdir of what is there is EEXIST, of two levels ENOENT",
    run: sandbox([], ["say", "on"], {
      first: [mkdir("#pids"), mkdir("#pids"), mkdir("#pids/a/b")],
    }),
    expect: ["mkdir #pids 0755: EEXIST", "mkdir #pids/a/b 0755: ENOENT", "on"],
  },
  {
    name: "cgroup: files cannot be made or removed",
    run: sandbox([], ["say", "on"], {
      first: [
        mkdir("#pids"),
        { op: "open", path: "#pids/mine", flags: ["wronly", "creat"], as: "f" },
        { op: "unlink", path: "#pids/pids.max" },
        { op: "rename", from: "#pids/pids.max", to: "#pids/x" },
      ],
    }),
    expect: [
      "open #pids/mine wronly,creat as <f>: EACCES",
      "unlink #pids/pids.max: EPERM",
      "rename #pids/pids.max to #pids/x: ENOTDIR",
      "on",
    ],
  },
  {
    name: "cgroup: rmdir with a child is EBUSY, without it goes",
    run: sandbox([], ["say", "on"], {
      first: [
        mkdir("#pids"),
        mkdir("#pids/child"),
        { op: "rmdir", path: "#pids" },
        { op: "rmdir", path: "#pids/child" },
        { op: "rmdir", path: "#pids" },
        { op: "rmdir", path: "#pids" },
      ],
    }),
    expect: ["rmdir #pids: EBUSY", "rmdir #pids: ENOENT", "on"],
  },
  {
    name: "cgroup: rmdir with a process in it is EBUSY",
    run: containerWith(
      {
        host: [mkdir("#pids")],
        first: [{ op: "cgroupJoin", path: "#pids" }],
        cgroups: ["pids"],
        sh: sleeper,
      },
      async (run, created) => {
        await run.until(created, "ready");
        await run.host([{ op: "rmdir", path: "#pids" }]);
      },
    ),
    expect: ["rmdir #pids: EBUSY"],
  },
  {
    name: "cgroup: a pid that is not there is ESRCH",
    run: sandbox([], ["say", "on"], {
      first: [mkdir("#pids"), write("#pids/cgroup.procs", "4000000")],
    }),
    expect: ["writeFile #pids/cgroup.procs 7 bytes existing: ESRCH", "on"],
  },
  {
    name: "cgroup: a pid that is no number is EINVAL",
    run: sandbox([], ["say", "on"], {
      first: [mkdir("#pids"), write("#pids/cgroup.procs", "many")],
    }),
    expect: ["writeFile #pids/cgroup.procs 4 bytes existing: EINVAL", "on"],
  },
  {
    name: "pids: values",
    run: sandbox([], ["say", "on"], {
      first: [
        mkdir("#pids"),
        write("#pids/pids.max", "7"),
        write("#pids/pids.max", "max"),
        write("#pids/pids.max", "-1"),
        write("#pids/pids.max", "many"),
        write("#pids/pids.max", "9999999999"),
        write("#pids/pids.current", "1"),
      ],
    }),
    expect: [
      "writeFile #pids/pids.max 2 bytes existing: EINVAL",
      "writeFile #pids/pids.max 4 bytes existing: EINVAL",
      "writeFile #pids/pids.max 10 bytes existing: EINVAL",
      "writeFile #pids/pids.current 1 bytes existing: EINVAL",
      "on",
    ],
  },
  {
    name: "pids: at the limit a fork fails",
    run: container({
      host: limited("pids", "pids.max", "3"),
      first: joins("pids"),
      cgroups: ["pids"],
      sh: "sleep 5 & sleep 5 & sleep 5 & echo not reached",
    }),
    expect: ["stderr: sh: can't fork: Resource temporarily unavailable", "exit 2"],
  },
  {
    name: "pids: clone3 at the limit is EAGAIN",
    run: sandbox([], ["say", "on"], {
      first: [...limited("pids", "pids.max", "1"), ...joins("pids")],
    }),
    expect: ["stopped clone3 init new mnt: EAGAIN"],
  },
  {
    name: "pids: what has ended counts no more",
    run: container({
      host: limited("pids", "pids.max", "2"),
      first: joins("pids"),
      cgroups: ["pids"],
      sh: "/bin/true; /bin/true; /bin/true; echo three",
    }),
    expect: ["three"],
  },
  {
    name: "pids: the limit of the parent counts too",
    run: container({
      first: [
        mkdir("#pids"),
        write("#pids/pids.max", "2"),
        mkdir("#pids/child"),
        { op: "cgroupJoin", path: "#pids/child" },
      ],
      sh: "sleep 5 & sleep 5 & echo not reached",
    }),
    expect: ["stderr: sh: can't fork: Resource temporarily unavailable", "exit 2"],
  },
  {
    name: "pids: events count what was refused",
    run: containerWith(
      {
        host: limited("pids", "pids.max", "2"),
        first: joins("pids"),
        cgroups: ["pids"],
        sh: "sleep 1 & sleep 1 & echo not reached",
      },
      async (run, created) => {
        await sayEnd(run, created);
        await run.sayFile("#pids/pids.events");
      },
    ),
    expect: [
      "stderr: sh: can't fork: Resource temporarily unavailable",
      "exit 2",
      "#pids/pids.events: max 1",
    ],
  },
  {
    name: "memory: values",
    run: containerWith(
      {
        bare: true,
        probe: ["say", "on"],
        first: [
          mkdir("#memory"),
          write("#memory/memory.limit_in_bytes", "1m"),
          write("#memory/memory.limit_in_bytes", "lots"),
          write("#memory/memory.limit_in_bytes", "33554433"),
          write("#memory/memory.memsw.limit_in_bytes", "1"),
        ],
      },
      async (run, created) => {
        await sayEnd(run, created);
        await run.sayFile("#memory/memory.limit_in_bytes");
      },
    ),
    expect: [
      "writeFile #memory/memory.limit_in_bytes 4 bytes existing: EINVAL",
      "writeFile #memory/memory.memsw.limit_in_bytes 1 bytes existing: EINVAL",
      "on",
      "exit 0",
      "#memory/memory.limit_in_bytes: 33554432",
    ],
  },
  {
    name: "memory: -1 takes the limit away",
    run: containerWith(
      {
        bare: true,
        probe: ["say", "on"],
        first: [
          mkdir("#memory"),
          write("#memory/memory.limit_in_bytes", "1m"),
          write("#memory/memory.limit_in_bytes", "-1"),
        ],
      },
      async (run, created) => {
        await sayEnd(run, created);
        await run.sayFile("#memory/memory.limit_in_bytes");
      },
    ),
    expect: ["on", "exit 0", "#memory/memory.limit_in_bytes: 9223372036854771712"],
  },
  {
    name: "memory: beyond the limit the program is killed",
    run: containerWith(
      {
        host: limited("memory", "memory.limit_in_bytes", "16m"),
        first: joins("memory"),
        cgroups: ["memory"],
        argv: ["dd", "if=/dev/zero", "of=/dev/null", "bs=64M", "count=1"],
      },
      async (run, created) => {
        await sayEnd(run, created);
      },
    ),
    expect: ["exit 137 by the OOM killer"],
  },
  {
    name: "memory: a child is killed, the container goes on",
    run: containerWith(
      {
        host: limited("memory", "memory.limit_in_bytes", "16m"),
        first: joins("memory"),
        cgroups: ["memory"],
        sh: "dd if=/dev/zero of=/dev/null bs=64M count=1 2>/dev/null; echo child $?",
      },
      async (run, created) => {
        await sayEnd(run, created);
      },
    ),
    expect: ["child 137", "exit 0"],
  },
  {
    name: "memory: below the limit all is well",
    run: containerWith(
      {
        host: limited("memory", "memory.limit_in_bytes", "64m"),
        first: joins("memory"),
        cgroups: ["memory"],
        sh: "dd if=/dev/zero of=/dev/null bs=4M count=2 2>/dev/null; echo child $?",
      },
      async (run, created) => {
        await sayEnd(run, created);
      },
    ),
    expect: ["child 0", "exit 0"],
  },
  {
    name: "memory: the oom control tells of kills",
    run: containerWith(
      {
        host: limited("memory", "memory.limit_in_bytes", "16m"),
        first: joins("memory"),
        cgroups: ["memory"],
        sh: "dd if=/dev/zero of=/dev/null bs=64M count=1 2>/dev/null; true",
      },
      async (run, created) => {
        await sayEnd(run, created);
        await run.sayFile("#memory/memory.oom_control");
      },
    ),
    expect: ["exit 0", "#memory/memory.oom_control: oom_kill_disable 0 | under_oom 0 | oom_kill 1"],
  },
  {
    name: "cpu: values",
    run: containerWith(
      {
        bare: true,
        probe: ["say", "on"],
        first: [
          mkdir("#cpu"),
          write("#cpu/cpu.shares", "512"),
          write("#cpu/cpu.shares", "1"),
          write("#cpu/cpu.cfs_period_us", "50000"),
          write("#cpu/cpu.cfs_period_us", "10"),
          write("#cpu/cpu.cfs_quota_us", "25000"),
          write("#cpu/cpu.cfs_quota_us", "10"),
        ],
      },
      async (run, created) => {
        await sayEnd(run, created);
        await run.sayFile("#cpu/cpu.shares");
        await run.sayFile("#cpu/cpu.cfs_quota_us");
        await run.sayFile("#cpu/cpu.cfs_period_us");
      },
    ),
    expect: [
      "writeFile #cpu/cpu.cfs_period_us 2 bytes existing: EINVAL",
      "writeFile #cpu/cpu.cfs_quota_us 2 bytes existing: EINVAL",
      "on",
      "exit 0",
      "#cpu/cpu.shares: 2",
      "#cpu/cpu.cfs_quota_us: 25000",
      "#cpu/cpu.cfs_period_us: 50000",
    ],
  },
  {
    name: "cpu: a new group has shares of 1024 and no quota",
    run: containerWith(
      { bare: true, probe: ["say", "on"], first: [mkdir("#cpu")] },
      async (run, created) => {
        await sayEnd(run, created);
        await run.sayFile("#cpu/cpu.shares");
        await run.sayFile("#cpu/cpu.cfs_quota_us");
        await run.sayFile("#cpu/cpu.cfs_period_us");
      },
    ),
    expect: [
      "on",
      "exit 0",
      "#cpu/cpu.shares: 1024",
      "#cpu/cpu.cfs_quota_us: -1",
      "#cpu/cpu.cfs_period_us: 100000",
    ],
  },
  {
    name: "freezer: states",
    run: sandbox([], ["say", "on"], {
      first: [
        mkdir("#freezer"),
        write("#freezer/freezer.state", "FROZEN"),
        write("#freezer/freezer.state", "THAWED"),
        write("#freezer/freezer.state", "COLD"),
      ],
    }),
    expect: ["writeFile #freezer/freezer.state 4 bytes existing: EINVAL", "on"],
  },
  {
    name: "freezer: a frozen container does nothing until it is thawed",
    run: containerWith(
      {
        host: [mkdir("#freezer")],
        first: [{ op: "cgroupJoin", path: "#freezer" }],
        cgroups: ["freezer"],
        sh: "echo ready; while true; do echo tick; sleep 0.02; done",
      },
      async (run, created) => {
        await run.until(created, "ready");
        await run.host([write("#freezer/freezer.state", "FROZEN")]);
        await run.bed.place.sleep(20);
        await run.sayFile("#freezer/freezer.state");
        const before = (await run.output(created)).length;
        await run.bed.place.sleep(150);
        run.say(`grew ${(await run.output(created)).length - before}`);
        await run.host([write("#freezer/freezer.state", "THAWED")]);
        await run.bed.place.sleep(150);
        run.say(`grew again ${(await run.output(created)).length > before}`);
      },
    ),
    expect: ["#freezer/freezer.state: FROZEN", "grew 0", "grew again true"],
  },
  {
    name: "devices: denied devices cannot be opened",
    run: container({
      first: [
        mkdir("#devices"),
        write("#devices/devices.deny", "a"),
        write("#devices/devices.allow", "c 1:3 rwm"),
        { op: "cgroupJoin", path: "#devices" },
      ],
      cgroups: ["devices"],
      mounts: [],
      inside: [],
      probe: ["write", "/dev/null", "x", "+", "cat", "/dev/zero", "+", "cat", "/dev/full"],
    }),
    expect: [
      "mknod <dev>/zero char 1:5 0666: EPERM",
      "mknod <dev>/full char 1:7 0666: EPERM",
      "mknod <dev>/random char 1:8 0666: EPERM",
      "mknod <dev>/urandom char 1:9 0666: EPERM",
      "mknod <dev>/tty char 5:0 0666: EPERM",
      "written /dev/null",
      "error cat /dev/zero 2",
      "error cat /dev/full 2",
    ],
  },
  {
    name: "devices: a rule that is none is EINVAL",
    run: sandbox([], ["say", "on"], {
      first: [
        mkdir("#devices"),
        write("#devices/devices.allow", "x 1:3 rwm"),
        write("#devices/devices.allow", "c 1:3 q"),
        write("#devices/devices.deny", "c 1:3 rwm"),
      ],
    }),
    expect: [
      "writeFile #devices/devices.allow 9 bytes existing: EINVAL",
      "writeFile #devices/devices.allow 7 bytes existing: EINVAL",
      "on",
    ],
  },
  {
    name: "cpuset: without cpus nobody joins",
    run: sandbox([], ["say", "on"], {
      first: [mkdir("#cpuset"), { op: "cgroupJoin", path: "#cpuset" }],
    }),
    expect: ["cgroupJoin #cpuset: ENOSPC", "on"],
  },
  {
    name: "cpuset: values",
    run: sandbox([], ["say", "on"], {
      first: [
        mkdir("#cpuset"),
        write("#cpuset/cpuset.cpus", "0"),
        write("#cpuset/cpuset.mems", "0"),
        { op: "cgroupJoin", path: "#cpuset" },
        write("#cpuset/cpuset.cpus", "4000"),
        write("#cpuset/cpuset.cpus", "x"),
      ],
    }),
    expect: [
      "writeFile #cpuset/cpuset.cpus 4 bytes existing: ERANGE",
      "writeFile #cpuset/cpuset.cpus 1 bytes existing: EINVAL",
      "on",
    ],
  },
  {
    name: "emptyCgroup kills what is in it",
    run: containerWith(
      {
        host: [mkdir("#pids")],
        first: [{ op: "cgroupJoin", path: "#pids" }],
        cgroups: ["pids"],
        sh: sleeper,
      },
      async (run, created) => {
        await run.until(created, "ready");
        await run.bed.kernel.emptyCgroup(run.cgroup("pids"));
        await sayEnd(run, created);
      },
    ),
    expect: ["ready", "exit 137"],
  },
];
