/**
 * The Op union: everything a Plan can ask of a kernel, one variant per intent.
 *
 * An op is plain data. Its field names follow the man page of the system call it becomes.
 * Data flows between ops only through named fd slots (`Slot`): one op fills a slot (`as`), later
 * ops of the same process, or of a child made by `clone3`, use it.
 * Paths without `at` are absolute host paths and trusted (we made them). Whatever lies inside a
 * container's root is reached through `at`, resolved by openat2(2) with RESOLVE_IN_ROOT, so that no
 * symlink planted in an image can lead out of it.
 *
 * A new op is four places: here, the C executor, the simulator, the step catalogue.
 */

/** Name of an fd slot, for example "rootfs" or "netns". */
export type Slot = string;

/** Which process of a Plan runs an op. `host` is the daemon itself (through the library). */
export type ProcessName = "host" | "oci" | "init" | "exec";

export type NamespaceType = "mnt" | "pid" | "net" | "ipc" | "uts" | "user" | "cgroup" | "time";

export type OpenFlag =
  | "path" // O_PATH
  | "rdonly"
  | "wronly"
  | "rdwr"
  | "creat"
  | "excl"
  | "trunc"
  | "append"
  | "directory"
  | "nofollow"
  | "nonblock";

/** Attributes of mount_setattr(2) and fsmount(2). */
export type MountAttr =
  | "rdonly"
  | "nosuid"
  | "nodev"
  | "noexec"
  | "noatime"
  | "relatime"
  | "strictatime"
  | "nodiratime"
  | "nosymfollow";

export type Propagation = "private" | "shared" | "slave" | "unbindable";

export type IdMapping = {
  readonly containerId: number;
  readonly hostId: number;
  readonly size: number;
};

/** Where a path starts: `at` unset means the host's root, with a trusted absolute path. */
export type At = { readonly at?: Slot };

export type RlimitType =
  | "as"
  | "core"
  | "cpu"
  | "data"
  | "fsize"
  | "locks"
  | "memlock"
  | "msgqueue"
  | "nice"
  | "nofile"
  | "nproc"
  | "rss"
  | "rtprio"
  | "rttime"
  | "sigpending"
  | "stack";

export type ProcessOp =
  /** Starts process `child` of this Plan in new namespaces; `cgroup` is a slot for CLONE_INTO_CGROUP (v2). */
  | {
      readonly op: "clone3";
      readonly child: ProcessName;
      readonly namespaces: readonly NamespaceType[];
      readonly cgroup?: Slot;
    }
  | { readonly op: "unshare"; readonly namespaces: readonly NamespaceType[] }
  /** setns(2) by a namespace fd, or by a pidfd with several types at once. */
  | { readonly op: "setns"; readonly fd: Slot; readonly namespaces: readonly NamespaceType[] }
  /** Opens a pidfd for a process of the host, checked against its start time (clock ticks, stat field 22; 0 = unchecked). */
  | {
      readonly op: "pidfdOpen";
      readonly pid: number;
      readonly startTime: number;
      readonly as: Slot;
    }
  /** The parent writes uid_map and gid_map of `child` (user_namespaces(7)), then lets it go on. */
  | {
      readonly op: "idMap";
      readonly child: ProcessName;
      readonly uid: readonly IdMapping[];
      readonly gid: readonly IdMapping[];
    }
  /** Barriers between the processes of one Plan: `release` lets `await` of the same name return. */
  | { readonly op: "await"; readonly barrier: string }
  | { readonly op: "release"; readonly barrier: string }
  /** The kernel state "created": reports readiness, then blocks until the shim releases the container. */
  | { readonly op: "awaitStart" }
  | { readonly op: "setsid" }
  /** Makes a pty, its slave the controlling terminal and stdio, its master handed to the shim. */
  | { readonly op: "console"; readonly at: Slot; readonly width: number; readonly height: number }
  /** Closes every fd from `from` on but the slots in `keep` (close_range(2)). */
  | { readonly op: "closeRange"; readonly from: number; readonly keep: readonly Slot[] }
  | {
      readonly op: "execve";
      /** Looked up in PATH of `env` when it has no slash (execvp rules). */
      readonly path: string;
      readonly argv: readonly string[];
      readonly env: readonly string[];
    };

