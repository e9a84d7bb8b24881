/** Capabilities: permitted, effective, inheritable, bounding, ambient; uids, set-id programs, no_new_privs (capabilities(7)). */
import type { Op } from "../../../apps/runtime/src/kernel/index.ts";
import { type CaseRun, type ContractCase, sandbox } from "../contract-case.ts";
import {
  bind,
  capBounding,
  capset,
  chmod,
  chown,
  dirs,
  file,
  keepCaps,
  noNewPrivs,
  open,
  setattr,
  setgid,
  setuid,
  tree,
} from "../op-words.ts";

/** The probe as a set-user-id or set-group-id program at ~/p/probe. */
function ownProbe(run: CaseRun, mode: number, uid = 0, gid = 0): Op[] {
  return [
    ...dirs("~/p"),
    open("/", ["path", "directory"], "host"),
    { op: "copyTree", at: "host", from: run.bed.programs, to: `${run.directory}/p` },
    chown("~/p", 0, 0),
    chmod("~/p", 0o755),
    chown("~/p/probe", uid, gid),
    chmod("~/p/probe", mode),
  ];
}

const runProbe: Op = {
  op: "execve",
  path: "~/p/probe",
  argv: ["probe", "id", "+", "caps"],
  env: [],
};
const two = ["chown", "kill"];

