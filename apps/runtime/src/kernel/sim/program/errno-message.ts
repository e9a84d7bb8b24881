/** What perror(3) says: "No such file or directory". */
import { errnoText } from "../../errno-text.ts";
import { isRefusal, type Refusal } from "../refusal.ts";

const others: Readonly<Record<string, string>> = {
  ENOSYS: "Function not implemented",
  EOPNOTSUPP: "Operation not supported",
};

/** strerror(3) of a refusal. */
export function errnoMessage(refusal: Refusal): string {
  const text = others[refusal.errno] ?? errnoText(refusal.errno);
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** The same of anything that was thrown; what is no refusal is a bug, or an execve, and goes on. */
export function messageOf(thrown: unknown): string {
  if (isRefusal(thrown)) return errnoMessage(thrown);
  throw thrown;
}
