/** unshare, nsenter, setsid, nohup, setpriv, capsh, su: running a program as somebody else or somewhere else. */

import type { NamespaceType } from "../../../op.ts";
import { AT_FDCWD, MS_PRIVATE, MS_REC, O_RDONLY, O_WRONLY, SIGHUP } from "../../abi.ts";
import { isRefusal } from "../../refusal.ts";
import { identity } from "../../syscall/credential.ts";
import { chdir, chroot, close, openat2, writeNow } from "../../syscall/file.ts";
import { mount } from "../../syscall/mount.ts";
import {
  clone3,
  setns,
  setsid as setsidCall,
  sigaction,
  unshare as unshareCall,
} from "../../syscall/process.ts";
import type { Coroutine } from "../../task.ts";
import type { AppletTable } from "../applet.ts";
import { AppletError, type Call, UsageError } from "../call.ts";
import { become, exitCode, waitFor } from "../child-program.ts";
import { messageOf } from "../errno-message.ts";
import { bytesOf } from "../file-text.ts";
import { type Options, parseOptions } from "../options.ts";

const letters: readonly (readonly [
  letter: string,
  type: NamespaceType,
  long: string,
  file: string,
])[] = [
  ["U", "user", "user", "user"],
  ["m", "mnt", "mount", "mnt"],
  ["u", "uts", "uts", "uts"],
  ["i", "ipc", "ipc", "ipc"],
  ["n", "net", "net", "net"],
  ["p", "pid", "pid", "pid"],
  ["C", "cgroup", "cgroup", "cgroup"],
  ["T", "time", "time", "time"],
];

function writeFile(call: Call, path: string, text: string): void {
  const fd = openat2(call.self, AT_FDCWD, path, { flags: O_WRONLY });
  try {
    writeNow(call.self, fd, bytesOf(text));
  } finally {
    close(call.self, fd);
  }
}

/** Runs the program in a child, or in this process. */
function* runIn(
  call: Call,
  argv: readonly string[],
  inChild: boolean,
  before: (call: Call) => void,
): Coroutine<number> {
  if (!inChild) {
    before(call);
    return become(call, argv);
  }
  const child = clone3(call.self, {
    namespaces: [],
    body: function* (self) {
      const inner = call.inChild(self);
      try {
        before(inner);
        return become(inner, argv);
      } catch (thrown) {
        if (!(thrown instanceof AppletError)) throw thrown;
        inner.fail(thrown.message);
        yield* inner.flush();
        return thrown.code;
      }
    },
  });
  return exitCode(yield* waitFor(call.self, child));
}

function* unshare(call: Call): Coroutine<number> {
  const longs: Record<string, string> = {
    fork: "f",
    "map-root-user": "r",
    "mount-proc": "mount-proc",
    propagation: "propagation:",
  };
  for (const [letter, , long] of letters) longs[long] = letter;
  const options = parseOptions(call.args, "+UmuinpCTfr", longs);
  const types = letters.filter(([letter]) => options.has(letter)).map(([, type]) => type);
  const mapRoot = options.has("r");
  if (mapRoot && !types.includes("user")) types.unshift("user");
  if (options.has("mount-proc") && !types.includes("mnt")) types.push("mnt");
  const { uid, gid } = identity(call.self);
  try {
    unshareCall(call.self, types);
  } catch (thrown) {
    throw new AppletError(`unshare(0x${flagsOf(types).toString(16)}): ${messageOf(thrown)}`);
  }
  if (mapRoot) {
    try {
      writeFile(call, "/proc/self/setgroups", "deny");
      writeFile(call, "/proc/self/uid_map", `0 ${uid[1]} 1`);
      writeFile(call, "/proc/self/gid_map", `0 ${gid[1]} 1`);
    } catch (thrown) {
      throw new AppletError(`can't map root: ${messageOf(thrown)}`);
    }
  }
  const propagation = options.value("propagation") ?? "private";
  if (types.includes("mnt") && propagation !== "unchanged") {
    try {
      mount(call.self, "none", "/", "", MS_REC | MS_PRIVATE, "");
    } catch (thrown) {
      throw new AppletError(`can't mount none on / (0x44000): ${messageOf(thrown)}`);
    }
  }
  const argv = options.operands.length > 0 ? options.operands : ["/bin/sh"];
  return yield* runIn(call, argv, options.has("f"), (inner) => {
    if (!options.has("mount-proc")) return;
    try {
      mount(inner.self, "proc", "/proc", "proc", 0, "");
    } catch (thrown) {
      throw new AppletError(`can't mount proc on /proc: ${messageOf(thrown)}`);
    }
  });
}

