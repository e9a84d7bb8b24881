/**
 * vitrine-probe: looks around inside a container and says what is there, with the commands and the output of
 * native/test/probe.c, so that one contract case can ask the same on both kernels.
 */

import type { RlimitType } from "../../op.ts";
import {
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  MS_BIND,
  MS_REMOUNT,
  O_CLOEXEC,
  O_CREAT,
  O_RDONLY,
  O_TRUNC,
  O_WRONLY,
} from "../abi.ts";
import { ptyOf } from "../fs/pty.ts";
import type { Process } from "../process/process.ts";
import { isRefusal, refuse } from "../refusal.ts";
import { identity, seccomp, sethostname, setresuid } from "../syscall/credential.ts";
import { enter } from "../syscall/enter.ts";
import {
  close,
  dup2,
  fileOf,
  fstat,
  getcwd,
  getdents,
  mknodat,
  openat2,
  readlinkat,
  readNow,
  type Stat,
  statat,
  umask,
  writeNow,
} from "../syscall/file.ts";
import { mount } from "../syscall/mount.ts";
import { execve, getpid, getppid, nanosleep, unshare } from "../syscall/process.ts";
import { socket } from "../syscall/socket.ts";
import type { Coroutine } from "../task.ts";
import { fullMode } from "./applet/file-facts.ts";
import { Call } from "./call.ts";
import { bytesOf, readFileText, textOf } from "./file-text.ts";
import { isTerminal } from "./terminal.ts";

type Command = (call: Call, words: readonly string[]) => Coroutine<void> | void;

/** `exit N`: nothing after it. */
class ProbeExit {
  readonly code: number;
  constructor(code: number) {
    this.code = code;
  }
}

/** An argument the command cannot do without. */
function need(words: readonly string[], index: number): string {
  return words[index] ?? refuse("EINVAL");
}

function printLines(call: Call, prefix: string, path: string, keys?: readonly string[]): void {
  for (const line of readFileText(call.self, path).split("\n")) {
    if (line === "" || (keys !== undefined && !keys.some((key) => line.startsWith(key)))) continue;
    call.print(`${prefix}${line}\n`);
  }
}

/** A pid of the host as the caller's namespace calls it; 0 when it cannot be seen. */
function seen(self: Process, pid: number): number {
  return self.machine.process(pid)?.pidIn(self.namespaces.pid) ?? 0;
}

function id(call: Call): void {
  const { self } = call;
  const { uid, gid, groups } = identity(self);
  call.print(`uid ${uid.join(" ")}\ngid ${gid.join(" ")}\n`);
  call.print(`groups${groups.map((group) => ` ${group}`).join("")}\n`);
  enter(self, "getsid", 0);
  call.print(`pid ${getpid(self)}\nppid ${getppid(self)}\nsid ${seen(self, self.session)}\n`);
}

const namespaceNames = ["mnt", "pid", "net", "ipc", "uts", "user", "cgroup", "time"];

function ns(call: Call): void {
  for (const type of namespaceNames) {
    try {
      call.print(`ns ${type} ${statat(call.self, AT_FDCWD, `/proc/self/ns/${type}`).inode}\n`);
    } catch (thrown) {
      if (!isRefusal(thrown)) throw thrown;
    }
  }
}

const fdTypes: Readonly<Partial<Record<Stat["type"], string>>> = {
  directory: "directory",
  file: "file",
  fifo: "pipe",
  socket: "socket",
  char: "char",
};

function fds(call: Call): void {
  for (let fd = 0; fd < 1024; fd++) {
    if (!call.self.fds.has(fd)) continue;
    call.print(`fd ${fd} ${fdTypes[fstat(call.self, fd).type] ?? "other"}\n`);
  }
}

/** RLIMIT_* in the order of their numbers (getrlimit(2)). */
const rlimitTypes: readonly RlimitType[] = [
  ...(["cpu", "fsize", "data", "stack", "core", "rss", "nproc", "nofile", "memlock"] as const),
  ...(["as", "locks", "sigpending", "msgqueue", "nice", "rtprio", "rttime"] as const),
];

function rlimits(call: Call): void {
  rlimitTypes.forEach((type, number) => {
    const { soft, hard } = call.self.rlimits[type];
    call.print(`rlimit ${number} ${soft} ${hard}\n`);
  });
}

function uts(call: Call): void {
  enter(call.self, "uname");
  const { hostname, domainname } = call.self.namespaces.uts;
  call.print(`hostname ${hostname}\ndomainname ${domainname}\n`);
}

