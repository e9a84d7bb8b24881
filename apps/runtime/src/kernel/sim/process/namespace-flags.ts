/** CLONE_NEW* bits, as clone(2), unshare(2) and setns(2) take them and seccomp filters see them. */
import type { NamespaceType } from "../../op.ts";

const flags: Readonly<Record<NamespaceType, number>> = {
  time: 0x0000_0080,
  mnt: 0x0002_0000,
  cgroup: 0x0200_0000,
  uts: 0x0400_0000,
  ipc: 0x0800_0000,
  user: 0x1000_0000,
  pid: 0x2000_0000,
  net: 0x4000_0000,
};

export function namespaceFlags(types: readonly NamespaceType[]): number {
  let set = 0;
  for (const type of types) set += flags[type];
  return set;
}
