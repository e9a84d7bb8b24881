/**
 * How a container ended, in the words of CRI: exit code, one CamelCase word, a sentence.
 * Unknown beats invented: an exit nobody saw is 255 "Unknown".
 */
import type { ContainerExit } from "../../kernel/kernel.ts";
import type { ContainerEnd } from "./container-record.ts";

const exitCodeOfSigkill = 137;
const exitCodeUnknown = 255;
const exitCodeStartError = 128;

/** The end that the shim saw. A clock set back between start and end does not make it end before it began. */
export function endOfExit(exit: ContainerExit, startedAtNs: string): ContainerEnd {
  const oomKilled = exit.oomKilled && exit.exitCode === exitCodeOfSigkill;
  return {
    exitCode: exit.exitCode,
    reason: oomKilled ? "OOMKilled" : exit.exitCode === 0 ? "Completed" : "Error",
    message: oomKilled ? "the kernel killed it for using more memory than its cgroup allows" : "",
    finishedAtNs: notBefore(exit.atNs, startedAtNs),
  };
}

/** The end of a container that nobody saw end: `message` says what is known instead. */
export function endUnseen(atNs: bigint, startedAtNs: string, message: string): ContainerEnd {
  return {
    exitCode: exitCodeUnknown,
    reason: "Unknown",
    message,
    finishedAtNs: notBefore(atNs, startedAtNs),
  };
}

/** The end of a container whose shim died before it, taking the exit code with it. */
export function endWithShim(atNs: bigint, startedAtNs: string): ContainerEnd {
  return {
    ...endUnseen(atNs, startedAtNs, "the shim of its pod died, and the container was killed"),
    reason: "ShimDied",
  };
}

/** The end of a container whose command never came to run. */
export function endOfFailedStart(atNs: bigint, message: string): ContainerEnd {
  return {
    exitCode: exitCodeStartError,
    reason: "StartError",
    message,
    finishedAtNs: atNs.toString(),
  };
}

function notBefore(atNs: bigint, startedAtNs: string): string {
  const startedAt = BigInt(startedAtNs);
  return (atNs < startedAt ? startedAt : atNs).toString();
}
