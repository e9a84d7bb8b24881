/** Ops on single files and directories, as native/exec/op-file.c does them: in a parent that is held by fd. */
import type { OpenFlag, OpOf, Slot } from "../../op.ts";
import {
  AT_EMPTY_PATH,
  AT_REMOVEDIR,
  AT_SYMLINK_NOFOLLOW,
  O_APPEND,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOCTTY,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_PATH,
  O_RDWR,
  O_TRUNC,
  O_WRONLY,
} from "../abi.ts";
import { isRefusal } from "../refusal.ts";
import {
  close,
  fchmodat,
  fchownat,
  fileOf,
  fstat,
  installFile,
  mkdirat,
  mknodat,
  renameat,
  symlinkat,
  unlinkat,
  writeNow,
} from "../syscall/file.ts";
import {
  chmodFd,
  makeDirectories,
  openAt,
  openMadeParent,
  openParent,
  openResolved,
  type Parent,
} from "./paths.ts";
import { attempt, attemptFd, errnoOf, type PlanProcess } from "./plan-process.ts";

const openBits: Readonly<Record<OpenFlag, number>> = {
  path: O_PATH,
  rdonly: 0,
  wronly: O_WRONLY,
  rdwr: O_RDWR,
  creat: O_CREAT,
  excl: O_EXCL,
  trunc: O_TRUNC,
  append: O_APPEND,
  directory: O_DIRECTORY,
  nofollow: O_NOFOLLOW,
  nonblock: O_NONBLOCK,
};

/** Runs `work` in the parent of `path`, which is closed again whatever comes. */
function inParent<T>(
  x: PlanProcess,
  at: Slot | undefined,
  path: string,
  work: (parent: Parent) => T,
  open: typeof openParent = openParent,
): T {
  let parent: Parent;
  try {
    parent = open(x, at, path);
  } catch (thrown) {
    return x.failedPath(thrown, "parent of", path);
  }
  try {
    return work(parent);
  } finally {
    close(x.process, parent.fd);
  }
}

export function openOp(x: PlanProcess, op: OpOf<"open">): number {
  let flags = O_NOCTTY;
  for (const flag of op.flags) flags |= openBits[flag];
  if ((flags & O_PATH) !== 0) flags &= ~O_NOCTTY;
  let fd: number;
  try {
    fd = openAt(x, op.at, op.path, flags, op.mode ?? 0);
  } catch (thrown) {
    return x.failedPath(thrown, "path", op.path);
  }
  return x.fill(op.as, fd);
}

export function closeOp(x: PlanProcess, op: OpOf<"close">): number {
  const fd = x.slot(op.fd, "fd");
  x.slots.delete(op.fd);
  close(x.process, fd);
  return 0;
}

interface Owned {
  readonly mode: number;
  readonly uid?: number;
  readonly gid?: number;
}

/** Owner, then mode (chown clears set-id bits), of something made as `name` in `parent`. */
function own(x: PlanProcess, parent: Parent, op: Owned, setMode: boolean): void {
  const setOwner = op.uid !== undefined || op.gid !== undefined;
  if (setOwner) {
    try {
      fchownat(x.process, parent.fd, parent.name, op.uid ?? -1, op.gid ?? -1, AT_SYMLINK_NOFOLLOW);
    } catch (thrown) {
      x.failed(thrown, "owner");
    }
  }
  if (!setMode && !(setOwner && (op.mode & 0o6000) !== 0)) return;
  const fd = openResolved(x, parent.fd, parent.name, O_PATH | O_NOFOLLOW, 0, 0);
  try {
    chmodFd(x, fd, op.mode);
  } catch (thrown) {
    x.failed(thrown, "mode");
  } finally {
    close(x.process, fd);
  }
}

export function mkdirOp(x: PlanProcess, op: OpOf<"mkdir">): number {
  const open = op.parents === true ? openMadeParent : openParent;
  const errno = inParent(
    x,
    op.at,
    op.path,
    (parent) => {
      const refused = attempt(() => mkdirat(x.process, parent.fd, parent.name, op.mode & 0o7777));
      if (refused === undefined) own(x, parent, op, x.library || (op.mode & 0o7000) !== 0);
      return refused;
    },
    open,
  );
  if (errno === undefined) return 0;
  if (errno !== "EEXIST" || op.parents !== true) return x.failPath(errno, "path", op.path);
  let found = attemptFd(() => openAt(x, op.at, op.path, O_PATH | O_DIRECTORY));
  // A dangling symlink.
  if (found.errno === "ENOENT") {
    found = attemptFd(() => makeDirectories(x, op.at, op.path, op.mode));
  }
  if (found.errno !== undefined) return x.failPath(found.errno, "no directory:", op.path);
  close(x.process, found.fd);
  return 0;
}

export function mknodOp(x: PlanProcess, op: OpOf<"mknod">): number {
  return inParent(x, op.at, op.path, (parent) => {
    const device = op.type === "char" || op.type === "block";
    const [major, minor] = device ? [op.major ?? 0, op.minor ?? 0] : [0, 0];
    const mode = op.mode & 0o7777;
    try {
      mknodat(x.process, parent.fd, parent.name, op.type, mode, major, minor);
    } catch (thrown) {
      x.failedPath(thrown, "path", op.path);
    }
    own(x, parent, op, x.library);
    return 0;
  });
}

