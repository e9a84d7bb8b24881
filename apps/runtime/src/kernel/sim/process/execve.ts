/** execve(2) behind its door: finds the program, works out who the process will be, and becomes it. */
import { releaseMemory } from "../cgroup/memory.ts";
import { programNameOf } from "../program/program.ts";
import { refuse } from "../refusal.ts";
import { commitCredentials } from "../user/commit-credentials.ts";
import { type Executable, openExecutable } from "../vfs/executable.ts";
import { pathText } from "../vfs/path-text.ts";
import { checkExecute, profileAfterExec } from "./apparmor.ts";
import { executedCredentials } from "./exec-credentials.ts";
import { closeOnExecFiles, resetHandlers } from "./image.ts";
import { NewImage } from "./life.ts";
import type { Process } from "./process.ts";
import { interpreterOf } from "./script.ts";
import { mayNotExecute } from "./user-processes.ts";

/** MAX_ARG_STRLEN; bytes one argument may have, its terminating 0 included. */
const argumentMax = 131_072;
/** Pages that arguments get whatever the stack limit is, and at most: 3/4 of _STK_LIM. */
const argumentsMin = 131_072;
const argumentsMax = 6_291_456;
const commMax = 15;
/** Interpreters that are scripts themselves, one after the other. */
const scriptsMax = 5;

/** UTF-8 length; most arguments are ASCII. */
function byteLength(text: string): number {
  let bytes = text.length;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code > 0x7f) bytes += code > 0x7ff && (code < 0xd800 || code > 0xdfff) ? 2 : 1;
  }
  return bytes;
}

/** E2BIG: one string too long, or all of them more than a quarter of the stack. */
function checkSize(process: Process, argv: readonly string[], env: readonly string[]): void {
  const { soft } = process.rlimits.stack;
  const quarter = soft < 0 ? argumentsMax : Math.floor(soft / 4);
  const max = Math.max(argumentsMin, Math.min(quarter, argumentsMax));
  let total = (argv.length + env.length) * 8;
  for (const list of [argv, env]) {
    for (const text of list) {
      const size = byteLength(text) + 1;
      if (size > argumentMax) refuse("E2BIG");
      total += size;
    }
  }
  if (total > max) refuse("E2BIG");
}

interface Found {
  readonly executable: Executable;
  readonly argv: readonly string[];
  readonly program: string;
}

/** Follows `#!` lines to something that runs. ENOEXEC for a file that is neither, ELOOP for too many scripts. */
function findProgram(process: Process, path: string, argv: readonly string[]): Found {
  let name = path;
  let args = argv.length === 0 ? [""] : argv;
  for (let depth = 0; ; depth++) {
    const executable = openExecutable(process, name);
    if (process.apparmor !== "unconfined") {
      checkExecute(process, pathText(executable.point, process.root));
    }
    const program = programNameOf(executable.content);
    if (program !== undefined) return { executable, argv: args, program };
    const line = interpreterOf(executable.content);
    if (line === undefined) return refuse("ENOEXEC");
    if (depth >= scriptsMax) refuse("ELOOP");
    const optional = line.argument === undefined ? [] : [line.argument];
    args = [line.path, ...optional, name, ...args.slice(1)];
    name = line.path;
  }
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1).slice(0, commMax);
}

/** The time namespace made for the children is from now on its own, too (exec_task_namespaces()). */
function enterTimeNamespace(process: Process): void {
  const { timeForChildren, ...rest } = process.namespaces;
  if (timeForChildren !== undefined) process.namespaces = { ...rest, time: timeForChildren };
}

/** Becomes another program: throws a NewImage, or a Refusal while nothing has changed yet. */
export function replaceImage(
  process: Process,
  path: string,
  argv: readonly string[],
  env: readonly string[],
): never {
  if (mayNotExecute(process)) refuse("EAGAIN", "RLIMIT_NPROC");
  checkSize(process, argv, env);
  const found = findProgram(process, path, argv);
  const program = process.machine.programs.get(found.program);
  if (program === undefined) return refuse("ENOEXEC", `no program ${found.program}`);
  const { credentials, secure } = executedCredentials(process, found.executable.point);
  // From here on there is no way back.
  process.comm = baseName(path);
  process.argv = found.argv;
  process.env = env;
  process.executable = found.executable.point;
  process.apparmor = profileAfterExec(process);
  process.apparmorOnExec = undefined;
  closeOnExecFiles(process);
  resetHandlers(process);
  enterTimeNamespace(process);
  // A new address space: what the program before had is free.
  releaseMemory(process, process.memoryBytes);
  if (secure) process.parentDeathSignal = 0;
  process.dumpable = credentials.uid === credentials.euid && credentials.gid === credentials.egid;
  commitCredentials(process, credentials);
  throw new NewImage(program);
}
