/** For tests: processes in mount namespaces of a small machine, and its mount tables as text. */
import { mountinfoText } from "../fs/mount-table.ts";
import type { Process } from "../process/process.ts";
import { mount } from "../syscall/mount.ts";
import { clone3 } from "../syscall/process.ts";
import { WaitQueue } from "../task.ts";
import { type FileBed, fileBed } from "./file-bed.ts";

export interface MountBed extends FileBed {
  /** A child of `parent` in a new mount namespace, in a new user namespace too when `lesser`. */
  readonly child: (parent: Process, lesser?: boolean) => Process;
}

export function mountBed(): MountBed {
  const bed = fileBed();
  const never = new WaitQueue();
  const child = (parent: Process, lesser = false): Process => {
    const made = clone3(parent, {
      namespaces: lesser ? ["mnt", "user"] : ["mnt"],
      body: function* () {
        for (;;) yield { on: [never] };
      },
    });
    if (lesser) {
      const { userNamespace } = made.credentials;
      const map = [{ containerId: 0, hostId: 100_000, size: 65_536 }];
      userNamespace.uidMap = map;
      userNamespace.gidMap = map;
    }
    bed.machine.scheduler.settle();
    return made;
  };
  return { ...bed, child };
}

/** mount(2) with nothing but a target and flags: propagation, remounts. */
export function mountFlags(process: Process, target: string, flags: number): void {
  mount(process, "", target, "", flags, "");
}

interface Row {
  readonly id: string;
  readonly parent: string;
  readonly root: string;
  readonly at: string;
  readonly text: string;
}

function rowsOf(process: Process): readonly Row[] {
  const rows: Row[] = [];
  for (const line of mountinfoText(process, process).split("\n")) {
    if (line === "") continue;
    const [id = "", parent = "", , root = "", at = "", attributes = "", ...rest] = line.split(" ");
    const dash = rest.indexOf("-");
    const type = rest.slice(dash + 1, dash + 3).join(" ");
    // The root itself may be of any type.
    const shown = type.startsWith("ext4") ? "root" : type;
    const propagation = rest.slice(0, dash).join(" ");
    rows.push({
      id,
      parent,
      root,
      at,
      text: `${at} ${root} ${attributes} ${shown} ${propagation}`,
    });
  }
  return rows;
}

/** A process's mounts as a tree, one step in for each mount below; peer groups by number of appearance in `groups`. */
export function mountTable(process: Process, groups = new Map<string, number>()): string[] {
  const rows = rowsOf(process);
  const ids = new Set(rows.map(({ id }) => id));
  const table: string[] = [];
  const number = (id: string): number => {
    if (!groups.has(id)) groups.set(id, groups.size + 1);
    return groups.get(id) as number;
  };
  const show = (row: Row, depth: number): void => {
    const text = row.text.replace(/(\w+):(\d+)/g, (_all, kind, id) => `${kind}:${number(id)}`);
    table.push(" ".repeat(depth) + text);
    const below = rows.filter(({ id, parent }) => parent === row.id && id !== row.id);
    below.sort((a, b) => (`${a.at} ${a.root}` < `${b.at} ${b.root}` ? -1 : 1));
    for (const child of below) show(child, depth + 1);
  };
  for (const row of rows) if (!ids.has(row.parent) || row.parent === row.id) show(row, 0);
  return table;
}
