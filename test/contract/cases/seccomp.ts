/** Seccomp filters: errno, kill, trap, log, arguments, several filters (seccomp(2)). */
import type { Op, SeccompProfile } from "../../../apps/runtime/src/kernel/index.ts";
import { container } from "../container-case.ts";
import type { CaseRun, ContractCase } from "../contract-case.ts";
import { noNewPrivs, setuid } from "../op-words.ts";

type Rule = NonNullable<SeccompProfile["syscalls"]>[number];

/** A profile that allows everything but what `rules` say. */
const allowBut =
  (...rules: readonly Rule[]) =>
  (run: CaseRun): readonly Op[] => [
    {
      op: "seccomp",
      filter: run.bed.kernel.compileSeccomp({ defaultAction: "SCMP_ACT_ALLOW", syscalls: rules }),
      flags: [],
    },
  ];

const errno = (names: readonly string[], errnoRet = 1, args?: Rule["args"]): Rule => ({
  names,
  action: "SCMP_ACT_ERRNO",
  errnoRet,
  ...(args ? { args } : {}),
});

export const seccompCases: readonly ContractCase[] = [
  {
    name: "seccomp: a refused call is EPERM",
    run: container({
      bare: true,
      last: allowBut(errno(["sethostname"])),
      probe: ["try", "sethostname", "+", "try", "getppid", "+", "caps"],
    }),
    expect: [
      "try sethostname 1",
      "try getppid 0",
      "CapInh none, CapPrm all, CapEff all, CapBnd all, CapAmb none, NoNewPrivs 0, Seccomp 2",
    ],
  },
  {
    name: "seccomp: the errno is the one of the profile",
    run: container({
      bare: true,
      last: allowBut(errno(["sethostname"], 38), errno(["getppid"], 13)),
      probe: ["try", "sethostname", "+", "try", "getppid"],
    }),
    expect: ["try sethostname 38", "try getppid 13"],
  },
  {
    name: "seccomp: a killed process dies of SIGSYS",
    run: container({
      bare: true,
      last: allowBut({ names: ["sethostname"], action: "SCMP_ACT_KILL_PROCESS" }),
      probe: ["say", "before", "+", "try", "sethostname", "+", "say", "after"],
    }),
    expect: ["before", "exit 159"],
  },
  {
    name: "seccomp: a killed thread is the process when it is the only one",
    run: container({
      bare: true,
      last: allowBut({ names: ["sethostname"], action: "SCMP_ACT_KILL" }),
      probe: ["say", "before", "+", "try", "sethostname", "+", "say", "after"],
    }),
    expect: ["before", "exit 159"],
  },
  {
    name: "seccomp: trap sends SIGSYS",
    run: container({
      bare: true,
      last: allowBut({ names: ["sethostname"], action: "SCMP_ACT_TRAP" }),
      probe: ["try", "sethostname"],
    }),
    expect: ["exit 159"],
  },
  {
    name: "seccomp: log lets the call through",
    run: container({
      bare: true,
      last: allowBut({ names: ["sethostname"], action: "SCMP_ACT_LOG" }),
      probe: ["try", "sethostname", "+", "uts"],
    }),
    expect: ["try sethostname 0", "hostname probe", "domainname (none)"],
  },
  {
    name: "seccomp: trace without a tracer is ENOSYS",
    run: container({
      bare: true,
      last: allowBut({ names: ["sethostname"], action: "SCMP_ACT_TRACE" }),
      probe: ["try", "sethostname"],
    }),
    expect: ["try sethostname 38"],
  },
  {
    name: "seccomp: without a filter all is let through",
    run: container({
      bare: true,
      last: [],
      probe: ["try", "sethostname", "+", "try", "getppid", "+", "try", "mount"],
    }),
    expect: ["try sethostname 0", "try getppid 0", "try mount 0"],
  },
  {
    name: "seccomp: an argument that is equal",
    run: container({
      bare: true,
      last: allowBut(errno(["unshare"], 1, [{ index: 0, value: 0x10000000, op: "SCMP_CMP_EQ" }])),
      probe: ["try", "unshare"],
    }),
    expect: ["try unshare 1"],
  },
  {
    name: "seccomp: an argument that is not equal",
    run: container({
      bare: true,
      last: allowBut(errno(["unshare"], 1, [{ index: 0, value: 0x20000000, op: "SCMP_CMP_EQ" }])),
      probe: ["try", "unshare"],
    }),
    expect: ["try unshare 0"],
  },
  {
    name: "seccomp: bits of an argument",
    run: container({
      bare: true,
      last: allowBut(
        errno(["unshare"], 77, [
          { index: 0, value: 0x7e020000, valueTwo: 0x10000000, op: "SCMP_CMP_MASKED_EQ" },
        ]),
      ),
      probe: ["try", "unshare"],
    }),
    expect: ["try unshare 77"],
  },
  {
    name: "seccomp: greater and less",
    run: container({
      bare: true,
      last: allowBut(
        errno(["sethostname"], 5, [{ index: 1, value: 4, op: "SCMP_CMP_GT" }]),
        errno(["setuid"], 6, [{ index: 0, value: 1, op: "SCMP_CMP_LT" }]),
      ),
      probe: ["try", "sethostname", "+", "try", "setuid"],
    }),
    expect: ["try sethostname 5", "try setuid 6"],
  },
  {
    name: "seccomp: not equal, at least, at most",
    run: container({
      bare: true,
      last: allowBut(
        errno(["sethostname"], 5, [{ index: 1, value: 5, op: "SCMP_CMP_NE" }]),
        errno(["setuid"], 6, [{ index: 0, value: 0, op: "SCMP_CMP_GE" }]),
        errno(["socket"], 7, [{ index: 1, value: 3, op: "SCMP_CMP_LE" }]),
      ),
      probe: ["try", "sethostname", "+", "try", "setuid", "+", "try", "rawsocket"],
    }),
    expect: ["try sethostname 0", "try setuid 6", "try rawsocket 7"],
  },
  {
    name: "seccomp: two filters, the stricter answer counts",
    run: container({
      bare: true,
      last: (run) => [
        ...allowBut(errno(["sethostname"], 1))(run),
        ...allowBut({ names: ["sethostname"], action: "SCMP_ACT_LOG" })(run),
      ],
      probe: ["try", "sethostname"],
    }),
    expect: ["try sethostname 1"],
  },
  {
    name: "seccomp: two filters with different errnos, the later one counts",
    run: container({
      bare: true,
      last: (run) => [
        ...allowBut(errno(["sethostname"], 11))(run),
        ...allowBut(errno(["sethostname"], 22))(run),
      ],
      probe: ["try", "sethostname"],
    }),
    expect: ["try sethostname 22"],
  },
  {
    name: "seccomp: with no_new_privs a user may load a filter",
    run: container({
      bare: true,
      last: (run) => [setuid(1000), noNewPrivs, ...allowBut(errno(["getppid"], 9))(run)],
      probe: ["try", "getppid"],
    }),
    expect: ["try getppid 9"],
  },
  {
    name: "seccomp: without no_new_privs a user may not",
    run: container({
      bare: true,
      last: (run) => [setuid(1000), ...allowBut(errno(["getppid"], 9))(run)],
      probe: ["try", "getppid"],
    }),
    expect: ["seccomp: EACCES", "try getppid 0"],
  },
  {
    name: "seccomp: a filter that kills execve keeps the program from starting",
    run: container({
      bare: true,
      last: allowBut({ names: ["execve"], action: "SCMP_ACT_KILL_PROCESS" }),
      probe: ["say", "never"],
    }),
    expect: ["exit 159"],
  },
  {
    name: "seccomp: a filter that refuses execve",
    run: container({ bare: true, last: allowBut(errno(["execve"], 1)), probe: ["say", "never"] }),
    expect: ["stopped execve /bin/probe argv [probe say never] env PATH: EPERM"],
  },
  {
    name: "seccomp: a filter of no instructions is EINVAL",
    run: container({
      bare: true,
      last: [{ op: "seccomp", filter: new Uint8Array(0), flags: [] }],
      probe: ["say", "on"],
    }),
    expect: ["seccomp: EINVAL", "on"],
  },
  {
    name: "seccomp: a filter that jumps past its end is EINVAL",
    run: container({
      bare: true,
      last: [
        {
          op: "seccomp",
          filter: Uint8Array.of(0x05, 0, 0, 0, 9, 0, 0, 0, 0x06, 0, 0, 0, 0, 0, 0xff, 0x7f),
          flags: [],
        },
      ],
      probe: ["say", "on"],
    }),
    expect: ["seccomp: EINVAL", "on"],
  },
  {
    name: "seccomp: a filter that does not return is EINVAL",
    run: container({
      bare: true,
      last: [{ op: "seccomp", filter: Uint8Array.of(0x20, 0, 0, 0, 0, 0, 0, 0), flags: [] }],
      probe: ["say", "on"],
    }),
    expect: ["seccomp: EINVAL", "on"],
  },
  {
    name: "seccomp: the filter holds for children",
    run: container({
      bare: true,
      last: allowBut(errno(["sethostname"])),
      sh: "hostname x; echo $?; sh -c 'hostname y'; echo $?",
    }),
    expect: [
      "1",
      "1",
      "stderr: hostname: sethostname: Operation not permitted",
      "stderr: hostname: sethostname: Operation not permitted",
    ],
  },
  {
    name: "seccomp: a profile that denies by default",
    run: container({
      bare: true,
      last: (run) => [
        {
          op: "seccomp",
          flags: [],
          filter: run.bed.kernel.compileSeccomp({
            defaultAction: "SCMP_ACT_ERRNO",
            defaultErrnoRet: 38,
            syscalls: [
              {
                names: [
                  "execve",
                  "close_range",
                  "umask",
                  "getcwd",
                  "write",
                  "writev",
                  "exit",
                  "exit_group",
                  "brk",
                  "mmap",
                  "munmap",
                  "mprotect",
                  "arch_prctl",
                  "set_tid_address",
                  "set_robust_list",
                  "rseq",
                  "prlimit64",
                  "readlinkat",
                  "readlink",
                  "getrandom",
                  "ioctl",
                  "fstat",
                  "newfstatat",
                  "fcntl",
                  "close",
                  "rt_sigaction",
                  "rt_sigprocmask",
                ],
                action: "SCMP_ACT_ALLOW",
              },
            ],
          }),
        },
      ],
      probe: ["try", "getppid", "+", "try", "sethostname", "+", "say", "on"],
    }),
    expect: ["try getppid 38", "try sethostname 38", "on"],
  },
];
