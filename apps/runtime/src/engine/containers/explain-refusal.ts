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
  ELOOP: "too many symbolic links, or one that leads out of the container",
  EINVAL: "outside of the container",
  EPERM: "outside of the container",
};

/** Why a log file cannot be opened: what lies in its place, or on the way to it. */
const logReasons: Readonly<Record<string, string>> = {
  ENOTDIR: "a part of its path is no directory, or a symbolic link",
  ELOOP: "it is a symbolic link",
  EISDIR: "it is a directory",
  EINVAL: "it is no regular file",
  ENXIO: "it is no regular file",
  EMLINK: "it has another name",
  ENAMETOOLONG: "its name is too long",
};

/** Files of a cgroup; their last part names the limit. */
const cgroupFile = /"\/sys\/fs\/cgroup\/[^"]*\/([a-z0-9._]+\.[A-Za-z0-9._]+)"/;
const cgroupReasons: Readonly<Record<string, string>> = {
  EBUSY: "more than that is in use",
  ENOENT: "the kernel knows no such limit",
  EINVAL: "the kernel does not take that value",
  ERANGE: "the kernel does not take that value",
  EACCES: "the cgroup above has not got it to give",
  ENOSPC: "the cgroup above has not got it to give",
};

/** What an error message can name of the request. */
export interface Attempted extends Partial<Pick<OciProcess, "args" | "cwd">> {
  readonly logPath?: string;
}

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
 * The RuntimeError for `error`; `what` says what was attempted, and `attempted` which command in which
 * directory with which log. An error that has a code keeps it.
 */
export function explainRefusal(
  error: unknown,
  what: string,
  attempted: Attempted = {},
): RuntimeError {
  if (error instanceof RuntimeError) return error;
  if (!(error instanceof KernelError)) {
    return new RuntimeError("INTERNAL", `${what}: ${messageOf(error)}`, { cause: error });
  }
  const { code, message } = explain(error, attempted);
  return new RuntimeError(code, `${what}: ${message}`, { cause: error });
}

type Explanation = { readonly code: ErrorCode; readonly message: string };

function explain(error: KernelError, attempted: Attempted): Explanation {
  const { args, cwd, logPath } = attempted;
  if (error.op === "execve" && args !== undefined) {
    return blame(error, `exec ${quoted(args[0] ?? "")}`, execveReasons);
  }
  if (cwd !== undefined && (error.op === "chdir" || makes(error, cwd))) {
    return blame(error, `working directory ${quoted(cwd)}`, chdirReasons);
  }
  if (error.op === "shim" && error.detail === "log file" && logPath !== undefined) {
    return blame(error, `log file ${quoted(logPath)}`, logReasons);
  }
  const limit = error.op === "writeFile" ? cgroupFile.exec(error.detail)?.[1] : undefined;
  if (limit !== undefined) return blame(error, limit, cgroupReasons);
  if (pathOps.has(error.op) && pathErrnos.has(error.errno)) {
    return { code: "INVALID_ARGUMENT", message: error.message };
  }
  return { code: isFull(error) ? "RESOURCE_EXHAUSTED" : "INTERNAL", message: error.message };
}

/** A fault of the request where the errno has a reason in the table, one of ours or of the machine otherwise. */
function blame(
  error: KernelError,
  what: string,
  reasons: Readonly<Record<string, string>>,
): Explanation {
  const reason = reasons[error.errno];
  if (reason !== undefined) return { code: "INVALID_ARGUMENT", message: `${what}: ${reason}` };
  const code = isFull(error) ? "RESOURCE_EXHAUSTED" : "INTERNAL";
  return { code, message: `${what}: ${error.errno}` };
}

function isFull(error: KernelError): boolean {
  return error.errno === "ENOSPC" || error.errno === "EDQUOT";
}

/** The working directory is made, where it is missing, before the container is entered. */
function makes(error: KernelError, cwd: string): boolean {
  return error.op === "mkdir" && error.detail.endsWith(quoted(cwd));
}

function quoted(text: string): string {
  return JSON.stringify(text);
}
