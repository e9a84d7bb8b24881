/**
 * Turns what the kernel refused while a container was made or started into a sentence for the person
 * who wrote the pod, and into the gRPC code that says whose fault it is.
 */
import { type ErrorCode, KernelError, messageOf, RuntimeError } from "../../kernel/errors.ts";
import type { Op, OpName, OpOf } from "../../kernel/op.ts";
import type { Plan } from "../../kernel/plan.ts";

/** A refusal of execve that the pod's author can mend. */
const execveReasons: Readonly<Record<string, string>> = {
  ENOENT: "command not found",
  ENOTDIR: "command not found (a part of its path is no directory)",
  EACCES: "permission denied (not executable, or a directory)",
  ENOEXEC: "not executable on this machine (no program of this architecture, and no #! line)",
  ELOOP: "too many symbolic links",
  E2BIG: "arguments and environment are too long",
  EISDIR: "is a directory",
  EINVAL: "not a valid program",
  ETXTBSY: "is being written to",
};

const chdirReasons: Readonly<Record<string, string>> = {
  ENOENT: "no such directory",
  ENOTDIR: "not a directory",
  EACCES: "permission denied",
  ELOOP: "too many symbolic links",
  EINVAL: "outside of the container",
  EPERM: "outside of the container",
};

/** Ops whose failure is a fault of the request when the errno says "not there" or "not of that kind". */
const pathOps: ReadonlySet<OpName | "library" | "shim"> = new Set<OpName>([
  "openTree",
  "moveMount",
  "mkdir",
  "mknod",
  "open",
  "copyTree",
  "sysctl",
  "symlink",
]);
const pathErrnos: ReadonlySet<string> = new Set(["ENOENT", "ENOTDIR", "ELOOP", "EXDEV", "EINVAL"]);

/**
 * The RuntimeError for `error`; `what` says what was attempted. With the Plan at hand the op's own
 * arguments go into the message. An error that has a code keeps it.
 */
export function explainRefusal(error: unknown, what: string, plan?: Plan): RuntimeError {
  if (error instanceof RuntimeError) return error;
  if (!(error instanceof KernelError)) {
    return new RuntimeError("INTERNAL", `${what}: ${messageOf(error)}`, { cause: error });
  }
  const op = plan?.steps[error.index]?.op;
  const { code, message } = explain(error, op?.op === error.op ? op : undefined);
  return new RuntimeError(code, `${what}: ${message}`, { cause: error });
}

function explain(error: KernelError, op: Op | undefined): { code: ErrorCode; message: string } {
  if (error.op === "execve") {
    const reason = execveReasons[error.errno];
    const command = (op as OpOf<"execve"> | undefined)?.argv[0] ?? error.detail;
    const message = `exec ${quoted(command)}: ${reason ?? error.errno}`;
    return { code: reason === undefined ? "INTERNAL" : "INVALID_ARGUMENT", message };
  }
  if (error.op === "chdir") {
    const reason = chdirReasons[error.errno];
    const path = (op as OpOf<"chdir"> | undefined)?.path ?? error.detail;
    const message = `working directory ${quoted(path)}: ${reason ?? error.errno}`;
    return { code: reason === undefined ? "INTERNAL" : "INVALID_ARGUMENT", message };
  }
  if (pathOps.has(error.op) && pathErrnos.has(error.errno)) {
    return { code: "INVALID_ARGUMENT", message: error.message };
  }
  if (error.errno === "ENOSPC" || error.errno === "EDQUOT") {
    return { code: "RESOURCE_EXHAUSTED", message: error.message };
  }
  return { code: "INTERNAL", message: error.message };
}

function quoted(text: string): string {
  return JSON.stringify(text);
}
