/** The daemon's log: JSON lines on standard error. */
import { pino } from "pino";

export type Logger = pino.Logger;

/** Errors and whatever is logged after them reach the file even when the process ends at once: writing is synchronous. */
export function openLog(level: string): Logger {
  return pino(
    { name: "vitrined", level, base: { pid: process.pid } },
    pino.destination({ fd: 2, sync: true }),
  );
}
