/** Numbers of gRPC status names. */
import { status } from "@grpc/grpc-js";
import type { ErrorCode } from "../kernel/errors.ts";

/** The number of a status name. */
export function statusNumber(code: ErrorCode): number {
  return status[code];
}
