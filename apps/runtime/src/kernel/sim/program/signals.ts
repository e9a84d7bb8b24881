/** Names of signals, as kill -l lists them, and what a shell says of a child that died of one (signal(7)). */

/** By number; "" for none. */
export const signalNames: readonly string[] = [
  ...["EXIT", "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV"],
  ...["USR2", "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU"],
  ...["URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "POLL", "PWR", "SYS"],
];

/** Number of "TERM", "SIGTERM", "term" or "15"; undefined for what is none. 0 is EXIT. */
export function signalNumber(text: string): number | undefined {
  if (/^[0-9]+$/.test(text)) return Number(text) <= 64 ? Number(text) : undefined;
  const upper = text.toUpperCase();
  const number = signalNames.indexOf(upper.startsWith("SIG") ? upper.slice(3) : upper);
  return number < 0 ? undefined : number;
}

const deaths = new Map<number, string>([
  [1, "Hangup"],
  [3, "Quit"],
  [4, "Illegal instruction"],
  [5, "Trace/breakpoint trap"],
  [6, "Aborted"],
  [7, "Bus error"],
  [8, "Floating point exception"],
  [9, "Killed"],
  [10, "User defined signal 1"],
  [11, "Segmentation fault"],
  [12, "User defined signal 2"],
  [14, "Alarm clock"],
  [15, "Terminated"],
  [31, "Bad system call"],
]);

/** The line a shell prints when a child was killed; empty for SIGINT (the line was ended by ^C) and SIGPIPE. */
export function deathMessage(signal: number): string {
  return deaths.get(signal) ?? "";
}
