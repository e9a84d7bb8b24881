/** Limits, oom_score_adj, descriptors, environment, working directory, exit codes (getrlimit(2), execve(2)). */
import type { Op } from "../../../apps/runtime/src/kernel/index.ts";
import { container } from "../container-case.ts";
import { type ContractCase, sandbox } from "../contract-case.ts";
import { file, open, reach, setuid } from "../op-words.ts";

export const processCases: readonly ContractCase[] = [
  {
    name: "limits are seen by the program",
    run: sandbox(
      [
        ...(["stack", "memlock"] as const).map(
          (type): Op => ({ op: "rlimit", type, soft: 4096 * 1024, hard: 4096 * 1024 }),
        ),
        { op: "rlimit", type: "nofile", soft: 64, hard: 128 },
        { op: "rlimit", type: "core", soft: 0, hard: 0 },
        { op: "rlimit", type: "sigpending", soft: 500, hard: 1000 },
        { op: "rlimit", type: "nproc", soft: 77, hard: 99 },
        { op: "rlimit", type: "fsize", soft: 1_000_000, hard: 2_000_000 },
      ],
      ["rlimits"],
    ),
    expect: [
      "rlimit 0 -1 -1",
      "rlimit 1 1000000 2000000",
      "rlimit 2 -1 -1",
      "rlimit 3 4194304 4194304",
      "rlimit 4 0 0",
      "rlimit 5 -1 -1",
      "rlimit 6 77 99",
      "rlimit 7 64 128",
      "rlimit 8 4194304 4194304",
      "rlimit 9 -1 -1",
      "rlimit 10 -1 -1",
      "rlimit 11 500 1000",
      "rlimit 12 819200 819200",
      "rlimit 13 0 0",
      "rlimit 14 0 0",
      "rlimit 15 -1 -1",
    ],
  },
  {
    name: "a soft limit above the hard one is EINVAL",
    run: sandbox([{ op: "rlimit", type: "nofile", soft: 200, hard: 100 }], ["say", "on"]),
    expect: ["rlimit nofile soft 200 hard 100: EINVAL", "on"],
  },
  {
    name: "a user may lower the hard limit and not raise it again",
    run: sandbox(
      [
        { op: "rlimit", type: "nofile", soft: 50, hard: 100 },
        setuid(1000),
        { op: "rlimit", type: "nofile", soft: 100, hard: 100 },
        { op: "rlimit", type: "nofile", soft: 10, hard: 50 },
        { op: "rlimit", type: "nofile", soft: 50, hard: 100 },
      ],
      ["say", "on"],
    ),
    expect: ["rlimit nofile soft 50 hard 100: EPERM", "on"],
  },
  {
    name: "nofile may not go above what the kernel allows",
    run: sandbox([{ op: "rlimit", type: "nofile", soft: 10, hard: -1 }], ["say", "on"]),
    expect: ["rlimit nofile soft 10 hard unlimited: EPERM", "on"],
  },
  {
    name: "nofile bites: no more files can be opened",
    run: sandbox(
      [
        file("~/f"),
        ...Array.from({ length: 30 }, (_, i) => open("~/f", ["rdonly"], `f${i}`)),
        { op: "rlimit", type: "nofile", soft: 20, hard: 100 },
        open("~/f", ["rdonly"], "one more"),
      ],
      ["say", "on"],
    ),
    expect: ["open ~/f rdonly as <one more>: EMFILE", "on"],
  },
  {
    name: "oom_score_adj is seen by the program",
    run: sandbox(
      [{ op: "oomScoreAdj", value: 500, clamp: false }],
      ["cat", "/proc/self/oom_score_adj"],
    ),
    expect: ["content /proc/self/oom_score_adj 500"],
  },
  {
    name: "oom_score_adj out of range is EINVAL",
    run: sandbox(
      [
        { op: "oomScoreAdj", value: 1001, clamp: false },
        { op: "oomScoreAdj", value: -1001, clamp: false },
      ],
      ["say", "on"],
    ),
    expect: ["oomScoreAdj 1001: EINVAL", "oomScoreAdj -1001: EINVAL", "on"],
  },
  {
    name: "after setresuid /proc/self belongs to root: oom_score_adj cannot be written",
    run: sandbox([setuid(1000), { op: "oomScoreAdj", value: 300, clamp: false }], ["say", "on"]),
    expect: ["oomScoreAdj 300: EACCES", "on"],
  },
  {
    name: "a user may raise oom_score_adj and come back to where it was",
    run: sandbox(
      [
        { op: "oomScoreAdj", value: 100, clamp: false },
        setuid(1000),
        { op: "dumpable", on: true },
        { op: "oomScoreAdj", value: 300, clamp: false },
        { op: "oomScoreAdj", value: 200, clamp: false },
      ],
      ["cat", "/proc/self/oom_score_adj"],
    ),
    expect: ["content /proc/self/oom_score_adj 200"],
  },
  {
    name: "a user may not lower oom_score_adj",
    run: sandbox(
      [setuid(1000), { op: "dumpable", on: true }, { op: "oomScoreAdj", value: -10, clamp: false }],
      ["say", "on"],
    ),
    expect: ["oomScoreAdj -10: EACCES", "on"],
  },
  {
    name: "clamp: what a user may not lower stays as it is",
    run: sandbox(
      [
        { op: "oomScoreAdj", value: 100, clamp: false },
        setuid(1000),
        { op: "dumpable", on: true },
        { op: "oomScoreAdj", value: -500, clamp: true },
      ],
      ["say", "on"],
    ),
    expect: ["on"],
  },
  {
    name: "fds: only stdio is left for the program",
    run: sandbox([file("~/f"), open("~/f", ["rdonly"], "a"), open("~", ["path"], "b")], ["fds"]),
    expect: ["fd 0 char", "fd 1 pipe", "fd 2 pipe"],
  },
  {
    name: "closeRange spares what is kept until execve",
    run: sandbox(
      [
        file("~/f", "x"),
        open("~", ["path"], "kept"),
        open("~", ["path"], "other"),
        { op: "closeRange", from: 3, keep: ["kept"] },
        reach("f", { at: "kept" }),
        reach("f", { at: "other" }),
      ],
      ["fds"],
    ),
    expect: ["open <other>/f path as <reached>: EBADF", "fd 0 char", "fd 1 pipe", "fd 2 pipe"],
  },
  {
    name: "close of a slot that is empty is EBADF",
    run: sandbox(
      [
        file("~/f"),
        open("~/f", ["rdonly"], "a"),
        { op: "close", fd: "a" },
        { op: "close", fd: "a" },
      ],
      ["say", "on"],
    ),
    expect: ["close <a>: EBADF", "on"],
  },
  {
    name: "environment and arguments reach the program as they are",
    run: container({
      bare: true,
      argv: ["probe", "env", "+", "say", "two words", "", "ü"],
      env: ["A=1", "EMPTY=", "PATH=/bin", "A=2"],
    }),
    expect: ["env A=1", "env EMPTY=", "env PATH=/bin", "env A=2", "two words  ü"],
  },
  {
    name: "the program is found in PATH of its own environment",
    run: container({
      bare: true,
      path: "probe",
      env: ["PATH=/none:/bin"],
      probe: ["say", "found"],
    }),
    expect: ["found"],
  },
  {
    name: "without PATH the default path is searched",
    run: container({ bare: true, path: "probe", env: [], probe: ["say", "found"] }),
    expect: ["found"],
  },
  {
    name: "the working directory",
    run: container({ bare: true, cwd: "/plain/inner", probe: ["cwd"] }),
    expect: ["cwd /plain/inner"],
  },
  {
    name: "a working directory that is not there is ENOENT and the root stays",
    run: container({ bare: true, cwd: "/none", probe: ["cwd"] }),
    expect: ["chdir /none: ENOENT", "cwd /"],
  },
  {
    name: "exit codes pass",
    run: container({ bare: true, probe: ["exit", "7"] }),
    expect: ["exit 7"],
  },
  {
    name: "exit codes keep eight bits",
    run: container({ bare: true, probe: ["exit", "263"] }),
    expect: ["exit 7"],
  },
  {
    name: "signals: default dispositions, nothing blocked",
    run: container({ probe: ["signals"] }),
    expect: ["SigBlk 0000000000000000", "SigIgn 0000000000000000", "SigCgt 0000000000000000"],
  },
  {
    name: "program not found: execve fails with ENOENT",
    run: container({ bare: true, argv: ["none"], path: "/bin/none" }),
    expect: ["stopped execve /bin/none argv [none] env PATH: ENOENT"],
  },
  {
    name: "program without x: EACCES",
    run: container({
      bare: true,
      mounts: [file("~/root/etc/tool", "x", 0o644)],
      argv: ["tool"],
      path: "/etc/tool",
    }),
    expect: ["stopped execve /etc/tool argv [tool] env PATH: EACCES"],
  },
  {
    name: "a #! script runs with its interpreter",
    run: container({
      bare: true,
      mounts: [file("~/root/etc/script", "#!/bin/sh\necho script $1 $0\n", 0o755)],
      argv: ["script", "arg"],
      path: "/etc/script",
    }),
    expect: ["script arg /etc/script"],
  },
  {
    name: "a #! script with an argument for the interpreter",
    run: container({
      bare: true,
      mounts: [file("~/root/etc/script", "#!/bin/echo -x\n", 0o755)],
      argv: ["script", "arg"],
      path: "/etc/script",
    }),
    expect: ["-x /etc/script arg"],
  },
];