export type FileOp =
  | ({
      readonly op: "open";
      readonly path: string;
      readonly flags: readonly OpenFlag[];
      readonly mode?: number;
      readonly as: Slot;
    } & At)
  | { readonly op: "close"; readonly fd: Slot }
  | ({
      readonly op: "mkdir";
      readonly path: string;
      readonly mode: number;
      /** Make missing parents too, and accept an existing directory. */
      readonly parents?: boolean;
      readonly uid?: number;
      readonly gid?: number;
    } & At)
  | ({
      readonly op: "mknod";
      readonly path: string;
      readonly type: "char" | "block" | "fifo" | "file";
      readonly major?: number;
      readonly minor?: number;
      readonly mode: number;
      readonly uid?: number;
      readonly gid?: number;
    } & At)
  | ({ readonly op: "symlink"; readonly target: string; readonly path: string } & At)
  /** Creates or replaces a whole regular file, never following a symlink at its last component. */
  | ({
      readonly op: "writeFile";
      readonly path: string;
      readonly data: Uint8Array;
      readonly mode: number;
      /** create: new or existing file of ours, by temp and rename; existing: write to what is there (cgroup, proc, sys). */
      readonly how: "create" | "existing";
    } & At)
  | ({ readonly op: "chmod"; readonly path: string; readonly mode: number } & At)
  | ({
      readonly op: "chown";
      readonly path: string;
      readonly uid: number;
      readonly gid: number;
    } & At)
  | ({ readonly op: "unlink"; readonly path: string } & At)
  | ({ readonly op: "rmdir"; readonly path: string } & At)
  /** Removes a tree of ours, never crossing a mount point and never following a symlink. */
  | ({ readonly op: "removeTree"; readonly path: string } & At)
  | ({ readonly op: "rename"; readonly from: string; readonly to: string } & At)
  /** Copies the tree at `from` into the empty directory `to`, both inside `at` (image volume copy-up). */
  | ({ readonly op: "copyTree"; readonly from: string; readonly to: string } & At);

export type MountOp =
  /** mount(2), for the host's own mounts. `data` is the option string. */
  | {
      readonly op: "mount";
      readonly source: string;
      readonly target: string;
      readonly fstype: string;
      readonly attrs: readonly MountAttr[];
      readonly data: string;
    }
  /** fsopen, fsconfig for each option, fsmount: a detached mount in a slot. */
  | {
      readonly op: "fsmount";
      readonly fstype: string;
      readonly source: string;
      readonly options: readonly (readonly [key: string, value: string])[];
      readonly attrs: readonly MountAttr[];
      readonly as: Slot;
    }
  /** open_tree(2); with `clone` a detached bind mount. */
  | ({
      readonly op: "openTree";
      readonly path: string;
      readonly clone: boolean;
      readonly recursive: boolean;
      readonly as: Slot;
    } & At)
  | {
      readonly op: "mountSetattr";
      readonly fd: Slot;
      readonly set: readonly MountAttr[];
      readonly clear: readonly MountAttr[];
      readonly recursive: boolean;
      readonly propagation?: Propagation;
      /** User namespace fd for an idmapped mount. */
      readonly idmap?: Slot;
    }
  /** Attaches a detached mount at `path` inside `at`; `create` makes the missing mount point. */
  | ({
      readonly op: "moveMount";
      readonly fd: Slot;
      readonly path: string;
      readonly create?: "directory" | "file";
      /** The mount point must be a real directory, not a symlink (proc and sysfs: CVE-2019-19921). */
      readonly ordinary?: boolean;
    } & At)
  /** Changes propagation of the mount at `path` (MS_REC when recursive). */
  | ({
      readonly op: "propagate";
      readonly path: string;
      readonly propagation: Propagation;
      readonly recursive: boolean;
    } & At)
  /** fchdir to `root`, pivot_root(".", "."), umount2(".", MNT_DETACH), chdir("/"): pivot_root(2). */
  | { readonly op: "pivotRoot"; readonly root: Slot }
  /**
   * fchdir to `root`, chroot("."), chdir("/"): chroot(2). For roots on an initial ramfs, which pivot_root(2)
   * refuses; whoever has CAP_SYS_CHROOT inside can leave such a root, so a container is not made with it.
   */
  | { readonly op: "chroot"; readonly root: Slot }
  | {
      readonly op: "umount";
      readonly path: string;
      readonly detach: boolean;
    }
  /** Binds a verified /dev/null over a file, an empty read-only tmpfs over a directory; nothing there is fine. */
  | { readonly op: "maskPath"; readonly path: string }
  /** Binds a path onto itself, recursively read-only; nothing there is fine. */
  | { readonly op: "readonlyPath"; readonly path: string };

