/** From what was thrown to the failure the caller is told: the only place where errors become gRPC codes. */
import { type ErrorCode, KernelError, messageOf, RuntimeError } from "../../kernel/errors.ts";
import { redactText } from "../../trace/redact.ts";

/** What a caller is told of a failed call. */
export interface Failure {
  readonly code: ErrorCode;
  readonly message: string;
}

/** Longer ones do not fit HTTP/2 header lists of usual clients (8 KiB), percent-encoding included. */
const messageCharactersMax = 2000;

function isAbort(error: unknown): boolean {
  return error instanceof Error && (error.name === "AbortError" || error.name === "TimeoutError");
}

function failureWithoutBounds(error: unknown, signal: AbortSignal | undefined): Failure {
  if (error instanceof RuntimeError) return { code: error.code, message: error.message };
  if (error instanceof KernelError) {
    const text = `${error.op}: ${error.errno}: ${error.message}`;
    const isFull = error.errno === "ENOSPC" || error.errno === "EDQUOT";
    return { code: isFull ? "RESOURCE_EXHAUSTED" : "INTERNAL", message: text };
  }
  if (isAbort(error)) {
    const reason = signal?.reason;
    if (reason instanceof RuntimeError) return { code: reason.code, message: reason.message };
    return { code: "CANCELLED", message: "the call was cancelled" };
  }
  return { code: "INTERNAL", message: `unexpected: ${messageOf(error)}` };
}

/**
 * The failure a caller is told. `signal` is the call's: its reason says whether an AbortError means
 * a cancelled call or a deadline that passed.
 */
export function failureOf(error: unknown, signal?: AbortSignal): Failure {
  const { code, message } = failureWithoutBounds(error, signal);
  const text = redactText(message);
  const cut = text.length > messageCharactersMax;
  return { code, message: cut ? `${text.slice(0, messageCharactersMax)} ...` : text };
}
