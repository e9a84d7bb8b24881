/**
 * The terminal, as native/exec/op-console.c does it: a pty of the container's own devpts, its slave made the
 * controlling terminal and stdio, its master handed to the shim.
 */
import type { OpOf } from "../../op.ts";
import {
  AT_EMPTY_PATH,
  O_CREAT,
  O_EXCL,
  O_NOCTTY,
  O_NOFOLLOW,
  O_PATH,
  O_RDWR,
  O_WRONLY,
  OPEN_TREE_CLONE,
  RESOLVE_NO_SYMLINKS,
} from "../abi.ts";
import { ptyOf } from "../fs/pty.ts";
import { close, dup2, fileOf } from "../syscall/file.ts";
import { moveMount, openTree } from "../syscall/mount.ts";
import { openAt, openParent, openResolved, type Parent } from "./paths.ts";
import { attemptFd, type PlanProcess } from "./plan-process.ts";

const ptmxPath = "dev/pts/ptmx";

function isDevpts(x: PlanProcess, fd: number): boolean {
  return fileOf(x.process, fd).point?.mount.fileSystem.type === "devpts";
}

function openMaster(x: PlanProcess, at: string): number {
  const look = attemptFd(() =>
    openAt(x, at, ptmxPath, O_PATH | O_NOFOLLOW, 0, RESOLVE_NO_SYMLINKS),
  );
  if (look.errno !== undefined) x.fail(look.errno, ptmxPath);
  const { inode } = fileOf(x.process, look.fd);
  const good = isDevpts(x, look.fd) && inode?.type === "char" && inode.major === 5;
  close(x.process, look.fd);
  if (!good) x.fail("ENODEV", `${ptmxPath} is not the multiplexer of a devpts`);
  const flags = O_RDWR | O_NOCTTY | O_NOFOLLOW;
  const master = attemptFd(() => openAt(x, at, ptmxPath, flags, 0, RESOLVE_NO_SYMLINKS));
  if (master.errno !== undefined) x.fail(master.errno, ptmxPath);
  return master.fd;
}

/** The slave of a master, as TIOCGPTPEER gives it: by its number in the same devpts. */
function openSlave(x: PlanProcess, at: string, number: number): number {
  const flags = O_RDWR | O_NOCTTY | O_NOFOLLOW;
  const slave = attemptFd(() => openAt(x, at, `dev/pts/${number}`, flags, 0, RESOLVE_NO_SYMLINKS));
  if (slave.errno !== undefined) x.fail(slave.errno, "the pty's slave");
  if (isDevpts(x, slave.fd)) return slave.fd;
  close(x.process, slave.fd);
  return x.fail("ENODEV", "the pty's slave is none of a devpts");
}

function consoleParent(x: PlanProcess, at: string): Parent {
  try {
    return openParent(x, at, "dev/console");
  } catch (thrown) {
    return x.failed(thrown, "dev/console");
  }
}

/** The slave as dev/console of init: a bind mount, made fd onto fd. */
function bindConsole(x: PlanProcess, at: string, slave: number): void {
  const dev = consoleParent(x, at);
  try {
    const flags = O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY;
    const made = attemptFd(() => openResolved(x, dev.fd, dev.name, flags, 0o620, 0));
    if (made.errno === undefined) close(x.process, made.fd);
    const target = openResolved(x, dev.fd, dev.name, O_PATH | O_NOFOLLOW, 0, 0);
    const type = fileOf(x.process, target).inode?.type;
    if (type === "symlink" || type === "directory") x.fail("ENODEV", "dev/console");
    const tree = openTree(x.process, slave, "", AT_EMPTY_PATH | OPEN_TREE_CLONE);
    moveMount(x.process, tree, target, "");
    close(x.process, tree);
    close(x.process, target);
  } catch (thrown) {
    if (x.detail === "") x.failed(thrown, "dev/console");
    throw thrown;
  } finally {
    close(x.process, dev.fd);
  }
}

export function consoleOp(x: PlanProcess, op: OpOf<"console">): number {
  const { process } = x;
  const master = openMaster(x, op.at);
  try {
    const number = ptyNumber(fileOf(process, master));
    if (number === undefined) return x.fail("ENODEV", `${ptmxPath} changed while it was opened`);
    const slave = openSlave(x, op.at, number);
    try {
      if (op.width > 0 || op.height > 0)
        ptyOf(fileOf(process, master))?.resize(op.height, op.width);
      if (x.self === "init") bindConsole(x, op.at, slave);
      if (process.session !== process.pid) x.fail("EPERM", "controlling terminal");
      process.tty = fileOf(process, slave);
      for (let fd = 0; fd < 3; fd++) dup2(process, slave, fd);
    } finally {
      if (slave > 2) close(process, slave);
    }
    if (x.shared.console === undefined) x.fail("EBADF", "console: slot is empty");
    x.shared.console(process, fileOf(process, master));
    return 0;
  } finally {
    close(process, master);
  }
}

/** Which pty of its devpts a master is of. */
function ptyNumber(master: { readonly stream?: object | undefined }): number | undefined {
  return (master.stream as { readonly ptyNumber?: number } | undefined)?.ptyNumber;
}
