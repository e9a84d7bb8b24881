/** mount, umount, pivot_root, chroot: with the words of busybox and the flags of mount(8). */
import {
  MNT_DETACH,
  MNT_FORCE,
  MS_BIND,
  MS_MOVE,
  MS_NOATIME,
  MS_NODEV,
  MS_NODIRATIME,
  MS_NOEXEC,
  MS_NOSUID,
  MS_PRIVATE,
  MS_RDONLY,
  MS_REC,
  MS_RELATIME,
  MS_REMOUNT,
  MS_SHARED,
  MS_SLAVE,
  MS_STRICTATIME,
  MS_UNBINDABLE,
} from "../../abi.ts";
import { isRefusal } from "../../refusal.ts";
import { chdir, chroot as chrootCall } from "../../syscall/file.ts";
import { mount as mountCall, pivotRoot, umount2 } from "../../syscall/mount.ts";
import type { AppletTable } from "../applet.ts";
import { AppletError, type Call, UsageError } from "../call.ts";
import { become } from "../child-program.ts";
import { errnoMessage, messageOf } from "../errno-message.ts";
import { tryFileText } from "../file-text.ts";
import { parseOptions } from "../options.ts";

/** What a word of -o sets. */
const words: Readonly<Record<string, number>> = {
  ro: MS_RDONLY,
  nosuid: MS_NOSUID,
  nodev: MS_NODEV,
  noexec: MS_NOEXEC,
  remount: MS_REMOUNT,
  noatime: MS_NOATIME,
  nodiratime: MS_NODIRATIME,
  relatime: MS_RELATIME,
  strictatime: MS_STRICTATIME,
  bind: MS_BIND,
  rbind: MS_BIND | MS_REC,
  move: MS_MOVE,
  shared: MS_SHARED,
  rshared: MS_SHARED | MS_REC,
  "make-shared": MS_SHARED,
  "make-rshared": MS_SHARED | MS_REC,
  slave: MS_SLAVE,
  rslave: MS_SLAVE | MS_REC,
  "make-slave": MS_SLAVE,
  "make-rslave": MS_SLAVE | MS_REC,
  private: MS_PRIVATE,
  rprivate: MS_PRIVATE | MS_REC,
  "make-private": MS_PRIVATE,
  "make-rprivate": MS_PRIVATE | MS_REC,
  unbindable: MS_UNBINDABLE,
  runbindable: MS_UNBINDABLE | MS_REC,
  "make-unbindable": MS_UNBINDABLE,
  "make-runbindable": MS_UNBINDABLE | MS_REC,
};
const clearing: Readonly<Record<string, number>> = {
  rw: MS_RDONLY,
  suid: MS_NOSUID,
  dev: MS_NODEV,
  exec: MS_NOEXEC,
  atime: MS_NOATIME,
  diratime: MS_NODIRATIME,
  norelatime: MS_RELATIME,
};
const meaningless = new Set(["defaults", "auto", "noauto", "user", "nouser", "_netdev", "loud"]);

const longOptions = Object.fromEntries(
  Object.keys(words)
    .filter((name) => name.startsWith("make-") || name.endsWith("bind") || name === "move")
    .map((name) => [name, name]),
);

function listMounts(call: Call, type: string | undefined): void {
  const table = tryFileText(call.self, "/proc/mounts") ?? tryFileText(call.self, "/etc/mtab");
  if (table === undefined) throw new AppletError("no /proc/mounts");
  for (const line of table.split("\n")) {
    const [source, target, fstype, options] = line.split(" ");
    if (options === undefined || (type !== undefined && type !== fstype)) continue;
    const plain = (text = ""): string => text.replaceAll("\\040", " ").replaceAll("\\011", "\t");
    call.print(`${plain(source)} on ${plain(target)} type ${fstype} (${options})\n`);
  }
}

