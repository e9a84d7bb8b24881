/**
 * Drivers of character devices, by their numbers (Documentation/admin-guide/devices.txt): what opening a node
 * gives. Drivers are pure: whatever they keep belongs to the machine of the opener.
 */
import type { Process } from "../process/process.ts";
import { refuse } from "../refusal.ts";
import type { OpenFile, Stream } from "./open-file.ts";

/** Opens the device: a stream of its own, or an open file that there is already (/dev/tty). */
export type CharDevice = (opener: Process, flags: number) => Stream | OpenFile;

const drivers = new Map<string, CharDevice>();

/** Makes `open` the driver of major:minor; a minor of -1 stands for all of the major that have none of their own. */
export function registerCharDevice(major: number, minor: number, open: CharDevice): void {
  drivers.set(`${major}:${minor}`, open);
}

/** Opens major:minor. ENXIO when nothing drives it. */
export function openCharDevice(
  opener: Process,
  major: number,
  minor: number,
  flags: number,
): Stream | OpenFile {
  const driver = drivers.get(`${major}:${minor}`) ?? drivers.get(`${major}:-1`);
  return driver === undefined ? refuse("ENXIO") : driver(opener, flags);
}
