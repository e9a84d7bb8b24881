/**
 * libvitrine.so through koffi: fd- and pid-oriented calls that are safe from any thread (native/lib/vitrine.h).
 * Answers below zero are -errno and become KernelErrors here.
 */
import koffi from "koffi";
import { errnoName } from "../errno.ts";
import { errnoText } from "../errno-text.ts";
import { KernelError } from "../errors.ts";
import { nativePath } from "./native-path.ts";

const abiVersion = 1;
const spawnSetsid = 1;
const spawnDieWithParent = 2;

interface Functions {
  abiVersion(): number;
  runPlan(plan: Uint8Array, length: number, reports: Uint8Array, size: number): number;
  spawn(
    path: string,
    argv: readonly (string | null)[],
    env: readonly (string | null)[],
    cwd: string | null,
    fds: Int32Array,
    count: number,
    flags: number,
    pidfd: Int32Array,
  ): number;
  wait(pidfd: number, out: Int32Array): number;
  pidfdOpen(pid: number): number;
  pidfdSignal(pidfd: number, signal: number): number;
  memfdSealed(bytes: Uint8Array, length: number): number;
  sealedProgram(path: string): number;
  memfdBounded(size: number): number;
  offset(fd: number): number;
  socketPair(out: Int32Array): number;
  readInRoot(root: string, path: string, bytes: Uint8Array, size: number): number;
}

function load(): Functions {
  const library = koffi.load(nativePath("libvitrine.so"));
  const functions: Functions = {
    abiVersion: library.func("int32_t vt_abi_version()"),
    runPlan: library.func(
      "int64_t vt_run_plan(const uint8_t *plan, uint64_t length, uint8_t *reports, uint64_t size)",
    ),
    spawn: library.func(
      "int32_t vt_spawn(const char *path, const char **argv, const char **env, const char *cwd, const int32_t *fds, int32_t count, uint32_t flags, int32_t *pidfd)",
    ),
    wait: library.func("int32_t vt_wait(int32_t pidfd, int32_t *out)"),
    pidfdOpen: library.func("int32_t vt_pidfd_open(int32_t pid)"),
    pidfdSignal: library.func("int32_t vt_pidfd_signal(int32_t pidfd, int32_t signal)"),
    memfdSealed: library.func("int32_t vt_memfd_sealed(const uint8_t *bytes, uint64_t length)"),
    sealedProgram: library.func("int32_t vt_sealed_program(const char *path)"),
    memfdBounded: library.func("int32_t vt_memfd_bounded(uint64_t size)"),
    offset: library.func("int64_t vt_offset(int32_t fd)"),
    socketPair: library.func("int32_t vt_socket_pair(int32_t *out)"),
    readInRoot: library.func(
      "int64_t vt_read_in_root(const char *root, const char *path, uint8_t *bytes, uint64_t size)",
    ),
  };
  const version = functions.abiVersion();
  if (version !== abiVersion) {
    throw new Error(`libvitrine.so has ABI ${version}, not ${abiVersion}: make -C native`);
  }
  return functions;
}

let loaded: Functions | undefined;

function library(): Functions {
  loaded ??= load();
  return loaded;
}

/** `value`, or the KernelError that a negative one means; `what` says what was attempted. */
function checked(value: number, what: string): number {
  if (value >= 0) return value;
  const errno = errnoName(-value);
  throw new KernelError({
    errno,
    op: "library",
    detail: what,
    message: `${what}: ${errno}, ${errnoText(errno)}`,
  });
}

/** Runs an encoded host Plan in this process; returns the bytes of its records in `reports`. */
export function runEncodedPlan(plan: Uint8Array, reports: Uint8Array): number {
  return checked(library().runPlan(plan, plan.length, reports, reports.length), "run the plan");
}

