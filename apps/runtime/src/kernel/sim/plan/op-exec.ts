/** closeRange and execve, as native/exec/op-exec.c does them: no fd left but stdio, then the program. */
import { errnoText } from "../../errno-text.ts";
import type { OpOf } from "../../op.ts";
import { AT_FDCWD } from "../abi.ts";
import { Refusal, refuse } from "../refusal.ts";
import { closeRange, getcwd, statat } from "../syscall/file.ts";
import { execve } from "../syscall/process.ts";
import { attempt, errnoOf, type PlanProcess } from "./plan-process.ts";

const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** The slots that the Plan keeps, and the executor's own procfs, which ends with execve. */
export function closeRangeOp(x: PlanProcess, op: OpOf<"closeRange">): number {
  const keep = op.keep.map((slot) => x.slot(slot, "keep"));
  if (x.procfs >= 0) keep.push(x.procfs);
  try {
    closeRange(x.process, op.from, keep);
  } catch (thrown) {
    x.failed(thrown, "close_range");
  }
  for (const [slot, fd] of x.slots) {
    if (fd >= op.from && !keep.includes(fd)) x.slots.delete(slot);
  }
  x.nullDevice = -1;
  x.maskMount = -1;
  x.mounted = [];
  return 0;
}

/** Says what the errno of execve alone leaves open. */
function explained(x: PlanProcess, thrown: unknown, path: string): never {
  const errno = errnoOf(thrown);
  const stat = attempt(() => statat(x.process, AT_FDCWD, path));
  const exists = typeof stat === "object";
  x.say(`"${path}": `);
  if (errno === "ENOENT" && exists) x.say("its interpreter or loader does not exist");
  else if (errno === "EACCES" && exists && stat.type === "directory") x.say("is a directory");
  else if (errno === "EACCES") x.say("permission denied or not executable");
  else if (errno === "ENOEXEC") x.say("no program of this machine, and no #! line");
  else x.say(errnoText(errno));
  return refuse(errno);
}

function pathVariable(env: readonly string[]): string {
  return env.find((entry) => entry.startsWith("PATH="))?.slice("PATH=".length) ?? defaultPath;
}

/** execvp(3): the first in PATH that can be run; EACCES of one is remembered but does not stop. */
function execInPath(x: PlanProcess, op: OpOf<"execve">): never {
  if (op.path === "") x.fail("ENOENT", "the command is empty");
  let denied: string | undefined;
  for (const directory of pathVariable(op.env).split(":")) {
    const path = `${directory === "" ? "." : directory}/${op.path}`;
    try {
      execve(x.process, path, op.argv, op.env);
    } catch (thrown) {
      if (!(thrown instanceof Refusal)) throw thrown;
      if (thrown.errno === "EACCES") denied ??= path;
      else if (!["ENOENT", "ENOTDIR", "ESTALE"].includes(thrown.errno)) explained(x, thrown, path);
    }
  }
  if (denied !== undefined) explained(x, new Refusal("EACCES"), denied);
  x.say(`"${op.path}": executable file not found in $PATH`);
  return refuse("ENOENT");
}

/** Never returns: throws a Refusal, or what the process's task makes the program of. */
export function execveOp(x: PlanProcess, op: OpOf<"execve">): never {
  const cwd = attempt(() => getcwd(x.process));
  if (cwd[0] !== "/") x.fail("EXDEV", "working directory is outside the root");
  if (op.argv.length === 0) x.fail("EINVAL", "argv is empty");
  closeRange(x.process, 3, []);
  x.process.umask = x.umask;
  if (!op.path.includes("/")) return execInPath(x, op);
  try {
    return execve(x.process, op.path, op.argv, op.env);
  } catch (thrown) {
    if (!(thrown instanceof Refusal)) throw thrown;
    return explained(x, thrown, op.path);
  }
}
