/**
 * What a name in a generated directory stands for. A directory makes such an object each time it is asked;
 * `pseudo-file-system.ts` gives it one dentry for as long as anybody holds that.
 */
import type { Process } from "../process/process.ts";
import type { FileType } from "../vfs/inode.ts";
import type { PathPoint } from "../vfs/mount.ts";
import type { OpenFile } from "../vfs/open-file.ts";

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

export interface PseudoEntry {
  readonly type: FileType;
  readonly mode: number;
  /** What it is about: the same name with another subject (a pid used again) is another file. */
  readonly subject: unknown;
  readonly major?: number;
  readonly minor?: number;
  /** Host ids; root when missing. Asked again at each lookup. */
  owner?(viewer: Process): Owner;

  /** Content, made for who reads it. Missing: reading is EINVAL. */
  readonly text?: ((viewer: Process) => string) | undefined;
  /** One write(2), whole. Missing: writing is EINVAL. */
  readonly write?: ((text: string, viewer: Process) => void) | undefined;
  size?(): number;

  child?(name: string, viewer: Process): PseudoEntry | undefined;
  names?(viewer: Process): readonly string[];
  /** Directories in it, for nlink. */
  readonly directories?: number;

  readonly target?: ((viewer: Process) => string) | undefined;
  /** Magic links. */
  readonly jump?: ((viewer: Process) => PathPoint | OpenFile | undefined) | undefined;

  /** See FileSystem.open; refuses what the permission bits do not say. */
  open?(flags: number, opener: Process, point: PathPoint | undefined): OpenFile | undefined;
}

/** A file of a table: what it does, for any subject. */
export interface FileRow<Subject> {
  readonly mode: number;
  readonly type?: FileType;
  readonly text?: (subject: Subject, viewer: Process) => string;
  readonly write?: (subject: Subject, text: string, viewer: Process) => void;
  readonly target?: (subject: Subject, viewer: Process) => string;
  readonly jump?: (subject: Subject, viewer: Process) => PathPoint | OpenFile | undefined;
  readonly open?: (subject: Subject, opener: Process, flags: number) => void;
}

export type FileTable<Subject> = ReadonlyMap<string, FileRow<Subject>>;

const rootOwner: Owner = { uid: 0, gid: 0 };

/** A row of a table, applied to what it is about. `identity`: where that is made anew at each lookup. */
export class RowEntry<Subject> implements PseudoEntry {
  readonly subject: unknown;
  readonly #about: Subject;
  readonly #row: FileRow<Subject>;
  readonly #owner: Owner;

  constructor(
    row: FileRow<Subject>,
    about: Subject,
    owner: Owner = rootOwner,
    identity: unknown = about,
  ) {
    this.#row = row;
    this.#about = about;
    this.#owner = owner;
    this.subject = identity;
  }

  get type(): FileType {
    return this.#row.type ?? "file";
  }
  get mode(): number {
    return this.#row.mode;
  }
  owner(): Owner {
    return this.#owner;
  }
  get text(): PseudoEntry["text"] {
    const { text } = this.#row;
    return text && ((viewer) => text(this.#about, viewer));
  }
  get write(): PseudoEntry["write"] {
    const { write } = this.#row;
    return write && ((text, viewer) => write(this.#about, text, viewer));
  }
  get target(): PseudoEntry["target"] {
    const { target } = this.#row;
    return target && ((viewer) => target(this.#about, viewer));
  }
  get jump(): PseudoEntry["jump"] {
    const { jump } = this.#row;
    return jump && ((viewer) => jump(this.#about, viewer));
  }
  open(flags: number, opener: Process): undefined {
    this.#row.open?.(this.#about, opener, flags);
  }
}

/** A file that is the same for everybody, or depends on the viewer alone. */
export function pseudoFile(
  mode: number,
  text: ((viewer: Process) => string) | undefined,
  write?: (text: string, viewer: Process) => void,
): PseudoEntry {
  const file = { type: "file" as const, mode, subject: undefined };
  return { ...file, ...(text && { text }), ...(write && { write }) };
}

export function pseudoSymlink(target: (viewer: Process) => string): PseudoEntry {
  return { type: "symlink", mode: 0o777, subject: undefined, target };
}

/** A directory with fixed names; `more` adds what comes and goes. */
export function pseudoDirectory(
  fixed: Readonly<Record<string, PseudoEntry>>,
  more?: Pick<Required<PseudoEntry>, "child" | "names">,
  mode = 0o555,
): PseudoEntry {
  const entries = new Map(Object.entries(fixed));
  const names = [...entries.keys()].sort();
  const directories = [...entries.values()].filter((one) => one.type === "directory").length;
  return {
    type: "directory",
    mode,
    subject: entries,
    directories,
    child: (name, viewer) => entries.get(name) ?? more?.child(name, viewer),
    names: (viewer) => (more === undefined ? names : [...names, ...more.names(viewer)].sort()),
  };
}
