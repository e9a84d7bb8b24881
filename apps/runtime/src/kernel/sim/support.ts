/** The support table: what of Linux the model has, what in part, and what it has not. docs/simulator-support.md is made of it. */
import { support as cgroups } from "./cgroup/support.ts";
import { support as pseudoFileSystems } from "./fs/support.ts";
import { support as network } from "./net/support.ts";
import { support as plans } from "./plan/support.ts";
import { support as processes } from "./process/support.ts";
import { support as programs } from "./program/support.ts";
import { support as seccomp } from "./seccomp/support.ts";
import { support as shim } from "./shim/support.ts";
import { support as userNamespaces } from "./user/support.ts";
import { support as mounts } from "./vfs/mount-support.ts";
import { support as files } from "./vfs/support.ts";
import { support as world } from "./world/support.ts";

export interface SupportRow {
  /** "mounts", "processes", "user namespaces", "cgroups", "network", "seccomp", "files", "programs". */
  readonly area: string;
  readonly feature: string;
  readonly level: "full" | "partial" | "none";
  /** What differs, or what a caller meets instead: an errno. Empty for "full" when there is nothing to add. */
  readonly note: string;
}

/** Every row of every area, in the order in which a reader meets them. */
export const supportTable: readonly SupportRow[] = [
  ...processes,
  ...userNamespaces,
  ...files,
  ...mounts,
  ...pseudoFileSystems,
  ...cgroups,
  ...network,
  ...seccomp,
  ...programs,
  ...plans,
  ...shim,
  ...world,
];
