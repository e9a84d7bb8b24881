/**
 * Errors of the runtime. A code is given where the meaning is known; the gRPC wrapper turns the code
 * into a status in one place. Messages are lower case, without full stop, and say what was attempted.
 */
import type { OpName, ProcessName } from "./op.ts";

/** gRPC status names (grpc.io/docs/guides/status-codes). */
export type ErrorCode =
  | "CANCELLED"
  | "UNKNOWN"
  | "INVALID_ARGUMENT"
  | "DEADLINE_EXCEEDED"
  | "NOT_FOUND"
  | "ALREADY_EXISTS"
  | "PERMISSION_DENIED"
  | "RESOURCE_EXHAUSTED"
  | "FAILED_PRECONDITION"
  | "ABORTED"
  | "OUT_OF_RANGE"
  | "UNIMPLEMENTED"
  | "INTERNAL"
  | "UNAVAILABLE"
  | "DATA_LOSS"
  | "UNAUTHENTICATED";

export class RuntimeError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "RuntimeError";
    this.code = code;
  }
}

/** An op that the kernel refused. Never reaches a client by itself: the engine gives it a code. */
export class KernelError extends Error {
  /** Errno name, for example "ENOENT". */
  readonly errno: string;
  readonly op: OpName | "library" | "shim";
  readonly process: ProcessName | undefined;
  /** Index of the op in its Plan; -1 when it was no op of a Plan. */
  readonly index: number;
  readonly detail: string;

  constructor(failure: {
    errno: string;
    op: OpName | "library" | "shim";
    process?: ProcessName | undefined;
    index?: number;
    detail: string;
    message: string;
  }) {
    super(failure.message);
    this.name = "KernelError";
    this.errno = failure.errno;
    this.op = failure.op;
    this.process = failure.process;
    this.index = failure.index ?? -1;
    this.detail = failure.detail;
  }
}

/** True when `error` is a KernelError with one of these errnos. */
export function isErrno(error: unknown, ...errnos: readonly string[]): error is KernelError {
  return error instanceof KernelError && errnos.includes(error.errno);
}

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