export function symlinkOp(x: PlanProcess, op: OpOf<"symlink">): number {
  return inParent(x, op.at, op.path, (parent) => {
    try {
      symlinkat(x.process, op.target, parent.fd, parent.name);
    } catch (thrown) {
      x.failedPath(thrown, "path", op.path);
    }
    return 0;
  });
}

/** Kernel files take one write(2) as one command; what they do not take at once is an error. */
function writeExisting(x: PlanProcess, op: OpOf<"writeFile">): number {
  const flags = O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
  let fd: number;
  try {
    fd = openAt(x, op.at, op.path, flags);
  } catch (thrown) {
    return x.failedPath(thrown, "path", op.path);
  }
  try {
    const file = fileOf(x.process, fd);
    if (file.inode?.type !== "file") x.failPath("EINVAL", "no regular file:", op.path);
    if (op.data.length === 0) return 0;
    let taken: number;
    try {
      taken = writeNow(x.process, fd, op.data);
    } catch (thrown) {
      return x.failedPath(thrown, "write to", op.path);
    }
    if (taken !== op.data.length) x.failPath("EIO", "short write to", op.path);
    return 0;
  } finally {
    close(x.process, fd);
  }
}

function writeAll(x: PlanProcess, fd: number, data: Uint8Array): void {
  let rest = data;
  while (rest.length > 0) rest = rest.subarray(writeNow(x.process, fd, rest));
}

export function writeFileOp(x: PlanProcess, op: OpOf<"writeFile">, index: number): number {
  if (op.how === "existing") return writeExisting(x, op);
  return inParent(x, op.at, op.path, (parent) => {
    const { process } = x;
    const temporary = `.vitrine-${process.pid}-${index}`;
    const flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;
    // Of an earlier process with this pid that was killed here.
    attempt(() => unlinkat(process, parent.fd, temporary));
    let fd: number;
    try {
      fd = openResolved(x, parent.fd, temporary, flags, 0o600, 0);
    } catch (thrown) {
      return x.failedPath(thrown, "file beside", op.path);
    }
    try {
      try {
        writeAll(x, fd, op.data);
        fchmodat(process, fd, "", op.mode & 0o7777, AT_EMPTY_PATH);
      } finally {
        close(process, fd);
      }
      renameat(process, parent.fd, temporary, parent.fd, parent.name);
    } catch (thrown) {
      const errno = errnoOf(thrown);
      attempt(() => unlinkat(process, parent.fd, temporary));
      x.failPath(errno, "path", op.path);
    }
    return 0;
  });
}

/** The object of chmod and chown: the slot itself for "", else opened without following a symlink. */
function openObject(x: PlanProcess, op: { readonly at?: Slot; readonly path: string }): number {
  if (op.at !== undefined && op.path === "") {
    return installFile(x.process, fileOf(x.process, x.slot(op.at, "at")), 3);
  }
  try {
    return openAt(x, op.at, op.path, O_PATH | O_NOFOLLOW);
  } catch (thrown) {
    return x.failedPath(thrown, "path", op.path);
  }
}

export function chmodOp(x: PlanProcess, op: OpOf<"chmod">): number {
  const fd = openObject(x, op);
  try {
    if (fileOf(x.process, fd).inode?.type === "symlink") {
      x.failPath("ELOOP", "a symlink:", op.path);
    }
    chmodFd(x, fd, op.mode & 0o7777);
    return 0;
  } finally {
    close(x.process, fd);
  }
}

export function chownOp(x: PlanProcess, op: OpOf<"chown">): number {
  const fd = openObject(x, op);
  try {
    const stat = fstat(x.process, fd);
    // A stdio slot may be the host's /dev/null, which is nobody's to give away.
    if (op.path === "" && stat.type === "char" && stat.major === 1 && stat.minor === 3) {
      x.say("/dev/null is left as it is");
      return 0;
    }
    try {
      fchownat(x.process, fd, "", op.uid, op.gid, AT_EMPTY_PATH);
    } catch (thrown) {
      x.failedPath(thrown, "path", op.path);
    }
    return 0;
  } finally {
    close(x.process, fd);
  }
}

export function unlinkOp(x: PlanProcess, op: OpOf<"unlink"> | OpOf<"rmdir">): number {
  return inParent(x, op.at, op.path, (parent) => {
    try {
      unlinkat(x.process, parent.fd, parent.name, op.op === "rmdir" ? AT_REMOVEDIR : 0);
    } catch (thrown) {
      x.failedPath(thrown, "path", op.path);
    }
    return 0;
  });
}

export function renameOp(x: PlanProcess, op: OpOf<"rename">): number {
  return inParent(x, op.at, op.from, (from) =>
    inParent(x, op.at, op.to, (to) => {
      try {
        renameat(x.process, from.fd, from.name, to.fd, to.name);
      } catch (thrown) {
        if (isRefusal(thrown)) x.failPath(thrown.errno, "to", op.to);
        throw thrown;
      }
      return 0;
    }),
  );
}
