/**
 * Turns what the kernel refused while a container was made or started into a sentence for the person
 * who wrote the pod, and into the gRPC code that says whose fault it is.
 */
import { type ErrorCode, KernelError, messageOf, RuntimeError } from "../../kernel/errors.ts";
import type { OpName } from "../../kernel/op.ts";
import type { OciProcess } from "../../oci/index.ts";

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
 * The RuntimeError for `error`; `what` says what was attempted, and `process` which command in which
 * directory. An error that has a code keeps it.
 */
export function explainRefusal(
  error: unknown,
  what: string,
  process?: Pick<OciProcess, "args" | "cwd">,
): RuntimeError {
  if (error instanceof RuntimeError) return error;
  if (!(error instanceof KernelError)) {
    return new RuntimeError("INTERNAL", `${what}: ${messageOf(error)}`, { cause: error });
  }
  const { code, message } = explain(error, process);
  return new RuntimeError(code, `${what}: ${message}`, { cause: error });
}

function explain(
  error: KernelError,
  process: Pick<OciProcess, "args" | "cwd"> | undefined,
): { code: ErrorCode; message: string } {
  if (error.op === "execve" && process !== undefined) {
    const reason = execveReasons[error.errno];
    const message = `exec ${quoted(process.args[0] ?? "")}: ${reason ?? error.errno}`;
    return { code: reason === undefined ? "INTERNAL" : "INVALID_ARGUMENT", message };
  }
  if (error.op === "chdir" && process !== undefined) {
    const reason = chdirReasons[error.errno];
    const message = `working directory ${quoted(process.cwd)}: ${reason ?? error.errno}`;
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
