/** /proc/PID/status, stat, statm, limits: a process in numbers (proc_pid_status(5), proc_pid_stat(5)). */
import type { RlimitType } from "../../op.ts";
import type { Process, Rlimit } from "../process/process.ts";
import type { CapabilitySet } from "../user/credentials.ts";
import { type ProcSubject, shownGroup, shownId, shownPid } from "./proc-subject.ts";

const pageBytes = 4096;
/** What a program's own pages and libraries make up beside its memory: about that of a small C program. */
const textBytes = 1_600 * 1024;

function stateLetter(process: Process, viewer: Process): string {
  if (process.state !== "alive") return "Z";
  if (process.stopped) return "T";
  if (process.frozen) return "D";
  return process === viewer ? "R" : "S";
}

const stateWords: Readonly<Record<string, string>> = {
  R: "running",
  S: "sleeping",
  D: "disk sleep",
  T: "stopped",
  Z: "zombie",
};

function hex(set: CapabilitySet): string {
  return set.toString(16).padStart(16, "0");
}

function signalMask(process: Process, kind: "ignore" | "caught"): bigint {
  let mask = 0n;
  for (const [signal, handler] of process.signalHandlers) {
    const fits = kind === "ignore" ? handler === "ignore" : typeof handler === "function";
    if (fits) mask |= 1n << BigInt(signal - 1);
  }
  return mask;
}

function pendingMask(process: Process): bigint {
  let mask = 0n;
  for (const signal of process.pendingSignals) mask |= 1n << BigInt(signal - 1);
  return mask;
}

function idLines(process: Process, viewer: Process): string {
  const { uid, euid, suid, fsuid, gid, egid, sgid, fsgid, groups } = process.credentials;
  const { userNamespace } = viewer.credentials;
  const uids = [uid, euid, suid, fsuid].map((id) => shownId(userNamespace, "uid", id));
  const gids = [gid, egid, sgid, fsgid].map((id) => shownId(userNamespace, "gid", id));
  const others = groups.map((id) => shownId(userNamespace, "gid", id));
  return `Uid:\t${uids.join("\t")}\nGid:\t${gids.join("\t")}\nFDSize:\t64\nGroups:\t${others.join(" ")} \n`;
}

/** A process's numbers from this namespace inwards. */
function levels(subject: ProcSubject, of: Process | undefined): string {
  return of === undefined ? "0" : of.pids.slice(subject.namespace.level).join("\t");
}

function memoryLines(process: Process): string {
  if (process.state !== "alive") return "";
  const kb = (bytes: number) => `${Math.ceil(bytes / 1024)}`.padStart(8);
  const anonymous = process.memoryBytes;
  const whole = anonymous + textBytes;
  return (
    `VmPeak:\t${kb(whole)} kB\nVmSize:\t${kb(whole)} kB\nVmLck:\t${kb(0)} kB\nVmPin:\t${kb(0)} kB\n` +
    `VmHWM:\t${kb(whole)} kB\nVmRSS:\t${kb(whole)} kB\nRssAnon:\t${kb(anonymous)} kB\nRssFile:\t${kb(textBytes)} kB\n` +
    `RssShmem:\t${kb(0)} kB\nVmData:\t${kb(anonymous)} kB\nVmStk:\t${kb(135_168)} kB\nVmExe:\t${kb(20_480)} kB\n` +
    `VmLib:\t${kb(1_564_672)} kB\nVmPTE:\t${kb(49_152)} kB\nVmSwap:\t${kb(0)} kB\n`
  );
}

function cpuLines(process: Process): string {
  const { cpuCount } = process.machine.options;
  const list = cpuCount === 1 ? "0" : `0-${cpuCount - 1}`;
  const mask = ((1n << BigInt(cpuCount)) - 1n).toString(16);
  return `Cpus_allowed:\t${mask}\nCpus_allowed_list:\t${list}\nMems_allowed:\t1\nMems_allowed_list:\t0\n`;
}

