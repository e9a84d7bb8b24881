/** /proc/self/mountinfo, as far as mount propagation needs it (proc(5), mount_namespaces(7)). */

export interface MountTableEntry {
  readonly mountPoint: string;
  /** Peer group it shares events with, 0 for none. */
  readonly sharedGroup: number;
  /** Peer group it receives events from, 0 for none. */
  readonly masterGroup: number;
}

export function parseMountTable(text: string): readonly MountTableEntry[] {
  const entries = [];
  for (const line of text.split("\n")) {
    const fields = line.split(" ");
    const mountPoint = fields[4];
    const end = fields.indexOf("-");
    if (mountPoint === undefined || end < 6) continue;
    const tags = fields.slice(6, end);
    entries.push({
      mountPoint: unescapeOctal(mountPoint),
      sharedGroup: tagValue(tags, "shared:"),
      masterGroup: tagValue(tags, "master:"),
    });
  }
  return entries;
}

/** The mount that `path` lies on: the longest mount point, and of several there the topmost. */
export function mountOf(
  table: readonly MountTableEntry[],
  path: string,
): MountTableEntry | undefined {
  let best: MountTableEntry | undefined;
  for (const entry of table) {
    const prefix = entry.mountPoint === "/" ? "/" : `${entry.mountPoint}/`;
    if (path !== entry.mountPoint && !path.startsWith(prefix)) continue;
    if (best === undefined || entry.mountPoint.length >= best.mountPoint.length) best = entry;
  }
  return best;
}

function tagValue(tags: readonly string[], prefix: string): number {
  const tag = tags.find((one) => one.startsWith(prefix));
  return tag === undefined ? 0 : Number(tag.slice(prefix.length));
}

function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}
