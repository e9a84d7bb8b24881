/** Short forms of the ops that cases use most. "~" in a path is the case's directory. */
import type {
  MountAttr,
  NamespaceType,
  Op,
  OpenFlag,
  Propagation,
} from "../../apps/runtime/src/kernel/index.ts";

type At = { readonly at?: string };

export const mkdir = (
  path: string,
  mode = 0o755,
  owner: At & { uid?: number; gid?: number } = {},
): Op => ({
  op: "mkdir",
  path,
  mode,
  ...owner,
});

/** Several directories, in this order. */
export const dirs = (...paths: readonly string[]): Op[] => paths.map((path) => mkdir(path));

export const file = (path: string, content = "", mode = 0o644, at: At = {}): Op => ({
  op: "writeFile",
  path,
  data: new TextEncoder().encode(content),
  mode,
  how: "create",
  ...at,
});

/** One write(2) to a file that is there: cgroup, proc, sys. */
export const write = (path: string, content: string): Op => ({
  op: "writeFile",
  path,
  data: new TextEncoder().encode(content),
  mode: 0,
  how: "existing",
});

export const link = (path: string, target: string, at: At = {}): Op => ({
  op: "symlink",
  path,
  target,
  ...at,
});
export const chmod = (path: string, mode: number): Op => ({ op: "chmod", path, mode });
export const chown = (path: string, uid: number, gid: number): Op => ({
  op: "chown",
  path,
  uid,
  gid,
});

export const tmpfs = (target: string, attrs: readonly MountAttr[] = [], data = ""): Op => ({
  op: "mount",
  source: "none",
  target,
  fstype: "tmpfs",
  attrs,
  data,
});

export const bind = (source: string, target: string): Op => ({
  op: "mount",
  source,
  target,
  fstype: "bind",
  attrs: [],
  data: "",
});

export const rbind = (source: string, target: string): Op => ({
  op: "mount",
  source,
  target,
  fstype: "rbind",
  attrs: [],
  data: "",
});

export const propagate = (path: string, propagation: Propagation, recursive = false): Op => ({
  op: "propagate",
  path,
  propagation,
  recursive,
});

export const umount = (path: string, detach = false): Op => ({ op: "umount", path, detach });

/** open_tree without clone: the mount itself. */
export const tree = (path: string, as: string): Op => ({
  op: "openTree",
  path,
  clone: false,
  recursive: false,
  as,
});

/** open_tree with OPEN_TREE_CLONE. */
export const clone = (path: string, as: string, recursive = false): Op => ({
  op: "openTree",
  path,
  clone: true,
  recursive,
  as,
});

export const attach = (fd: string, path: string, at: At = {}): Op => ({
  op: "moveMount",
  fd,
  path,
  ...at,
});

/** move_mount(2) of an attached mount. */
export const move = (from: string, to: string): Op[] => [tree(from, "moved"), attach("moved", to)];

export const setattr = (
  fd: string,
  set: readonly MountAttr[],
  options: { clear?: readonly MountAttr[]; recursive?: boolean; propagation?: Propagation } = {},
): Op => ({
  op: "mountSetattr",
  fd,
  set,
  clear: options.clear ?? [],
  recursive: options.recursive ?? false,
  ...(options.propagation ? { propagation: options.propagation } : {}),
});

export const open = (path: string, flags: readonly OpenFlag[], as = "file", at: At = {}): Op => ({
  op: "open",
  path,
  flags,
  as,
  ...at,
});

/** Opens for reading and forgets it: whether the path can be reached. */
export const reach = (path: string, at: At = {}): Op => open(path, ["path"], "reached", at);

export const unshare = (...namespaces: readonly NamespaceType[]): Op => ({
  op: "unshare",
  namespaces,
});
export const setuid = (uid: number): Op => ({ op: "setresuid", uid });
export const setgid = (gid: number): Op => ({ op: "setresgid", gid });
export const keepCaps = (on = true): Op => ({ op: "keepCaps", on });
export const noNewPrivs: Op = { op: "noNewPrivs" };

/** capset(2) and the ambient set; names without "CAP_". */
export const capset = (sets: {
  readonly effective?: readonly string[];
  readonly permitted?: readonly string[];
  readonly inheritable?: readonly string[];
  readonly ambient?: readonly string[];
}): Op => {
  const full = (names: readonly string[] = []) => names.map((name) => `CAP_${name.toUpperCase()}`);
  return {
    op: "capset",
    effective: full(sets.effective),
    permitted: full(sets.permitted),
    inheritable: full(sets.inheritable),
    ambient: full(sets.ambient),
  };
};

export const capBounding = (...keep: readonly string[]): Op => ({
  op: "capBounding",
  keep: keep.map((name) => `CAP_${name.toUpperCase()}`),
});
