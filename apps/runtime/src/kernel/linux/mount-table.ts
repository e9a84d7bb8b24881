/** /proc/self/mountinfo as rows (proc_pid_mountinfo(5)). */
import { readFileSync } from "node:fs";

export interface MountRow {
  readonly root: string;
  readonly mountPoint: string;
  readonly fstype: string;
  readonly source: string;
  /** Options of the superblock; for cgroup v1 the controllers are among them. */
  readonly superOptions: readonly string[];
}

/** mountinfo writes space, tab, newline and backslash as octal. */
function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
}

/** Parses the text of mountinfo; lines that make no sense are left out. */
export function parseMountInfo(text: string): readonly MountRow[] {
  const rows: MountRow[] = [];
  for (const line of text.split("\n")) {
    const [left, right] = line.split(" - ");
    const fields = left?.split(" ") ?? [];
    const [fstype, source, options] = right?.split(" ") ?? [];
    const [root, mountPoint] = [fields[3], fields[4]];
    if (root === undefined || mountPoint === undefined || fstype === undefined) continue;
    rows.push({
      root: unescapeOctal(root),
      mountPoint: unescapeOctal(mountPoint),
      fstype,
      source: unescapeOctal(source ?? ""),
      superOptions: (options ?? "").split(","),
    });
  }
  return rows;
}

export function mountTable(): readonly MountRow[] {
  return parseMountInfo(readFileSync("/proc/self/mountinfo", "utf8"));
}