export type AttributeOp =
  | { readonly op: "sethostname"; readonly name: string }
  | { readonly op: "setdomainname"; readonly name: string }
  /** Writes /proc/sys through the executor's own private procfs. */
  | { readonly op: "sysctl"; readonly key: string; readonly value: string }
  /** Brings an interface of the current network namespace up (SIOCSIFFLAGS). */
  | { readonly op: "linkUp"; readonly name: string }
  | {
      readonly op: "rlimit";
      readonly type: RlimitType;
      /** -1 is RLIM_INFINITY. */
      readonly soft: number;
      readonly hard: number;
    }
  /** Writes oom_score_adj of the process; `clamp` keeps it at the current value where the kernel forbids lowering. */
  | { readonly op: "oomScoreAdj"; readonly value: number; readonly clamp: boolean }
  | { readonly op: "umask"; readonly mask: number }
  | { readonly op: "chdir"; readonly path: string; readonly create?: boolean }
  | { readonly op: "setgroups"; readonly groups: readonly number[] }
  | { readonly op: "setresgid"; readonly gid: number }
  | { readonly op: "setresuid"; readonly uid: number }
  /** PR_SET_KEEPCAPS, so that permitted capabilities survive setresuid. */
  | { readonly op: "keepCaps"; readonly on: boolean }
  /** Bounding set: drops every capability not listed (capabilities(7)). */
  | { readonly op: "capBounding"; readonly keep: readonly string[] }
  | {
      readonly op: "capset";
      readonly effective: readonly string[];
      readonly permitted: readonly string[];
      readonly inheritable: readonly string[];
      readonly ambient: readonly string[];
    }
  | { readonly op: "noNewPrivs" }
  | { readonly op: "dumpable"; readonly on: boolean }
  | { readonly op: "parentDeathSignal"; readonly signal: number }
  /** Joins a cgroup v1 hierarchy: writes 0 to `tasks`, the lock-free path for a single thread. */
  | { readonly op: "cgroupJoin"; readonly path: string }
  /** Lets an eBPF program decide which devices the processes of a cgroup v2 may open and make (cgroup-v2.rst). */
  | {
      readonly op: "deviceFilter";
      /** Directory of the cgroup. */
      readonly path: string;
      /** struct bpf_insn[] of type BPF_PROG_TYPE_CGROUP_DEVICE. */
      readonly program: Uint8Array;
    }
  | { readonly op: "apparmor"; readonly profile: string }
  | { readonly op: "selinux"; readonly label: string }
  | {
      readonly op: "seccomp";
      /** A compiled BPF program: struct sock_filter[] (seccomp(2)). */
      readonly filter: Uint8Array;
      readonly flags: readonly ("log" | "specAllow" | "tsync")[];
    };

export type Op = ProcessOp | FileOp | MountOp | AttributeOp;
export type OpName = Op["op"];

/** The variant of the union that has this name. */
export type OpOf<Name extends OpName> = Extract<Op, { readonly op: Name }>;
