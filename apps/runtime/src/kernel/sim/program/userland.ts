/**
 * What a busybox userland consists of: one executable and a link for every applet. The host and the images that
 * are "busybox" inside have the same.
 */

import { appletNames } from "./busybox.ts";
import { executableContent } from "./program.ts";

export interface UserlandEntry {
  /** Absolute. */
  readonly path: string;
  /** Content of an executable, or where a link points. */
  readonly content?: Uint8Array;
  readonly target?: string;
  readonly mode: number;
}

const busyboxContent = executableContent("busybox");

/** Entries for /bin: busybox and its links. The content is one array, shared by all who install it. */
export function userland(): readonly UserlandEntry[] {
  const entries: UserlandEntry[] = [{ path: "/bin/busybox", content: busyboxContent, mode: 0o755 }];
  for (const name of appletNames()) {
    if (name !== "busybox") entries.push({ path: `/bin/${name}`, target: "busybox", mode: 0o777 });
  }
  return entries;
}