function mount(call: Call): void {
  const options = parseOptions(call.args, "o:t:rwanfvisO:T:", longOptions);
  const operands = [...options.operands];
  let flags = options.has("r") ? MS_RDONLY : 0;
  const data: string[] = [];
  const given = options.values("o").flatMap((text) => text.split(","));
  for (const name of Object.keys(longOptions)) if (options.has(name)) given.push(name);
  for (const word of given) {
    const set = words[word];
    const clear = clearing[word];
    if (set !== undefined) flags |= set;
    else if (clear !== undefined) flags &= ~clear;
    else if (word !== "" && !meaningless.has(word)) data.push(word);
  }
  if (operands.length === 0) {
    if (flags !== 0 || options.has("o")) throw new UsageError();
    listMounts(call, options.value("t"));
    return;
  }
  const inPlace = (flags & (MS_REMOUNT | MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE)) !== 0;
  if (operands.length === 1) {
    if (!inPlace) throw new AppletError(`can't find ${operands[0]} in /etc/fstab`);
    operands.unshift("none");
  }
  const [source, target] = operands as [string, string];
  const fstypes = candidates(call, options.value("t"), flags);
  mountOne(call, source, target, fstypes, flags, data.join(","));
}

/** Without -t busybox tries every type on disk that the kernel has. */
function candidates(call: Call, given: string | undefined, flags: number): string[] {
  if (given !== undefined && given !== "auto") return [given];
  if (
    (flags &
      (MS_REMOUNT | MS_BIND | MS_MOVE | MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE)) !==
    0
  )
    return [""];
  const known = tryFileText(call.self, "/proc/filesystems") ?? "";
  const onDisk = known
    .split("\n")
    .filter((line) => line.startsWith("\t"))
    .map((line) => line.trim());
  return onDisk.length === 0 ? ["ext4"] : onDisk;
}

function mountOne(
  call: Call,
  source: string,
  target: string,
  fstypes: readonly string[],
  flags: number,
  data: string,
): void {
  let failure = "";
  for (const fstype of fstypes) {
    try {
      mountCall(call.self, source, target, fstype, flags, data);
      return;
    } catch (thrown) {
      if (!isRefusal(thrown)) throw thrown;
      if (thrown.errno === "EPERM") throw new AppletError("permission denied (are you root?)");
      failure = errnoMessage(thrown);
    }
  }
  call.fail(`mounting ${source} on ${target} failed: ${failure}`, 255);
}

function umount(call: Call): void {
  const options = parseOptions(call.args, "lfrdDantRO:", { lazy: "l" });
  const flags = (options.has("l") ? MNT_DETACH : 0) | (options.has("f") ? MNT_FORCE : 0);
  if (options.operands.length === 0 && !options.has("a")) throw new UsageError();
  for (const target of options.operands) {
    try {
      umount2(call.self, target, flags);
    } catch (thrown) {
      call.fail(`can't unmount ${target}: ${messageOf(thrown)}`);
    }
  }
}

function pivot_root(call: Call): void {
  const [root, old] = call.args;
  if (root === undefined || old === undefined) throw new UsageError();
  try {
    pivotRoot(call.self, root, old);
  } catch (thrown) {
    throw new AppletError(messageOf(thrown));
  }
}

function chroot(call: Call): void {
  const [root, ...argv] = call.args;
  if (root === undefined) throw new UsageError();
  try {
    chrootCall(call.self, root);
    chdir(call.self, "/");
  } catch (thrown) {
    throw new AppletError(`can't change root directory to '${root}': ${messageOf(thrown)}`);
  }
  become(call, argv.length > 0 ? argv : ["/bin/sh", "-i"]);
}

function mountpoint(call: Call): number {
  const options = parseOptions(call.args, "qdxn");
  const path = options.operands[0];
  if (path === undefined) throw new UsageError();
  const table = tryFileText(call.self, "/proc/self/mountinfo") ?? "";
  const is = table
    .split("\n")
    .some((line) => line.split(" ")[4] === (path.replace(/\/+$/, "") || "/"));
  if (!options.has("q")) call.print(`${path} is ${is ? "" : "not "}a mountpoint\n`);
  return is ? 0 : 1;
}

export const mountApplets: AppletTable = { mount, umount, pivot_root, chroot, mountpoint };
