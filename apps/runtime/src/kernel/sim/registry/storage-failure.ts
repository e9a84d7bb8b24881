/** What refused calls on blobs and layers mean to a client, in the words of the real store. */
import { errnoText } from "../../errno-text.ts";
import { RuntimeError } from "../../errors.ts";
import { Refusal } from "../refusal.ts";

/** `thrown` as a RuntimeError when the kernel refused; anything else as it is. `doing` says what was attempted. */
export function storageFailure(thrown: unknown, doing: string): unknown {
  if (!(thrown instanceof Refusal)) return thrown;
  const { errno } = thrown;
  if (errno === "ENOSPC" || errno === "EDQUOT") {
    return new RuntimeError("RESOURCE_EXHAUSTED", `no space left on the disk while ${doing}`);
  }
  return new RuntimeError("INTERNAL", `${doing}: ${errno}, ${errnoText(errno)}`);
}
