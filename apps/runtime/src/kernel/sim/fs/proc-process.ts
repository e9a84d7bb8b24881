/** /proc/PID: the files of one process (proc(5)). */
import type { IdMapping } from "../../op.ts";
import { cgroupText } from "../cgroup/namespace.ts";
import { oomScore } from "../cgroup/oom.ts";
import { writtenInteger } from "../cgroup/written-value.ts";
import type { Process } from "../process/process.ts";
import { refuse } from "../refusal.ts";
import { capableIn } from "../user/capable.ts";
import { fromHostId, toHostId, type UserNamespace } from "../user/user-namespace.ts";
import { writeIdMap, writeSetgroups } from "../user/write-id-map.ts";
import { mountinfoText, mountsText } from "./mount-table.ts";
import { attributeDirectory } from "./proc-attributes.ts";
import { FdDirectory, NamespaceDirectory, placeLink } from "./proc-links.ts";
import { netDirectory } from "./proc-net.ts";
import { limitsText, statmText, statText, statusText } from "./proc-status.ts";
import { ownerOf, type ProcSubject } from "./proc-subject.ts";
import { type FileRow, type Owner, type PseudoEntry, RowEntry } from "./pseudo-entry.ts";
import { checkInspect } from "./ptrace-access.ts";

const nul = "\0";

/** Only for those who may inspect the process. */
function inspected(text: (process: Process) => string): FileRow<ProcSubject> {
  return {
    mode: 0o400,
    text: ({ process }) => (process.state === "alive" ? text(process) : ""),
    open: ({ process }, opener) => checkInspect(opener, process),
  };
}

function shown(
  text: (process: Process, viewer: Process) => string,
  write?: (process: Process, text: string, writer: Process) => void,
): FileRow<ProcSubject> {
  const row = {
    mode: write === undefined ? 0o444 : 0o644,
    text: ({ process }: ProcSubject, viewer: Process) => text(process, viewer),
  };
  if (write === undefined) return row;
  return { ...row, write: ({ process }, written, writer) => write(process, written, writer) };
}

const cmdline = shown((process) =>
  process.state === "alive" ? process.argv.map((word) => word + nul).join("") : "",
);

/** prctl(PR_SET_NAME) by path: only of oneself. */
function setComm(process: Process, text: string, writer: Process): void {
  if (process !== writer) refuse("EINVAL");
  process.comm = text.replace(/\n.*$/s, "").slice(0, 15);
}

/** Lowering below what a capable process set last needs CAP_SYS_RESOURCE on the host: EACCES. */
function setOomScoreAdj(process: Process, text: string, writer: Process): void {
  const value = writtenInteger(text);
  if (value < -1000 || value > 1000) refuse("EINVAL");
  const { initUserNamespace } = process.machine;
  const capable = capableIn(writer.credentials, initUserNamespace, "CAP_SYS_RESOURCE");
  if (value < process.oomScoreAdjMin && !capable) refuse("EACCES");
  process.oomScoreAdj = value;
  if (capable) process.oomScoreAdjMin = value;
}

/** Lower ids are the reader's namespace's; from inside the namespace its parent's. */
function idMapText(kind: "uid" | "gid"): (process: Process, viewer: Process) => string {
  return (process, viewer) => {
    const own = process.credentials.userNamespace;
    const reader = viewer.credentials.userNamespace;
    const lower = reader === own ? (own.parent ?? own) : reader;
    const map = kind === "uid" ? own.uidMap : own.gidMap;
    return map.map((extent) => extentText(own, lower, kind, extent)).join("");
  };
}

function extentText(
  own: UserNamespace,
  lower: UserNamespace,
  kind: "uid" | "gid",
  { containerId, hostId, size }: IdMapping,
): string {
  const host = own.parent === undefined ? hostId : toHostId(own.parent, kind, hostId);
  const low = host === undefined ? undefined : fromHostId(lower, kind, host);
  const numbers = [containerId, low ?? 0xffff_ffff, size];
  return `${numbers.map((number) => `${number}`.padStart(10)).join(" ")}\n`;
}