function cat(call: Call, words: readonly string[]): void {
  const path = need(words, 1);
  const fd = openat2(call.self, AT_FDCWD, path, { flags: O_RDONLY | O_CLOEXEC });
  try {
    const text = textOf(readNow(call.self, fd, 4095));
    call.print(`content ${path} ${text.split("\n")[0]}\n`);
  } finally {
    close(call.self, fd);
  }
}

function write(call: Call, words: readonly string[]): void {
  const text = need(words, 2);
  const path = need(words, 1);
  const flags = O_WRONLY | O_CREAT | O_CLOEXEC;
  const fd = openat2(call.self, AT_FDCWD, path, { flags, mode: 0o644 });
  try {
    writeNow(call.self, fd, bytesOf(text));
  } finally {
    close(call.self, fd);
  }
  call.print(`written ${path}\n`);
}

function stat(call: Call, words: readonly string[]): void {
  const path = need(words, 1);
  const found = statat(call.self, AT_FDCWD, path, AT_SYMLINK_NOFOLLOW);
  const { uid, gid, major, minor, size } = found;
  call.print(
    `stat ${path} ${fullMode(found).toString(8)} ${uid}:${gid} ${major}:${minor} ${size}\n`,
  );
}

/** What readdir(3) finds: of a directory that was removed, nothing; the C library makes no error of ENOENT. */
function entriesOf(self: Process, fd: number): ReturnType<typeof getdents> {
  try {
    return getdents(self, fd);
  } catch (thrown) {
    if (isRefusal(thrown, "ENOENT")) return [];
    throw thrown;
  }
}

function ls(call: Call, words: readonly string[]): void {
  const path = need(words, 1);
  const fd = openat2(call.self, AT_FDCWD, path, { flags: O_RDONLY | 0o200000 });
  try {
    for (const { name } of entriesOf(call.self, fd))
      if (name !== "." && name !== "..") call.print(`entry ${path} ${name}\n`);
  } finally {
    close(call.self, fd);
  }
}

/** Whether a call is let through: the arguments are harmless or senseless. */
const attempts: Readonly<Record<string, (self: Process) => void>> = {
  mount: (self) => mount(self, "none", "/", "tmpfs", MS_REMOUNT | MS_BIND, ""),
  unshare: (self) => unshare(self, ["user"]),
  sethostname: (self) => sethostname(self, "probe"),
  setuid: (self) => {
    enter(self, "setuid", 0);
    setresuid(self, ...setuidIds(self));
  },
  getpid: (self) => void getpid(self),
  ptrace: (self) => enter(self, "ptrace", 0),
  mknod: (self) => mknodat(self, AT_FDCWD, "/tmp/vitrine-probe-node", "char", 0o600, 1, 3),
  getppid: (self) => void getppid(self),
  rawsocket: (self) => void socket(self, "raw"),
};

/** setuid(0) sets all three ids when it may set any, else only the effective one. */
function setuidIds(self: Process): [number, number, number] {
  const capable = (self.credentials.effective & (1n << 7n)) !== 0n;
  return capable ? [0, 0, 0] : [-1, 0, -1];
}

function attempt(call: Call, words: readonly string[]): void {
  const name = words[1] ?? "";
  let errno = 0;
  try {
    (attempts[name] ?? (() => refuse("EINVAL")))(call.self);
  } catch (thrown) {
    if (!isRefusal(thrown)) throw thrown;
    errno = thrown.number;
  }
  call.print(`try ${name} ${errno}\n`);
}

/** CVE-2019-5736: the executable of another process, opened for writing. */
function exe(call: Call, words: readonly string[]): void {
  const pid = need(words, 1);
  let errno = 0;
  try {
    close(
      call.self,
      openat2(call.self, AT_FDCWD, `/proc/${pid}/exe`, { flags: O_WRONLY | O_CLOEXEC }),
    );
  } catch (thrown) {
    if (!isRefusal(thrown)) throw thrown;
    errno = thrown.number;
  }
  call.print(`exe ${pid} ${errno}\n`);
}

function tty(call: Call): void {
  const { self } = call;
  const { major, minor } = fstat(self, 0);
  enter(self, "ioctl", 0, 0x5413);
  const terminal = isTerminal(self, 0);
  const pty = ptyOf(fileOf(self, 0));
  const controlling = terminal && pty !== undefined && ptyOf(self.tty) === pty;
  const session = controlling ? seen(self, self.session) : -1;
  call.print(
    `tty ${terminal ? 1 : 0} ${major}:${minor} ${pty?.columns ?? 0}x${pty?.rows ?? 0} ${session}\n`,
  );
}

