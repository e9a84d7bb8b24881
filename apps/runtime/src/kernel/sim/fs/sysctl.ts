/** Sysctls: where each is kept, what it may be set to, and by whom (proc_sys(5), namespaces(7)). */
import { writtenInteger } from "../cgroup/written-value.ts";
import type { IpcNamespace } from "../namespace.ts";
import type { Process } from "../process/process.ts";
import { refuse } from "../refusal.ts";
import { fromHostId, toHostId, type UserNamespace } from "../user/user-namespace.ts";
import type { Owner } from "./pseudo-entry.ts";
import {
  deviceValues4,
  deviceValues6,
  ipcValues,
  machineValues,
  netValues,
} from "./sysctl-values.ts";

export type SysctlScope = "machine" | "net" | "ipc" | "uts";

export interface Sysctl {
  /** With dots: "net.ipv4.ip_forward". */
  readonly key: string;
  readonly mode: number;
  readonly scope: SysctlScope;
  /** Words of the first value; with `text` made when read. */
  readonly initial: readonly string[];
  readonly numeric: boolean;
  readonly text?: (viewer: Process) => string;
  readonly set?: (value: string, writer: Process) => void;
}

const ipcStores = new WeakMap<IpcNamespace, Map<string, string>>();

/** Sysctls of an IPC namespace that somebody has set. */
export function ipcSysctls(namespace: IpcNamespace): Map<string, string> {
  let store = ipcStores.get(namespace);
  if (store === undefined) {
    store = new Map();
    ipcStores.set(namespace, store);
  }
  return store;
}

function storeOf(scope: SysctlScope, viewer: Process): Map<string, string> {
  if (scope === "net") return viewer.namespaces.net.network.sysctls;
  return scope === "ipc" ? ipcSysctls(viewer.namespaces.ipc) : viewer.machine.sysctls;
}

/** What the name stands for in the eyes of `viewer`: the same file for all who share it. */
export function sysctlIdentity(scope: SysctlScope, viewer: Process): unknown {
  const { net, ipc, uts } = viewer.namespaces;
  if (scope === "net") return net.network;
  if (scope === "ipc") return ipc;
  return scope === "uts" ? uts : viewer.machine;
}

function rootOf(namespace: UserNamespace): Owner {
  return { uid: toHostId(namespace, "uid", 0) ?? 0, gid: toHostId(namespace, "gid", 0) ?? 0 };
}

/** net and ipc sysctls belong to root of the user namespace that owns them, all others to the host's. */
export function sysctlOwner(scope: SysctlScope, viewer: Process): Owner {
  if (scope === "net") return rootOf(viewer.namespaces.net.owner);
  if (scope === "ipc") return rootOf(viewer.namespaces.ipc.owner);
  return { uid: 0, gid: 0 };
}

/** Capabilities do not help here: who is not that root only reads (test_perm() of fs/proc/proc_sysctl.c). */
export function checkSysctlWriter(scope: SysctlScope, writer: Process): void {
  if (writer.credentials.euid !== sysctlOwner(scope, writer).uid) refuse("EACCES");
}

function parse(values: string, scope: SysctlScope, prefix = ""): readonly Sysctl[] {
  return values
    .trim()
    .split("\n")
    .map((line) => {
      const [named = "", ...initial] = line.split(" ");
      const [name = "", mode = "644"] = named.split(":");
      const numeric = initial.length > 0 && initial.every((word) => /^-?\d+$/.test(word));
      return { key: prefix + name, mode: Number.parseInt(mode, 8), scope, initial, numeric };
    });
}

function uuid(words: readonly number[]): string {
  const hex = words.map((word) => word.toString(16).padStart(8, "0")).join("");
  const variant = ((Number.parseInt(hex[16] ?? "0", 16) & 3) | 8).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** The same for a seed, whoever has drawn random numbers before. */
export function bootId(seed: number): string {
  const words = [1, 2, 3, 4].map((round) => {
    const mixed = Math.imul(seed ^ (round * 0x9e3779b9), 0x85ebca6b);
    return (Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35) ^ (mixed >>> 16)) >>> 0;
  });
  return uuid(words);
}

function made(key: string, text: (viewer: Process) => string, mode = 0o444): Sysctl {
  return { key, mode, scope: "machine", initial: [], numeric: false, text };
}

function ofUts(name: "hostname" | "domainname"): Sysctl {
  return {
    key: `kernel.${name}`,
    mode: 0o644,
    scope: "uts",
    initial: [],
    numeric: false,
    text: (viewer) => viewer.namespaces.uts[name],
    set: (value, writer) => {
      writer.namespaces.uts[name] = value.slice(0, 64);
    },
  };
}

