/** Magic links of /proc/PID: cwd, root, exe, fd/N, ns/TYPE (proc_pid_fd(5), namespaces(7)). They lead to the thing, not to a name. */
import { O_ACCMODE, O_RDONLY, O_WRONLY } from "../abi.ts";
import type { Namespace } from "../namespace.ts";
import type { Process } from "../process/process.ts";
import { refuse } from "../refusal.ts";
import type { PathPoint } from "../vfs/mount.ts";
import type { OpenFile } from "../vfs/open-file.ts";
import { pathText } from "../vfs/path-text.ts";
import { namespaceLabel, namespacePoint } from "./nsfs.ts";
import type { ProcSubject } from "./proc-subject.ts";
import { ownerOf } from "./proc-subject.ts";
import { type FileRow, type PseudoEntry, RowEntry } from "./pseudo-entry.ts";
import { checkInspect } from "./ptrace-access.ts";

/** A link to a place that a process has; ENOENT once it has ended. */
export function placeLink(
  place: (process: Process) => PathPoint | undefined,
): FileRow<ProcSubject> {
  const point = (process: Process, viewer: Process): PathPoint => {
    checkInspect(viewer, process);
    const found = process.state === "alive" ? place(process) : undefined;
    return found ?? refuse("ENOENT");
  };
  return {
    type: "symlink",
    mode: 0o777,
    target: ({ process }, viewer) => pathText(point(process, viewer), viewer.root),
    jump: ({ process }, viewer) => point(process, viewer),
  };
}

function fdMode({ flags }: OpenFile): number {
  const access = flags & O_ACCMODE;
  return (access === O_WRONLY ? 0 : 0o400) | (access === O_RDONLY ? 0 : 0o200) | 0o100;
}

function fileText(file: OpenFile, viewer: Process): string {
  if (file.namespace !== undefined) return file.label;
  return file.point === undefined ? file.label : pathText(file.point, viewer.root);
}

/** /proc/PID/fd/N: opening it opens the same file anew. */
class FdLink implements PseudoEntry {
  readonly type = "symlink" as const;
  readonly mode: number;
  readonly subject: OpenFile;
  readonly #process: Process;

  constructor(process: Process, file: OpenFile) {
    this.#process = process;
    this.subject = file;
    this.mode = fdMode(file);
  }

  owner() {
    return ownerOf(this.#process);
  }

  readonly target = (viewer: Process): string => {
    checkInspect(viewer, this.#process);
    return fileText(this.subject, viewer);
  };

  readonly jump = (viewer: Process): PathPoint | OpenFile => {
    checkInspect(viewer, this.#process);
    return this.subject.point ?? this.subject;
  };
}

/** pos, flags and mount of an open file (proc_pid_fdinfo(5)). */
function fdinfoText(file: OpenFile): string {
  const mount = file.point?.mount.id ?? 0;
  const inode = file.inode?.number ?? 0;
  return `pos:\t${file.offset}\nflags:\t0${file.flags.toString(8)}\nmnt_id:\t${mount}\nino:\t${inode}\n`;
}

const fdinfoRow: FileRow<OpenFile> = { mode: 0o400, text: fdinfoText };

/** fd and fdinfo: their names are the open fds. Whoever may not inspect the process may not list them. */
export class FdDirectory implements PseudoEntry {
  readonly type = "directory" as const;
  readonly mode: number;
  readonly subject: Process;
  readonly #kind: "fd" | "fdinfo";

  constructor(process: Process, kind: "fd" | "fdinfo") {
    this.subject = process;
    this.#kind = kind;
    this.mode = kind === "fd" ? 0o500 : 0o555;
  }

  owner() {
    return ownerOf(this.subject);
  }

  child(name: string): PseudoEntry | undefined {
    const fd = Number(name);
    const file = String(fd) === name ? this.subject.fds.get(fd) : undefined;
    if (file === undefined) return undefined;
    if (this.#kind === "fd") return new FdLink(this.subject, file);
    return new RowEntry(fdinfoRow, file, ownerOf(this.subject));
  }

  names(): readonly string[] {
    return [...this.subject.fds.keys()].sort((a, b) => a - b).map(String);
  }

  open(_flags: number, opener: Process): undefined {
    checkInspect(opener, this.subject);
  }
}

const namespaceLinks = new Map<string, (process: Process) => Namespace>([
  ["cgroup", (process) => process.namespaces.cgroup],
  ["ipc", (process) => process.namespaces.ipc],
  ["mnt", (process) => process.namespaces.mnt],
  ["net", (process) => process.namespaces.net],
  ["pid", (process) => process.namespaces.pid],
  ["pid_for_children", (process) => process.namespaces.pidForChildren],
  ["time", (process) => process.namespaces.time],
  ["time_for_children", (process) => process.namespaces.timeForChildren ?? process.namespaces.time],
  ["user", (process) => process.credentials.userNamespace],
  ["uts", (process) => process.namespaces.uts],
]);
const namespaceNames = [...namespaceLinks.keys()];

function namespaceRow(get: (process: Process) => Namespace): FileRow<Process> {
  const found = (process: Process, viewer: Process): Namespace => {
    checkInspect(viewer, process);
    if (process.state !== "alive") refuse("ENOENT");
    return get(process);
  };
  return {
    type: "symlink",
    mode: 0o777,
    target: (process, viewer) => namespaceLabel(found(process, viewer)),
    jump: (process, viewer) => namespacePoint(process.machine, found(process, viewer)),
  };
}

const namespaceRows = new Map(
  [...namespaceLinks].map(([name, get]) => [name, namespaceRow(get)] as const),
);

export class NamespaceDirectory implements PseudoEntry {
  readonly type = "directory" as const;
  readonly mode = 0o511;
  readonly subject: Process;

  constructor(process: Process) {
    this.subject = process;
  }

  owner() {
    return ownerOf(this.subject);
  }

  child(name: string): PseudoEntry | undefined {
    const row = namespaceRows.get(name);
    return row === undefined ? undefined : new RowEntry(row, this.subject, ownerOf(this.subject));
  }

  names(): readonly string[] {
    return namespaceNames;
  }
}