function* sleep(call: Call, words: readonly string[]): Coroutine<void> {
  yield* call.flush();
  const seconds = Number.parseFloat(words[1] ?? "1") || 0;
  try {
    yield* nanosleep(call.self, BigInt(Math.floor(seconds * 1e6)) * 1000n);
  } catch (thrown) {
    if (!isRefusal(thrown, "EINTR")) throw thrown;
  }
}

/** freopen(3) of stdout. */
function* out(call: Call, words: readonly string[]): Coroutine<void> {
  const path = need(words, 1);
  yield* call.flush();
  const flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC;
  const fd = openat2(call.self, AT_FDCWD, path, { flags, mode: 0o666 });
  if (fd === 1) return;
  dup2(call.self, fd, 1);
  call.self.closeOnExec.add(1);
  close(call.self, fd);
}

/** One struct sock_filter, little endian. */
function instruction(code: number, jt: number, jf: number, k: number): number[] {
  return [code & 255, code >> 8, jt, jf, k & 255, (k >>> 8) & 255, (k >>> 16) & 255, k >>> 24];
}

/** Becomes a program for which one system call does not exist. */
function nosys(call: Call, words: readonly string[]): void {
  const [path, number] = [need(words, 2), Number.parseInt(need(words, 1), 10) || 0];
  const filter = [
    ...instruction(0x20, 0, 0, 0),
    ...instruction(0x15, 0, 1, number),
    ...instruction(0x06, 0, 0, 0x0005_0000 | 38),
    ...instruction(0x06, 0, 0, 0x7fff_0000),
  ];
  seccomp(call.self, Uint8Array.from(filter), { log: false });
  execve(call.self, path, words.slice(2), call.self.env);
}

/** Exchanging two names is not modelled: the attacker of a path race has nothing to race here. */
function* swap(call: Call, words: readonly string[]): Coroutine<void> {
  need(words, 2);
  call.print("swapping\n");
  yield* call.flush();
  enter(call.self, "renameat2", AT_FDCWD, 0, AT_FDCWD, 0, 2);
  refuse("EINVAL");
}

const commands: Readonly<Record<string, Command>> = {
  id,
  caps: (call) =>
    printLines(call, "", "/proc/self/status", [
      "CapInh",
      "CapPrm",
      "CapEff",
      "CapBnd",
      "CapAmb",
      "NoNewPrivs",
      "Seccomp:",
    ]),
  signals: (call) => printLines(call, "", "/proc/self/status", ["SigBlk", "SigIgn", "SigCgt"]),
  mounts: (call) => printLines(call, "mount ", "/proc/self/mountinfo"),
  ns,
  fds,
  rlimits,
  env: (call) => {
    for (const entry of call.self.env) call.print(`env ${entry}\n`);
  },
  uts,
  cwd: (call) => call.print(`cwd ${getcwd(call.self)}\n`),
  umask: (call) => call.print(`umask ${umask(call.self, 0).toString(8).padStart(4, "0")}\n`),
  cat,
  write,
  stat,
  ls,
  try: attempt,
  exe,
  tty,
  sleep,
  say: (call, words) => {
    if (words.length > 1) call.print(`${words.slice(1).join(" ")}\n`);
  },
  exit: (_call, words) => {
    throw new ProbeExit(Number.parseInt(words[1] ?? "0", 10) || 0);
  },
  out,
  nosys,
  swap,
  readlink: (call, words) =>
    call.print(`link ${need(words, 1)} ${readlinkat(call.self, AT_FDCWD, need(words, 1))}\n`),
};

function* runCommand(call: Call, words: readonly string[]): Coroutine<void> {
  const name = words[0] as string;
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) {
    call.print(`unknown ${name}\n`);
    return;
  }
  try {
    const work = command(call, words);
    if (work !== undefined) yield* work;
  } catch (thrown) {
    if (!isRefusal(thrown)) throw thrown;
    call.print(`error ${name} ${words[1] ?? "-"} ${thrown.number}\n`);
  }
}

/** vitrine-probe COMMAND [ARGUMENT...] [+ COMMAND ...] */
export function* probe(self: Process): Coroutine<number> {
  const call = new Call(self, "vitrine-probe", self.argv.slice(1));
  const { args } = call;
  for (let at = 0; at < args.length; ) {
    let end = args.indexOf("+", at);
    if (end < 0) end = args.length;
    try {
      if (end > at) yield* runCommand(call, args.slice(at, end));
    } catch (thrown) {
      if (!(thrown instanceof ProbeExit)) throw thrown;
      yield* call.flush();
      return thrown.code;
    }
    yield* call.flush();
    at = end + 1;
  }
  return 0;
}
