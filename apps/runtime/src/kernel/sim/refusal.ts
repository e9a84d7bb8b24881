/**
 * How the simulated kernel says no. Not an Error: refusals are ordinary (a path walk makes many) and a
 * stack trace of each would cost more than the call. The Plan executor turns one into an OpReport, a
 * program sees it as errno.
 */
import { type ErrnoName, errnoByName } from "../errno.ts";

export class Refusal {
  readonly errno: ErrnoName;
  /** What the executor's `detail` says of it: which argument, which path. Empty when the errno says it all. */
  readonly detail: string;

  constructor(errno: ErrnoName, detail = "") {
    this.errno = errno;
    this.detail = detail;
  }

  get number(): number {
    return errnoByName[this.errno];
  }
}

/** Ends a system call with this errno (errno(3)). */
export function refuse(errno: ErrnoName, detail = ""): never {
  throw new Refusal(errno, detail);
}

/** True when `thrown` is a Refusal with one of these errnos; any Refusal when none is named. */
export function isRefusal(thrown: unknown, ...errnos: readonly ErrnoName[]): thrown is Refusal {
  return thrown instanceof Refusal && (errnos.length === 0 || errnos.includes(thrown.errno));
}