export interface SpawnOptions {
  readonly path: string;
  readonly argv: readonly string[];
  readonly env: readonly string[];
  readonly cwd?: string;
  /** fds[i] becomes fd i of the program; every other fd stays here. */
  readonly fds: readonly number[];
  /** Makes the program the leader of a session and a process group of its own. */
  readonly setsid: boolean;
  /** Kills it when this process, or rather the thread that starts it, ends. */
  readonly dieWithParent?: boolean;
}

export interface Spawned {
  readonly pid: number;
  /** Close it when the process has been waited for. */
  readonly pidfd: number;
}

/** Starts a program with vfork semantics. Throws KernelError with the errno of execve(2) when it cannot be. */
export function spawnProgram(options: SpawnOptions): Spawned {
  const pidfd = new Int32Array(1);
  const pid = library().spawn(
    options.path,
    [...options.argv, null],
    [...options.env, null],
    options.cwd ?? null,
    Int32Array.from(options.fds),
    options.fds.length,
    (options.setsid ? spawnSetsid : 0) | (options.dieWithParent === true ? spawnDieWithParent : 0),
    pidfd,
  );
  checked(pid, `start ${options.path}`);
  return { pid, pidfd: pidfd[0] ?? -1 };
}

const cldExited = 1;

/** How the process of `pidfd` ended: its exit code, or 128 + signal; undefined while it lives. Reaps it. */
export function waitNoHang(pidfd: number): number | undefined {
  const out = new Int32Array(2);
  if (checked(library().wait(pidfd, out), "wait for a process") === 0) return undefined;
  const status = out[1] ?? 0;
  return out[0] === cldExited ? status : 128 + status;
}

/** pidfd_open(2); undefined when there is no such process. */
export function openPidfd(pid: number): number | undefined {
  const fd = library().pidfdOpen(pid);
  return errnoName(-fd) === "ESRCH" ? undefined : checked(fd, `open a pidfd of ${pid}`);
}

/** pidfd_send_signal(2); false when the process is gone. */
export function signalPidfd(pidfd: number, signal: number): boolean {
  const result = library().pidfdSignal(pidfd, signal);
  if (errnoName(-result) === "ESRCH") return false;
  checked(result, `send signal ${signal}`);
  return true;
}

/** A sealed memfd that holds `bytes`. */
export function sealedMemfd(bytes: Uint8Array): number {
  return checked(library().memfdSealed(bytes, bytes.length), "make a memfd");
}

/** A sealed memfd with a copy of the program at `path`; it runs as /proc/self/fd/N. */
export function sealedProgram(path: string): number {
  return checked(library().sealedProgram(path), `seal a copy of ${path}`);
}

/** A memfd of `sizeBytes` that a program can fill but not grow. */
export function boundedMemfd(sizeBytes: number): number {
  return checked(library().memfdBounded(sizeBytes), "make a memfd");
}

/** Two connected unix stream sockets, non-blocking and close-on-exec. */
export function socketPair(): readonly [number, number] {
  const out = new Int32Array(2);
  checked(library().socketPair(out), "make a pair of sockets");
  return [out[0] ?? -1, out[1] ?? -1];
}

/** How far into a shared file description its writers have come. */
export function fileOffset(fd: number): number {
  return checked(library().offset(fd), "ask for a file offset");
}

/**
 * A regular file inside `root`, resolved as if `root` were "/"; undefined when it is not there.
 * Throws KernelError EINVAL for other types of file, EFBIG for more than `bytesMax`.
 */
export function readFileInRoot(
  root: string,
  path: string,
  bytesMax: number,
): Uint8Array | undefined {
  // Nearly every such file is small; the big buffer is made only for one that is not.
  for (const size of [Math.min(bytesMax, 64 << 10), bytesMax]) {
    const bytes = new Uint8Array(size);
    const length = library().readInRoot(root, path, bytes, size);
    const errno = errnoName(-length);
    if (length < 0 && (errno === "ENOENT" || errno === "ENOTDIR")) return undefined;
    if (length < 0 && errno === "EFBIG" && size < bytesMax) continue;
    return bytes.subarray(0, checked(length, `read ${path} inside ${root}`));
  }
  return undefined;
}
