/** What errors of files mean to a client: a full disk is not our mistake, and is worth a clear word. */
import { messageOf, RuntimeError } from "../kernel/errors.ts";

const full = new Set(["ENOSPC", "EDQUOT"]);

/** Whether an errno name says that the disk or the quota is full. */
export function isFull(errno: string): boolean {
  return full.has(errno);
}

/** `error` as a RuntimeError; `doing` says what was attempted. */
export function storageError(error: unknown, doing: string): RuntimeError {
  if (error instanceof RuntimeError) return error;
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (isFull(code)) {
    return new RuntimeError("RESOURCE_EXHAUSTED", `no space left on the disk while ${doing}`, {
      cause: error,
    });
  }
  return new RuntimeError("INTERNAL", `${doing}: ${messageOf(error)}`, { cause: error });
}