const cloneFlags: Readonly<Record<NamespaceType, number>> = {
  mnt: 0x20000,
  cgroup: 0x2000000,
  uts: 0x4000000,
  ipc: 0x8000000,
  user: 0x10000000,
  pid: 0x20000000,
  net: 0x40000000,
  time: 0x80,
};

function flagsOf(types: readonly NamespaceType[]): number {
  return types.reduce((flags, type) => flags | cloneFlags[type], 0);
}

/** The file of a namespace: of --target's process, or given with the option. */
function namespaceFiles(
  call: Call,
  options: Options,
): { readonly fd: number; readonly type: NamespaceType }[] {
  const target = options.value("t");
  const files: { fd: number; type: NamespaceType }[] = [];
  for (const [letter, type, , file] of letters) {
    if (!options.has(letter)) continue;
    const path =
      options.value(letter) || (target === undefined ? "" : `/proc/${target}/ns/${file}`);
    if (path === "") throw new UsageError();
    try {
      files.push({ fd: openat2(call.self, AT_FDCWD, path, { flags: O_RDONLY }), type });
    } catch (thrown) {
      throw new AppletError(`can't open '${path}': ${messageOf(thrown)}`);
    }
  }
  return files;
}

function* nsenter(call: Call): Coroutine<number> {
  const longs: Record<string, string> = {
    target: "t:",
    "no-fork": "F",
    all: "a",
    root: "R",
    wd: "w",
  };
  for (const [letter, , long] of letters) longs[long] = letter;
  const options = parseOptions(call.args, "+t:U::m::u::i::n::p::C::r::w::FaT::", longs);
  if (options.has("a"))
    for (const [letter, type] of letters)
      if (type !== "user" && type !== "time") options.add(letter, "");
  const files = namespaceFiles(call, options);
  const target = options.value("t");
  let root = options.value("r");
  if (root === "" && target !== undefined) root = `/proc/${target}/root`;
  for (const { fd, type } of files) {
    try {
      setns(call.self, fd, [type]);
    } catch (thrown) {
      throw new AppletError(
        `setns(${fd}, 0x${cloneFlags[type].toString(16)}): ${messageOf(thrown)}`,
      );
    }
    close(call.self, fd);
  }
  if (root !== undefined) {
    chroot(call.self, root);
    chdir(call.self, "/");
  }
  const argv = options.operands.length > 0 ? options.operands : ["/bin/sh"];
  const fork = files.some(({ type }) => type === "pid") && !options.has("F");
  return yield* runIn(call, argv, fork, () => undefined);
}

function* setsid(call: Call): Coroutine<number> {
  const options = parseOptions(call.args, "+cw");
  let inChild = false;
  try {
    setsidCall(call.self);
  } catch (thrown) {
    if (!isRefusal(thrown, "EPERM")) throw thrown;
    inChild = true;
  }
  return yield* runIn(call, options.operands, inChild, (inner) => {
    if (inChild) setsidCall(inner.self);
  });
}

function nohup(call: Call): never {
  sigaction(call.self, SIGHUP, "ignore");
  return become(call, call.args);
}

export const namespaceApplets: AppletTable = { unshare, nsenter, setsid, nohup };