/** A group the writer's namespace has no id for cannot be let in: EINVAL. Kept as host ids. */
const pingGroupRange: Sysctl = {
  key: "net.ipv4.ping_group_range",
  mode: 0o644,
  scope: "net",
  initial: ["1", "0"],
  numeric: true,
  text: (viewer) => {
    const kept = viewer.namespaces.net.network.sysctls.get("net.ipv4.ping_group_range") ?? "1\t0";
    const { userNamespace } = viewer.credentials;
    const [low = 1, high = 0] = kept.split(/\s+/).map(Number);
    if (low > high) return "1\t0";
    const shown = [low, high].map((id) => fromHostId(userNamespace, "gid", id) ?? 65534);
    return shown.join("\t");
  },
  set: (value, writer) => {
    const words = value.split(/\s+/).map(writtenInteger);
    const [low = 0, high = 0] = words;
    if (words.length !== 2 || words.some((id) => id < 0)) refuse("EINVAL");
    const { userNamespace } = writer.credentials;
    const hosts = [low, high].map((id) => toHostId(userNamespace, "gid", id) ?? refuse("EINVAL"));
    const range = low > high ? "1\t0" : hosts.join("\t");
    writer.namespaces.net.network.sysctls.set("net.ipv4.ping_group_range", range);
  },
};

const computed: readonly Sysctl[] = [
  ofUts("hostname"),
  ofUts("domainname"),
  pingGroupRange,
  made("kernel.osrelease", ({ machine }) => machine.options.release),
  made("kernel.random.boot_id", ({ machine }) => bootId(machine.options.seed)),
  made("kernel.random.uuid", ({ machine }) => uuid([0, 0, 0, 0].map(() => machine.random()))),
  made("kernel.pty.nr", () => "0"),
  {
    ...made("kernel.ns_last_pid", ({ namespaces }) => `${namespaces.pid.lastPid}`, 0o666),
    set: (value, { namespaces }) => {
      namespaces.pid.lastPid = writtenInteger(value);
    },
  },
];

export const deviceSysctls: Readonly<Record<"ipv4" | "ipv6", readonly Sysctl[]>> = {
  ipv4: parse(deviceValues4, "net"),
  ipv6: parse(deviceValues6, "net"),
};

/** Every sysctl with a fixed name, by key. */
export const sysctls: ReadonlyMap<string, Sysctl> = new Map(
  [
    ...parse(netValues, "net"),
    ...parse(ipcValues, "ipc"),
    ...parse(machineValues, "machine"),
    ...computed,
  ].map((one) => [one.key, one]),
);

const ranges: ReadonlyMap<string, readonly [number, number]> = new Map([
  ["net.ipv4.ip_unprivileged_port_start", [0, 65535]],
  ["net.ipv4.ip_default_ttl", [1, 255]],
  ["net.ipv4.ip_local_port_range", [1, 65535]],
  ["net.core.somaxconn", [0, 0x7fffffff]],
  ["kernel.shm_rmid_forced", [0, 1]],
  ["kernel.msgmax", [0, 0x7fffffff]],
  ["kernel.msgmnb", [0, 0x7fffffff]],
  ["kernel.shmmni", [0, 32768]],
  ["kernel.msgmni", [0, 32768]],
  ["kernel.pid_max", [301, 4194304]],
  ["kernel.randomize_va_space", [0, 2]],
  ["fs.mqueue.msg_max", [1, 65536]],
  ["fs.mqueue.msg_default", [1, 65536]],
  ["fs.mqueue.msgsize_max", [128, 16777216]],
  ["fs.mqueue.msgsize_default", [128, 16777216]],
  ["fs.protected_hardlinks", [0, 1]],
  ["fs.protected_symlinks", [0, 1]],
  ["fs.protected_fifos", [0, 2]],
  ["fs.protected_regular", [0, 2]],
  ["vm.overcommit_memory", [0, 2]],
  ["vm.panic_on_oom", [0, 2]],
  ["vm.swappiness", [0, 200]],
]);

/** Those that are unsigned long and not int. */
const long = new Set(["kernel.shmmax", "kernel.shmall", "fs.file-max"]);

/** Value as the file shows it, without the line break: numbers with tabs between. */
export function readSysctl(sysctl: Sysctl, viewer: Process, key = sysctl.key): string {
  if (sysctl.text !== undefined) return sysctl.text(viewer);
  const kept = storeOf(sysctl.scope, viewer).get(key);
  return kept ?? sysctl.initial.join(sysctl.numeric ? "\t" : " ");
}

/** EINVAL for what is no number, out of range, or too much. Numbers before a wrong one are taken, as on Linux. */
export function writeSysctl(
  sysctl: Sysctl,
  written: string,
  writer: Process,
  key = sysctl.key,
): void {
  const value = written.trim();
  if (sysctl.set !== undefined) {
    sysctl.set(value, writer);
    return;
  }
  const store = storeOf(sysctl.scope, writer);
  if (!sysctl.numeric) {
    store.set(key, value);
    return;
  }
  const words = readSysctl(sysctl, writer, key).split("\t");
  const given = value === "" ? [] : value.split(/\s+/);
  if (given.length > words.length || given.length === 0) refuse("EINVAL");
  given.forEach((word, index) => {
    words[index] = checked(sysctl.key, word);
    store.set(key, words.join("\t"));
  });
}

function checked(key: string, word: string): string {
  if (long.has(key)) {
    if (!/^\d{1,20}$/.test(word) || BigInt(word) > 0xffff_ffff_ffff_ffffn) refuse("EINVAL");
    return BigInt(word).toString();
  }
  const value = writtenInteger(word);
  const [low, high] = ranges.get(key) ?? [-0x8000_0000, 0xffff_ffff];
  return value < low || value > high ? refuse("EINVAL") : `${value}`;
}
