/** Processes as /proc shows them to a program: what ps, top, pgrep and pidof read (proc(5)). */
import type { Process } from "../process/process.ts";
import { isRefusal } from "../refusal.ts";
import { listNames } from "./directory-names.ts";
import { tryFileText } from "./file-text.ts";

export interface ProcessRow {
  readonly pid: number;
  readonly ppid: number;
  readonly group: number;
  readonly session: number;
  readonly comm: string;
  /** "S", "R", "Z", "T", "D". */
  readonly state: string;
  readonly argv: readonly string[];
  readonly uid: number;
  readonly gid: number;
  /** User and system time, hundredths of a second. */
  readonly ticks: number;
  /** Hundredths of a second after boot. */
  readonly startTicks: number;
  /** Bytes. */
  readonly virtual: number;
  readonly resident: number;
  /** Major and minor of the controlling terminal, 0 for none. */
  readonly tty: number;
  readonly nice: number;
}

function effectiveId(status: string, key: string): number {
  const at = status.indexOf(`\n${key}:\t`);
  return at < 0 ? 0 : Number(status.slice(at + key.length + 3).split("\t")[1] ?? 0);
}

/** One process; undefined when it is gone. */
export function readProcess(self: Process, pid: number): ProcessRow | undefined {
  const stat = tryFileText(self, `/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  const status = tryFileText(self, `/proc/${pid}/status`) ?? "";
  const open = stat.indexOf("(");
  const close = stat.lastIndexOf(")");
  const fields = stat.slice(close + 2).split(" ");
  const number = (index: number): number => Number(fields[index - 3] ?? 0);
  const command = tryFileText(self, `/proc/${pid}/cmdline`) ?? "";
  const argv = command.split("\0");
  if (argv.at(-1) === "") argv.pop();
  return {
    pid,
    ppid: number(4),
    group: number(5),
    session: number(6),
    comm: stat.slice(open + 1, close),
    state: fields[0] ?? "S",
    argv,
    uid: effectiveId(status, "Uid"),
    gid: effectiveId(status, "Gid"),
    ticks: number(14) + number(15),
    startTicks: number(22),
    virtual: number(23),
    resident: number(24) * 4096,
    tty: number(7),
    nice: number(19),
  };
}

/** Every process that can be seen, by pid. */
export function readProcesses(self: Process): ProcessRow[] {
  let names: string[];
  try {
    names = listNames(self, "/proc");
  } catch (thrown) {
    if (!isRefusal(thrown)) throw thrown;
    names = [];
  }
  const pids = names.filter((name) => /^[0-9]+$/.test(name)).map(Number);
  pids.sort((a, b) => a - b);
  return pids.map((pid) => readProcess(self, pid)).filter((row) => row !== undefined);
}

/** The command line as busybox shows it: "[name]" without one, "{name} ..." where the two disagree. */
export function commandText(row: ProcessRow): string {
  const first = row.argv[0];
  if (first === undefined || row.argv.join("") === "") return `[${row.comm}]`;
  const text = row.argv.join(" ");
  const base = first.slice(first.lastIndexOf("/") + 1).replace(/^-/, "");
  return base.slice(0, 15) === row.comm ? text : `{${row.comm}} ${text}`;
}
