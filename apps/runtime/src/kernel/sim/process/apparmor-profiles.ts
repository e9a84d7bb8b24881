/** Profiles a host has loaded: what container runtimes give their containers by default. */

export interface FileRule {
  /** Glob of apparmor.d(5): `*` within a directory, `**` across, `?`, `[...]`, `{a,b}`. */
  readonly path: string;
  /** Letters: r read, w write, a append, x execute, l link, k lock, m map. */
  readonly access: string;
  readonly deny?: boolean;
}

export interface ApparmorProfile {
  readonly name: string;
  readonly files: readonly FileRule[];
  /** What else is allowed. */
  readonly operations: readonly ("mount" | "umount" | "pivotRoot")[];
}

const everything = "rwaxlkm";

/** The rules of the template that Docker and containerd share (profiles/apparmor/template.go). */
const containerRules: readonly FileRule[] = [
  { path: "/**", access: everything },
  { path: "/", access: everything },
  { path: "/proc/*", access: "wkl", deny: true },
  {
    path: "/proc/{[^1-9],[^1-9][^0-9],[^1-9s][^0-9y][^0-9s],[^1-9][^0-9][^0-9][^0-9]*}/**",
    access: "wkl",
    deny: true,
  },
  { path: "/proc/sys/[^k]**", access: "wkl", deny: true },
  { path: "/proc/sys/kernel/{?,??,[^s][^h][^m]**}", access: "wkl", deny: true },
  { path: "/proc/sysrq-trigger", access: "rwklx", deny: true },
  { path: "/proc/kcore", access: "rwklx", deny: true },
  { path: "/sys/[^f]*/**", access: "wklx", deny: true },
  { path: "/sys/f[^s]*/**", access: "wklx", deny: true },
  { path: "/sys/fs/[^c]*/**", access: "wklx", deny: true },
  { path: "/sys/fs/c[^g]*/**", access: "wklx", deny: true },
  { path: "/sys/fs/cg[^r]*/**", access: "wklx", deny: true },
  { path: "/sys/firmware/**", access: "rwklx", deny: true },
  { path: "/sys/devices/virtual/powercap/**", access: "rwklx", deny: true },
  { path: "/sys/kernel/security/**", access: "rwklx", deny: true },
];

function containerProfile(name: string): ApparmorProfile {
  // "deny mount"; umount stays allowed.
  return { name, files: containerRules, operations: ["umount"] };
}

/** Loaded at boot. */
export const hostProfiles: readonly ApparmorProfile[] = [
  containerProfile("cri-containerd.apparmor.d"),
  containerProfile("docker-default"),
  containerProfile("vitrine-default"),
];