export const capabilityCases: readonly ContractCase[] = [
  {
    name: "root has all of them",
    run: sandbox([], ["caps"]),
    expect: [
      "CapInh none, CapPrm all, CapEff all, CapBnd all, CapAmb none, NoNewPrivs 0, Seccomp 0",
    ],
  },
  {
    name: "setresuid to a user drops them all",
    run: sandbox(
      [setgid(1000), { op: "setgroups", groups: [] }, setuid(1000)],
      ["id", "+", "caps"],
    ),
    expect: [
      "uid 1000 1000 1000, gid 1000 1000 1000, groups, pid (host), ppid (host), sid (host)",
      "CapInh none, CapPrm none, CapEff none, CapBnd all, CapAmb none, NoNewPrivs 0, Seccomp 0",
    ],
  },
  {
    name: "keepCaps keeps the permitted ones, not the effective ones, until execve",
    run: sandbox(
      [keepCaps(), setgid(1000), { op: "setgroups", groups: [] }, setuid(1000)],
      ["caps"],
    ),
    expect: [
      "CapInh none, CapPrm none, CapEff none, CapBnd all, CapAmb none, NoNewPrivs 0, Seccomp 0",
    ],
  },
  {
    name: "keepCaps and capset: effective ones end with execve, for a user",
    run: sandbox(
      [
        keepCaps(),
        setgid(1000),
        { op: "setgroups", groups: [] },
        setuid(1000),
        capset({ effective: two, permitted: two, inheritable: two }),
      ],
      ["caps"],
    ),
    expect: [
      "CapInh chown kill, CapPrm none, CapEff none, CapBnd all, CapAmb none, NoNewPrivs 0, Seccomp 0",
    ],
  },
  {
    name: "ambient capabilities survive execve of a user",
    run: sandbox(
      [
        keepCaps(),
        setgid(1000),
        { op: "setgroups", groups: [] },
        setuid(1000),
        capset({ effective: two, permitted: two, inheritable: two, ambient: two }),
      ],
      ["caps"],
    ),
    expect: [
      "CapInh chown kill, CapPrm chown kill, CapEff chown kill, CapBnd all, CapAmb chown kill, NoNewPrivs 0, Seccomp 0",
    ],
  },
  {
    name: "ambient needs inheritable",
    run: sandbox([capset({ effective: two, permitted: two, ambient: two })], ["caps"]),
    expect: [
      "capset effective chown,kill permitted chown,kill inheritable none ambient chown,kill: EPERM",
      "CapInh none, CapPrm all, CapEff all, CapBnd all, CapAmb none, NoNewPrivs 0, Seccomp 0",
    ],
  },
  {
    name: "ambient needs permitted",
    run: sandbox([capset({ inheritable: two, ambient: two })], ["caps"]),
    expect: [
      "capset effective none permitted none inheritable chown,kill ambient chown,kill: EPERM",
      "CapInh chown kill, CapPrm all, CapEff all, CapBnd all, CapAmb none, NoNewPrivs 0, Seccomp 0",
    ],
  },
  {
    name: "ambient of root: execve of root gives all of the bounding set",
    run: sandbox(
      [capset({ effective: two, permitted: two, inheritable: two, ambient: two })],
      ["caps"],
    ),
    expect: [
      "CapInh chown kill, CapPrm all, CapEff all, CapBnd all, CapAmb chown kill, NoNewPrivs 0, Seccomp 0",
    ],
  },
  {
    name: "root with an empty permitted set gets all back at execve",
    run: sandbox([capset({})], ["caps"]),
    expect: [
      "CapInh none, CapPrm all, CapEff all, CapBnd all, CapAmb none, NoNewPrivs 0, Seccomp 0",
    ],
  },
  {
    name: "root with a smaller bounding set gets only that at execve",
    run: sandbox([capBounding("chown", "kill", "setuid")], ["caps"]),
    expect: [
      "CapInh none, CapPrm chown kill setuid, CapEff chown kill setuid, CapBnd chown kill setuid, CapAmb none, NoNewPrivs 0, Seccomp 0",
    ],
  },
  {
    name: "the bounding set does not take permitted ones away before execve",
    run: sandbox(
      [capBounding(), chown("/proc/self/none", 1, 1), file("~/f"), chown("~/f", 7, 7)],
      ["stat", "~/f", "+", "caps"],
    ),
    expect: [
      "chown /proc/self/none owner 1:1: ENOENT",
      "stat ~/f 100644 7:7 0:0 0",
      "CapInh none, CapPrm none, CapEff none, CapBnd none, CapAmb none, NoNewPrivs 0, Seccomp 0",
    ],
  },
  {
    name: "dropping from the bounding set needs CAP_SETPCAP",
    run: sandbox([capset({ effective: two, permitted: two }), capBounding("chown")], ["caps"]),
    expect: [
      "capBounding keep chown: EPERM",
      "CapInh none, CapPrm all, CapEff all, CapBnd all, CapAmb none, NoNewPrivs 0, Seccomp 0",
    ],
  },
  {
    name: "capset cannot raise permitted",
    run: sandbox(
      [
        capset({ effective: two, permitted: two }),
        capset({ effective: [...two, "sys_admin"], permitted: [...two, "sys_admin"] }),
      ],
      ["caps"],
    ),
    expect: [
      "capset effective chown,kill,sys_admin permitted chown,kill,sys_admin inheritable none ambient none: EPERM",
      "CapInh none, CapPrm all, CapEff all, CapBnd all, CapAmb none, NoNewPrivs 0, Seccomp 0",
    ],
  },
  {
    name: "capset: effective must be permitted",
    run: sandbox([capset({ effective: ["chown"], permitted: ["kill"] })], ["caps"]),
    expect: [
      "capset effective chown permitted kill inheritable none ambient none: EPERM",
      "CapInh none, CapPrm all, CapEff all, CapBnd all, CapAmb none, NoNewPrivs 0, Seccomp 0",
    ],
  },
  {
    name: "capset: inheritable beyond permitted and bounding is refused without CAP_SETPCAP",
    run: sandbox(
      [
        capset({ effective: ["chown"], permitted: ["chown"] }),
        capset({ effective: ["chown"], permitted: ["chown"], inheritable: ["kill"] }),
      ],
      ["caps"],
    ),
    expect: [
      "capset effective chown permitted chown inheritable kill ambient none: EPERM",
      "CapInh none, CapPrm all, CapEff all, CapBnd all, CapAmb none, NoNewPrivs 0, Seccomp 0",
    ],
  },
  {
    name: "capset: inheritable outside of the bounding set is refused",
    run: sandbox(
      [
        capBounding("chown", "setpcap"),
        capset({ effective: ["setpcap"], permitted: ["setpcap"], inheritable: ["kill"] }),
      ],
      ["caps"],
    ),
    expect: [
      "capset effective setpcap permitted setpcap inheritable kill ambient none: EPERM",
      "CapInh none, CapPrm chown setpcap, CapEff chown setpcap, CapBnd chown setpcap, CapAmb none, NoNewPrivs 0, Seccomp 0",
    ],
  },
  {
    name: "inheritable without file capabilities gives a user nothing",
    run: sandbox(
      [
        keepCaps(),
        setgid(1000),
        { op: "setgroups", groups: [] },
        setuid(1000),
        capset({ permitted: two, inheritable: two }),
      ],
      ["caps"],
    ),
    expect: [
      "CapInh chown kill, CapPrm none, CapEff none, CapBnd all, CapAmb none, NoNewPrivs 0, Seccomp 0",
    ],
  },
  {
    name: "inheritable of root with an empty bounding set",
    run: sandbox(
      [capBounding(), capset({ effective: two, permitted: two, inheritable: two })],
      ["caps"],
    ),
    expect: [
      "capset effective chown,kill permitted chown,kill inheritable chown,kill ambient none: EPERM",
      "CapInh none, CapPrm none, CapEff none, CapBnd none, CapAmb none, NoNewPrivs 0, Seccomp 0",
    ],
  },
  {
    name: "CAP_SETUID is needed for another uid",
    run: sandbox(
      [capset({}), setuid(1000), setgid(1000), { op: "setgroups", groups: [1] }, setuid(0)],
      ["id"],
    ),
    expect: [
      "setresuid 1000: EPERM",
      "setresgid 1000: EPERM",
      "setgroups 1: EPERM",
      "uid 0 0 0, gid 0 0 0, groups, pid (host), ppid (host), sid (host)",
    ],
  },
  {
    name: "CAP_SETUID alone: uid but not gid",
    run: sandbox(
      [
        capset({ effective: ["setuid"], permitted: ["setuid"] }),
        setgid(1000),
        { op: "setgroups", groups: [] },
        setuid(1000),
      ],
      ["id"],
    ),
    expect: [
      "setresgid 1000: EPERM",
      "setgroups none: EPERM",
      "uid 1000 1000 1000, gid 0 0 0, groups, pid (host), ppid (host), sid (host)",
    ],
  },
  {
    name: "a user does not come back",
    run: sandbox(
      [
        setgid(1000),
        { op: "setgroups", groups: [] },
        setuid(1000),
        setuid(0),
        setgid(0),
        setuid(1000),
      ],
      ["id"],
    ),
    expect: [
      "setresuid 0: EPERM",
      "setresgid 0: EPERM",
      "uid 1000 1000 1000, gid 1000 1000 1000, groups, pid (host), ppid (host), sid (host)",
    ],
  },
  {
    name: "setresuid from root to root keeps all",
    run: sandbox([setuid(0)], ["id", "+", "caps"]),
    expect: [
      "uid 0 0 0, gid 0 0 0, groups, pid (host), ppid (host), sid (host)",
      "CapInh none, CapPrm all, CapEff all, CapBnd all, CapAmb none, NoNewPrivs 0, Seccomp 0",
    ],
  },
  {
    name: "keepCaps off again",
    run: sandbox(
      [
        keepCaps(),
        keepCaps(false),
        setgid(1000),
        { op: "setgroups", groups: [] },
        setuid(1000),
        capset({ effective: two, permitted: two }),
      ],
      ["caps"],
    ),
    expect: [
      "capset effective chown,kill permitted chown,kill inheritable none ambient none: EPERM",
      "CapInh none, CapPrm none, CapEff none, CapBnd all, CapAmb none, NoNewPrivs 0, Seccomp 0",
    ],
  },
  {
    name: "ambient is cleared when an ambient one leaves permitted",
    run: sandbox(
      [
        capset({ effective: two, permitted: two, inheritable: two, ambient: two }),
        capset({ effective: ["chown"], permitted: ["chown"], inheritable: two }),
      ],
      ["caps"],
    ),
    expect: [
      "CapInh chown kill, CapPrm all, CapEff all, CapBnd all, CapAmb none, NoNewPrivs 0, Seccomp 0",
    ],
  },
  {
    name: "no_new_privs is seen and inherited",
    run: sandbox(
      [noNewPrivs, setgid(1000), { op: "setgroups", groups: [] }, setuid(1000)],
      ["caps"],
    ),
    expect: [
      "CapInh none, CapPrm none, CapEff none, CapBnd all, CapAmb none, NoNewPrivs 1, Seccomp 0",
    ],
  },
  {
    name: "a set-user-id program runs as its owner, with all capabilities of root",
    run: sandbox(
      (run) => [
        ...ownProbe(run, 0o4755),
        setgid(1000),
        { op: "setgroups", groups: [] },
        setuid(1000),
        runProbe,
      ],
      [],
    ),
    expect: [
      "uid 1000 0 0, gid 1000 1000 1000, groups, pid (host), ppid (host), sid (host)",
      "CapInh none, CapPrm all, CapEff all, CapBnd all, CapAmb none, NoNewPrivs 0, Seccomp 0",
    ],
  },
  {
    name: "a set-user-id program of a user takes no capabilities along",
    run: sandbox((run) => [...ownProbe(run, 0o4755, 1000, 1000), runProbe], []),
    expect: [
      "uid 0 1000 1000, gid 0 0 0, groups, pid (host), ppid (host), sid (host)",
      "CapInh none, CapPrm all, CapEff none, CapBnd all, CapAmb none, NoNewPrivs 0, Seccomp 0",
    ],
  },
  {
    name: "a set-group-id program runs with its group",
    run: sandbox(
      (run) => [
        ...ownProbe(run, 0o2755, 0, 50),
        setgid(1000),
        { op: "setgroups", groups: [] },
        setuid(1000),
        runProbe,
      ],
      [],
    ),
    expect: [
      "uid 1000 1000 1000, gid 1000 50 50, groups, pid (host), ppid (host), sid (host)",
      "CapInh none, CapPrm none, CapEff none, CapBnd all, CapAmb none, NoNewPrivs 0, Seccomp 0",
    ],
  },
  {
    name: "no_new_privs: a set-user-id program runs as the caller",
    run: sandbox(
      (run) => [
        ...ownProbe(run, 0o4755),
        setgid(1000),
        { op: "setgroups", groups: [] },
        setuid(1000),
        noNewPrivs,
        runProbe,
      ],
      [],
    ),
    expect: [
      "uid 1000 1000 1000, gid 1000 1000 1000, groups, pid (host), ppid (host), sid (host)",
      "CapInh none, CapPrm none, CapEff none, CapBnd all, CapAmb none, NoNewPrivs 1, Seccomp 0",
    ],
  },
  {
    name: "nosuid: a set-user-id program runs as the caller",
    run: sandbox(
      (run) => [
        ...ownProbe(run, 0o4755),
        bind("~/p", "~/p"),
        tree("~/p", "p"),
        setattr("p", ["nosuid"]),
        setgid(1000),
        { op: "setgroups", groups: [] },
        setuid(1000),
        runProbe,
      ],
      [],
    ),
    expect: [
      "uid 1000 1000 1000, gid 1000 1000 1000, groups, pid (host), ppid (host), sid (host)",
      "CapInh none, CapPrm none, CapEff none, CapBnd all, CapAmb none, NoNewPrivs 0, Seccomp 0",
    ],
  },
  {
    name: "a set-user-id program clears ambient capabilities",
    run: sandbox(
      (run) => [
        ...ownProbe(run, 0o4755, 1001, 1001),
        keepCaps(),
        setgid(1000),
        { op: "setgroups", groups: [] },
        setuid(1000),
        capset({ effective: two, permitted: two, inheritable: two, ambient: two }),
        runProbe,
      ],
      [],
    ),
    expect: [
      "uid 1000 1001 1001, gid 1000 1000 1000, groups, pid (host), ppid (host), sid (host)",
      "CapInh chown kill, CapPrm none, CapEff none, CapBnd all, CapAmb none, NoNewPrivs 0, Seccomp 0",
    ],
  },
  {
    name: "a set-user-id program of root respects the bounding set",
    run: sandbox(
      (run) => [
        ...ownProbe(run, 0o4755),
        capBounding("chown", "setuid", "setgid"),
        setgid(1000),
        { op: "setgroups", groups: [] },
        setuid(1000),
        runProbe,
      ],
      [],
    ),
    expect: [
      "uid 1000 0 0, gid 1000 1000 1000, groups, pid (host), ppid (host), sid (host)",
      "CapInh none, CapPrm chown setgid setuid, CapEff chown setgid setuid, CapBnd chown setgid setuid, CapAmb none, NoNewPrivs 0, Seccomp 0",
    ],
  },
  {
    name: "a user may not execute a program of mode 0700, its owner may",
    run: sandbox(
      (run) => [
        ...ownProbe(run, 0o700, 1000, 1000),
        setgid(1000),
        { op: "setgroups", groups: [] },
        setuid(1000),
        runProbe,
      ],
      [],
    ),
    expect: [
      "uid 1000 1000 1000, gid 1000 1000 1000, groups, pid (host), ppid (host), sid (host)",
      "CapInh none, CapPrm none, CapEff none, CapBnd all, CapAmb none, NoNewPrivs 0, Seccomp 0",
    ],
  },
  {
    name: "groups: many, sorted by number",
    run: sandbox([{ op: "setgroups", groups: [30, 10, 20, 10] }], ["id"]),
    expect: ["uid 0 0 0, gid 0 0 0, groups 10 10 20 30, pid (host), ppid (host), sid (host)"],
  },
];
