/** procfs: the processes of one pid namespace as that numbers them, and the machine (proc(5)). */
import type { Machine } from "../machine.ts";
import type { PidNamespace } from "../namespace.ts";
import type { Process } from "../process/process.ts";
import { refuse } from "../refusal.ts";
import { capableIn } from "../user/capable.ts";
import type { FileSystem, NewFile } from "../vfs/file-system.ts";
import type { Dentry } from "../vfs/inode.ts";
import { ProcessDirectory } from "./proc-process.ts";
import { sysDirectory } from "./proc-sys.ts";
import { systemFiles } from "./proc-system.ts";
import { type PseudoEntry, pseudoSymlink } from "./pseudo-entry.ts";
import { type PseudoDentry, PseudoFileSystem } from "./pseudo-file-system.ts";

const magic = 0x9fa0;

function pidOf(viewer: Process, namespace: PidNamespace): number {
  return viewer.pidIn(namespace) ?? refuse("ENOENT");
}

/** "1", "42": no sign, no zero in front. */
function writtenPid(name: string): number | undefined {
  const first = name.charCodeAt(0);
  if (first < 49 || first > 57 || name.length > 10) return undefined;
  const pid = Number(name);
  return String(pid) === name ? pid : undefined;
}

/** The root: a directory for each process, self, thread-self, and without subset=pid the machine's files. */
class ProcRoot implements PseudoEntry {
  readonly type = "directory" as const;
  readonly mode = 0o555;
  readonly subject: PidNamespace;
  readonly #files: ReadonlyMap<string, PseudoEntry>;

  constructor(namespace: PidNamespace, pidsOnly: boolean) {
    this.subject = namespace;
    this.#files = pidsOnly ? withoutSystem : withSystem;
  }

  get directories(): number {
    return this.subject.processes.size;
  }

  child(name: string): PseudoEntry | undefined {
    const pid = writtenPid(name);
    const namespace = this.subject;
    if (pid !== undefined) {
      const process = namespace.processes.get(pid);
      return process === undefined ? undefined : new ProcessDirectory({ process, namespace });
    }
    if (name === "self") return pseudoSymlink((reader) => `${pidOf(reader, namespace)}`);
    if (name !== "thread-self") return this.#files.get(name);
    return pseudoSymlink((reader) => {
      const own = pidOf(reader, namespace);
      return `${own}/task/${own}`;
    });
  }

  names(): readonly string[] {
    const pids = [...this.subject.processes.keys()].map(String);
    return [...pids, ...this.#files.keys(), "self", "thread-self"].sort();
  }
}

const withSystem: ReadonlyMap<string, PseudoEntry> = new Map(Object.entries(systemFiles));
const withoutSystem: ReadonlyMap<string, PseudoEntry> = new Map();

export class ProcFileSystem extends PseudoFileSystem {
  readonly namespace: PidNamespace;

  constructor(
    machine: Machine,
    mounter: Process,
    source: string,
    options: string,
    pidsOnly: boolean,
  ) {
    const namespace = mounter.namespaces.pid;
    const kind = { type: "proc", source, options, magic, userNamespace: namespace.owner };
    super(machine, kind, new ProcRoot(namespace, pidsOnly), mounter);
    this.namespace = namespace;
  }

  /** A missing name is ENOENT even for who wants to make it: lookup says so before anybody asks about creating. */
  override create(_directory: Dentry, _name: string, _file: NewFile, _viewer: Process): Dentry {
    return refuse("ENOENT");
  }

  override setAttributes(
    entry: Dentry,
    change: { readonly mode?: number; readonly uid?: number; readonly gid?: number },
  ): void {
    if (isOfProcessOrSysctl(entry as PseudoDentry)) refuse("EPERM");
    super.setAttributes(entry, change);
  }
}

/** Modes and owners of these follow from the process and cannot be set. */
function isOfProcessOrSysctl(entry: PseudoDentry): boolean {
  for (let at: Dentry | undefined = entry; at !== undefined; at = at.parent) {
    const { entry: here } = at as PseudoDentry;
    if (here instanceof ProcessDirectory || here === sysDirectory) return true;
  }
  return false;
}

/** hidepid and gid are taken and have no effect; subset=pid leaves only the processes. EPERM, EINVAL. */
export function mountProc(
  machine: Machine,
  mounter: Process,
  source: string,
  options: ReadonlyMap<string, string>,
): FileSystem {
  const { owner } = mounter.namespaces.pid;
  if (!capableIn(mounter.credentials, owner, "CAP_SYS_ADMIN")) refuse("EPERM");
  for (const [name, value] of options) {
    const known = name === "hidepid" || name === "gid" || (name === "subset" && value === "pid");
    if (!known) refuse("EINVAL");
  }
  const shown = [...options].map(([name, value]) => `${name}=${value}`).join(",");
  return new ProcFileSystem(machine, mounter, source, shown, options.get("subset") === "pid");
}
