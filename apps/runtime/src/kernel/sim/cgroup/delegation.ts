/** Whether somebody may write to cgroup.procs of a node: the owner of the file, as a chown may have changed it (cgroups(7), delegation). */
import type { Process } from "../process/process.ts";
import { capableIn } from "../user/capable.ts";
import { fromHostId } from "../user/user-namespace.ts";
import type { CgroupNode } from "./hierarchy.ts";

interface FileOwner {
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
}

/** Owners that chown or chmod has set; told by the file system. */
const changed = new WeakMap<CgroupNode, FileOwner>();

export function noteProcsOwner(node: CgroupNode, owner: FileOwner): void {
  changed.set(node, owner);
}

export function mayWriteProcs(node: CgroupNode, writer: Process): boolean {
  const { uid, gid, mode } = changed.get(node) ?? { uid: node.uid, gid: node.gid, mode: 0o644 };
  const { fsuid, fsgid, groups, userNamespace } = writer.credentials;
  const shift = fsuid === uid ? 6 : fsgid === gid || groups.includes(gid) ? 3 : 0;
  if (((mode >> shift) & 2) !== 0) return true;
  return (
    fromHostId(userNamespace, "uid", uid) !== undefined &&
    capableIn(writer.credentials, userNamespace, "CAP_DAC_OVERRIDE")
  );
}