function idMapRow(kind: "uid" | "gid"): FileRow<ProcSubject> {
  return shown(idMapText(kind), (process, text, writer) =>
    writeIdMap(writer, process.credentials.userNamespace, kind, text),
  );
}

const rows = new Map<string, FileRow<ProcSubject>>([
  ["cgroup", shown(cgroupText)],
  ["cmdline", cmdline],
  ["comm", shown((process) => `${process.comm}\n`, setComm)],
  ["cwd", placeLink((process) => process.cwd)],
  ["environ", inspected((process) => process.env.map((word) => word + nul).join(""))],
  ["exe", placeLink((process) => process.executable)],
  ["gid_map", idMapRow("gid")],
  ["limits", { mode: 0o444, text: limitsText }],
  [
    "loginuid",
    shown(
      () => "4294967295",
      (_process, text) => void writtenInteger(text),
    ),
  ],
  [
    "maps",
    { mode: 0o444, text: () => "", open: (about, opener) => checkInspect(opener, about.process) },
  ],
  ["mountinfo", shown(mountinfoText)],
  ["mounts", shown(mountsText)],
  ["oom_score", shown((process) => `${oomScore(process)}\n`)],
  ["oom_score_adj", shown((process) => `${process.oomScoreAdj}\n`, setOomScoreAdj)],
  ["personality", inspected(() => "00000000\n")],
  ["root", placeLink((process) => process.root)],
  ["sessionid", shown(() => "4294967295")],
  [
    "setgroups",
    shown(
      (process) => `${process.credentials.userNamespace.setgroups}\n`,
      (process, text, writer) => writeSetgroups(writer, process.credentials.userNamespace, text),
    ),
  ],
  ["stat", { mode: 0o444, text: statText }],
  ["statm", { mode: 0o444, text: statmText }],
  ["status", { mode: 0o444, text: statusText }],
  ["uid_map", idMapRow("uid")],
  ["wchan", shown(() => "0")],
]);

const directories = new Map<string, (process: Process) => PseudoEntry>([
  ["attr", attributeDirectory],
  ["fd", (process) => new FdDirectory(process, "fd")],
  ["fdinfo", (process) => new FdDirectory(process, "fdinfo")],
  ["net", netDirectory],
  ["ns", (process) => new NamespaceDirectory(process)],
]);

const threadNames = [...rows.keys(), ...directories.keys()].sort();
const processNames = [...threadNames, "task"].sort();

/** /proc/PID, or /proc/PID/task/PID, which is the same but for "task": processes have one thread. */
export class ProcessDirectory implements PseudoEntry {
  readonly type = "directory" as const;
  readonly mode = 0o555;
  readonly subject: Process;
  readonly directories: number;
  readonly #about: ProcSubject;
  readonly #thread: boolean;

  constructor(about: ProcSubject, thread = false) {
    this.#about = about;
    this.#thread = thread;
    this.subject = about.process;
    this.directories = directories.size + (thread ? 0 : 1);
  }

  owner(): Owner {
    const { euid, egid } = this.subject.credentials;
    return { uid: euid, gid: egid };
  }

  child(name: string): PseudoEntry | undefined {
    const process = this.subject;
    if (process.state === "dead") return undefined;
    const row = rows.get(name);
    if (row !== undefined) return new RowEntry(row, this.#about, ownerOf(process), process);
    const make = directories.get(name);
    if (make !== undefined) return make(process);
    return name === "task" && !this.#thread ? new TaskDirectory(this.#about) : undefined;
  }

  names(): readonly string[] {
    return this.#thread ? threadNames : processNames;
  }
}

class TaskDirectory implements PseudoEntry {
  readonly type = "directory" as const;
  readonly mode = 0o555;
  readonly subject: Process;
  readonly #about: ProcSubject;

  constructor(about: ProcSubject) {
    this.#about = about;
    this.subject = about.process;
  }

  owner(): Owner {
    return ownerOf(this.subject);
  }

  child(name: string): PseudoEntry | undefined {
    return this.names()[0] === name ? new ProcessDirectory(this.#about, true) : undefined;
  }

  names(): readonly string[] {
    const { process, namespace } = this.#about;
    const pid = process.pidIn(namespace);
    return pid === undefined ? [] : [`${pid}`];
  }
}
