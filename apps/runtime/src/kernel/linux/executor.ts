/**
 * vitrine-oci as one sealed memory file for the life of the daemon. It must not run from the file on disk, where
 * a container could reach it through /proc/PID/exe (CVE-2019-5736); copying it at each start instead took
 * about a third of that start. The shims get the same descriptor.
 */
import { sealedProgram } from "./library.ts";
import { nativePath } from "./native-path.ts";

let executor: number | undefined;

/** The descriptor, open until the process ends. Throws KernelError when there is no memory for it. */
export function executorFd(): number {
  executor ??= sealedProgram(nativePath("vitrine-oci"));
  return executor;
}

/** The path that a child of this process executes. */
export function executorPath(): string {
  return `/proc/self/fd/${executorFd()}`;
}