export function statusText(subject: ProcSubject, viewer: Process): string {
  const { process } = subject;
  const { machine, credentials } = process;
  const letter = stateLetter(process, viewer);
  const pid = shownPid(subject, process);
  const group = machine.process(process.processGroup);
  const session = machine.process(process.session);
  return [
    `Name:\t${process.comm}\nUmask:\t${process.umask.toString(8).padStart(4, "0")}\n`,
    `State:\t${letter} (${stateWords[letter]})\nTgid:\t${pid}\nNgid:\t0\nPid:\t${pid}\n`,
    `PPid:\t${shownPid(subject, process.parent)}\nTracerPid:\t0\n`,
    idLines(process, viewer),
    `NStgid:\t${levels(subject, process)}\nNSpid:\t${levels(subject, process)}\n`,
    `NSpgid:\t${levels(subject, group)}\nNSsid:\t${levels(subject, session)}\nKthread:\t0\n`,
    memoryLines(process),
    `Threads:\t1\nSigQ:\t0/${process.rlimits.sigpending.soft}\nSigPnd:\t${hex(0n)}\n`,
    `ShdPnd:\t${hex(pendingMask(process))}\nSigBlk:\t${hex(0n)}\n`,
    `SigIgn:\t${hex(signalMask(process, "ignore"))}\nSigCgt:\t${hex(signalMask(process, "caught"))}\n`,
    `CapInh:\t${hex(credentials.inheritable)}\nCapPrm:\t${hex(credentials.permitted)}\n`,
    `CapEff:\t${hex(credentials.effective)}\nCapBnd:\t${hex(credentials.bounding)}\n`,
    `CapAmb:\t${hex(credentials.ambient)}\nNoNewPrivs:\t${credentials.noNewPrivs ? 1 : 0}\n`,
    `Seccomp:\t${process.seccomp.length > 0 ? 2 : 0}\nSeccomp_filters:\t${process.seccomp.length}\n`,
    cpuLines(process),
    "voluntary_ctxt_switches:\t0\nnonvoluntary_ctxt_switches:\t0\n",
  ].join("");
}

/** tty_nr of stat: major and minor of the controlling terminal. */
function ttyNumber(process: Process): number {
  const inode = process.tty?.inode;
  return inode === undefined ? 0 : (inode.major << 8) | (inode.minor & 0xff);
}

export function statText(subject: ProcSubject, viewer: Process): string {
  const { process } = subject;
  const ticks = Number(process.cpuNs / 10_000_000n);
  const size = process.state === "alive" ? process.memoryBytes + textBytes : 0;
  const exit = process.exitStatus;
  const code = exit === undefined ? 0 : exit.kind === "exited" ? exit.code << 8 : exit.signal;
  const numbers = [
    shownPid(subject, process.parent),
    shownGroup(subject, process.processGroup),
    shownGroup(subject, process.session),
    ttyNumber(process),
    -1,
    4194304,
    ...[0, 0, 0, 0, ticks, 0, 0, 0, 20, 0, 1, 0],
    process.startTime,
    size,
    Math.floor(size / pageBytes),
    "18446744073709551615",
    ...[0, 0, 0, 0, 0, 0, 0],
    Number(signalMask(process, "ignore") & 0x7fffffffn),
    Number(signalMask(process, "caught") & 0x7fffffffn),
    ...[0, 0, 0, process.exitSignal, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    code,
  ];
  const pid = shownPid(subject, process);
  return `${pid} (${process.comm}) ${stateLetter(process, viewer)} ${numbers.join(" ")}\n`;
}

export function statmText({ process }: ProcSubject): string {
  if (process.state !== "alive") return "0 0 0 0 0 0 0\n";
  const pages = Math.ceil((process.memoryBytes + textBytes) / pageBytes);
  const data = Math.ceil(process.memoryBytes / pageBytes);
  return `${pages} ${pages} ${textBytes / pageBytes} 5 0 ${data} 0\n`;
}

const limitRows: readonly (readonly [label: string, type: RlimitType, unit: string])[] = [
  ["Max cpu time", "cpu", "seconds"],
  ["Max file size", "fsize", "bytes"],
  ["Max data size", "data", "bytes"],
  ["Max stack size", "stack", "bytes"],
  ["Max core file size", "core", "bytes"],
  ["Max resident set", "rss", "bytes"],
  ["Max processes", "nproc", "processes"],
  ["Max open files", "nofile", "files"],
  ["Max locked memory", "memlock", "bytes"],
  ["Max address space", "as", "bytes"],
  ["Max file locks", "locks", "locks"],
  ["Max pending signals", "sigpending", "signals"],
  ["Max msgqueue size", "msgqueue", "bytes"],
  ["Max nice priority", "nice", ""],
  ["Max realtime priority", "rtprio", ""],
  ["Max realtime timeout", "rttime", "us"],
];

export function limitsText({ process }: ProcSubject): string {
  const shown = (value: number) => (value === -1 ? "unlimited" : `${value}`).padEnd(20);
  const line = (label: string, { soft, hard }: Rlimit, unit: string) =>
    `${label.padEnd(25)} ${shown(soft)} ${shown(hard)} ${unit.padEnd(10)}\n`;
  const head = `${"Limit".padEnd(25)} ${"Soft Limit".padEnd(20)} ${"Hard Limit".padEnd(20)} ${"Units".padEnd(10)}\n`;
  return (
    head + limitRows.map(([label, type, unit]) => line(label, process.rlimits[type], unit)).join("")
  );
}
