/** The support table: what of Linux the model has, what in part, and what it has not. docs/simulator-support.md is made of it. */

export interface SupportRow {
  /** "mounts", "processes", "user namespaces", "cgroups", "network", "seccomp", "files", "programs". */
  readonly area: string;
  readonly feature: string;
  readonly level: "full" | "partial" | "none";
  /** What differs, or what a caller meets instead: an errno. Empty for "full" when there is nothing to add. */
  readonly note: string;
}
