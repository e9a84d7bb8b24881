/** ps, top, pgrep, pkill, pidof, kill, killall: processes as /proc shows them. */
import { isRefusal } from "../../refusal.ts";
import { kill as killCall } from "../../syscall/process.ts";
import { AccountNames } from "../account-names.ts";
import type { AppletTable } from "../applet.ts";
import { type Call, UsageError } from "../call.ts";
import { errnoMessage } from "../errno-message.ts";
import { readFileText, tryFileText } from "../file-text.ts";
import { killProcesses } from "../kill-processes.ts";
import { type Options, parseOptions } from "../options.ts";
import { commandText, type ProcessRow, readProcesses } from "../process-table.ts";
import { signalNumber } from "../signals.ts";

function clock(ticks: number): string {
  const seconds = Math.floor(ticks / 100);
  const minutes = Math.floor(seconds / 60);
  return `${minutes}:${String(seconds % 60).padStart(2, "0")}`;
}

/** "1652", "10m": four places. */
function kilobytes(bytes: number): string {
  const value = Math.floor(bytes / 1024);
  if (value < 10_000) return String(value);
  const mega = Math.floor(value / 1024);
  return mega < 1000 ? `${mega}m` : `${Math.floor(mega / 1024)}g`;
}

interface Column {
  readonly header: string;
  readonly width: number;
  readonly right: boolean;
  value(row: ProcessRow, names: AccountNames, nowTicks: number): string;
}

function number(
  header: string,
  width: number,
  value: (row: ProcessRow) => number | string,
): Column {
  return { header, width, right: true, value: (row) => String(value(row)) };
}

const columns: Readonly<Record<string, Column>> = {
  pid: number("PID", 5, (row) => row.pid),
  ppid: number("PPID", 5, (row) => row.ppid),
  pgid: number("PGID", 5, (row) => row.group),
  sid: number("SID", 5, (row) => row.session),
  user: { header: "USER", width: 8, right: false, value: (row, names) => names.userText(row.uid) },
  ruser: {
    header: "RUSER",
    width: 8,
    right: false,
    value: (row, names) => names.userText(row.uid),
  },
  group: {
    header: "GROUP",
    width: 8,
    right: false,
    value: (row, names) => names.groupText(row.gid),
  },
  rgroup: {
    header: "RGROUP",
    width: 8,
    right: false,
    value: (row, names) => names.groupText(row.gid),
  },
  uid: number("UID", 5, (row) => row.uid),
  time: number("TIME", 5, (row) => clock(row.ticks)),
  etime: {
    header: "ELAPSED",
    width: 7,
    right: true,
    value: (row, _names, nowTicks) => clock(Math.max(0, nowTicks - row.startTicks)),
  },
  nice: number("NI", 5, (row) => row.nice),
  stat: { header: "STAT", width: 4, right: false, value: (row) => row.state },
  vsz: number("VSZ", 4, (row) => kilobytes(row.virtual)),
  rss: number("RSS", 4, (row) => kilobytes(row.resident)),
  tty: {
    header: "TT",
    width: 6,
    right: false,
    value: (row) => (row.tty === 0 ? "?" : `${row.tty >> 8},${row.tty & 0xff}`),
  },
  comm: { header: "COMMAND", width: 16, right: false, value: (row) => row.comm },
  args: { header: "COMMAND", width: 256, right: false, value: commandText },
};

function ps(call: Call): void {
  const options = parseOptions(
    call.args.map((arg, index) => (index === 0 && /^[a-z]+$/.test(arg) ? `-${arg}` : arg)),
    "o:TwelfuaxAj",
  );
  const list = options.values("o").flatMap((text) => text.split(","));
  const wanted =
    list.length > 0
      ? list
      : options.has("l")
        ? ["stat", "uid", "pid", "ppid", "vsz", "rss", "time", "args"]
        : ["pid", "user", "time", "args"];
  const shown = wanted.map((text) => {
    const [name = "", header] = text.split("=");
    const column = columns[name];
    if (column === undefined)
      throw new UsageError(
        `bad -o argument '${name}', supported arguments: ${Object.keys(columns).join(",")}`,
      );
    return header === undefined ? column : { ...column, header };
  });
  const names = new AccountNames(call.self);
  const now = Math.floor(
    Number((tryFileText(call.self, "/proc/uptime") ?? "0").split(" ")[0]) * 100,
  );
  const line = (cells: readonly string[]): string =>
    `${cells.map((cell, index) => fit(cell, shown[index] as Column, index === cells.length - 1)).join(" ")}\n`;
  call.print(
    `${shown.map((column, index) => (index === shown.length - 1 ? column.header : column.header.padEnd(column.width))).join(" ")}\n`,
  );
  for (const row of readProcesses(call.self))
    call.print(line(shown.map((column) => column.value(row, names, now))));
}

function fit(cell: string, { width, right }: Column, last: boolean): string {
  if (right) return cell.padStart(width);
  return last ? cell : cell.slice(0, width).padEnd(width);
}

function memory(call: Call): ReadonlyMap<string, number> {
  const lines = readFileText(call.self, "/proc/meminfo").split("\n");
  return new Map(
    lines.map((line) => [line.split(":")[0] ?? "", Number(/[0-9]+/.exec(line)?.[0] ?? 0)]),
  );
}

/** One frame; what is on top is what has the most memory. */
function top(call: Call): void {
  parseOptions(call.args, "bn:d:mH");
  const { self } = call;
  const values = memory(call);
  const [total, free] = [values.get("MemTotal") ?? 0, values.get("MemFree") ?? 0];
  call.print(
    `Mem: ${total - free}K used, ${free}K free, ${values.get("Shmem") ?? 0}K shrd, ${values.get("Buffers") ?? 0}K buff, ${values.get("Cached") ?? 0}K cached\n`,
  );
  const cpu =
    (tryFileText(self, "/proc/stat") ?? "").split("\n")[0]?.split(/ +/).slice(1).map(Number) ?? [];
  const all = Math.max(
    1,
    cpu.reduce((sum, one) => sum + one, 0),
  );
  const share = (index: number): string =>
    String(Math.round(((cpu[index] ?? 0) * 100) / all)).padStart(3);
  call.print(
    `CPU: ${share(0)}% usr ${share(2)}% sys ${share(1)}% nic ${share(3)}% idle ${share(4)}% io ${share(5)}% irq ${share(6)}% sirq\n`,
  );
  call.print(`Load average: ${(tryFileText(self, "/proc/loadavg") ?? "").trim()}\n`);
  call.print("  PID  PPID USER     STAT   VSZ %VSZ %CPU COMMAND\n");
  const names = new AccountNames(self);
  const rows = readProcesses(self).sort(
    (a, b) => b.ticks - a.ticks || b.virtual - a.virtual || a.pid - b.pid,
  );
  for (const row of rows) {
    const percent = total === 0 ? 0 : Math.round((row.virtual / 1024 / total) * 100);
    const used = Math.round((row.ticks * 100) / all);
    call.print(
      `${String(row.pid).padStart(5)} ${String(row.ppid).padStart(5)} ${names.userText(row.uid).slice(0, 8).padEnd(8)} ${row.state.padEnd(4)} ${kilobytes(row.virtual).padStart(5)} ${String(percent).padStart(3)}% ${String(used).padStart(3)}% ${commandText(row)}\n`,
    );
  }
}

function free(call: Call): void {
  const options = parseOptions(call.args, "bkmgh");
  const values = memory(call);
  const get = (name: string): number => values.get(name) ?? 0;
  const unit = options.has("b")
    ? 1 / 1024
    : options.has("m")
      ? 1024
      : options.has("g")
        ? 1024 ** 2
        : 1;
  const text = (kb: number): string => String(Math.floor(kb / unit)).padStart(11);
  const cached = get("Buffers") + get("Cached") + get("SReclaimable");
  const used = get("MemTotal") - get("MemFree") - cached;
  const row = (cells: readonly number[]): string => `${cells.map(text).join(" ")}\n`;
  call.print("              total        used        free      shared  buff/cache   available\n");
  call.print(
    `Mem:    ${row([get("MemTotal"), used, get("MemFree"), get("Shmem"), cached, get("MemAvailable")])}`,
  );
  call.print(
    `Swap:   ${row([get("SwapTotal"), get("SwapTotal") - get("SwapFree"), get("SwapFree")])}`,
  );
}

function uptime(call: Call): void {
  const seconds = Math.floor(Number(readFileText(call.self, "/proc/uptime").split(" ")[0]));
  const load = readFileText(call.self, "/proc/loadavg").split(" ").slice(0, 3).join(", ");
  const [days, hours, minutes] = [
    Math.floor(seconds / 86_400),
    Math.floor(seconds / 3600) % 24,
    Math.floor(seconds / 60) % 60,
  ];
  const day = days === 0 ? "" : `${days} day${days === 1 ? "" : "s"}, `;
  const rest =
    hours === 0
      ? `${minutes} min`
      : `${String(hours).padStart(2)}:${String(minutes).padStart(2, "0")}`;
  const now = Number((call.machine.unixNs() / 1_000_000_000n) % 86_400n);
  const clockText = [Math.floor(now / 3600), Math.floor(now / 60) % 60, now % 60].map((one) =>
    String(one).padStart(2, "0"),
  );
  call.print(` ${clockText.join(":")} up ${day}${rest},  0 users,  load average: ${load}\n`);
}

/** Processes a pattern names; oneself is never among them. */
function matching(
  call: Call,
  letters: string,
  args = call.args,
): { readonly rows: ProcessRow[]; readonly options: Options } {
  const options = parseOptions(args, letters);
  const pattern = options.operands[0];
  if (pattern === undefined) throw new UsageError();
  const expression = new RegExp(options.has("x") ? `^(?:${pattern})$` : pattern);
  const own = call.self.pidIn(call.self.namespaces.pid);
  const rows = readProcesses(call.self).filter(
    (row) =>
      row.pid !== own &&
      expression.test(options.has("f") ? row.argv.join(" ") : row.comm) !== options.has("v"),
  );
  return { rows, options };
}

function pgrep(call: Call): number {
  const { rows, options } = matching(call, "flnovxas:P:");
  const shown = options.has("n") ? rows.slice(-1) : options.has("o") ? rows.slice(0, 1) : rows;
  for (const row of shown) {
    const text = options.has("a")
      ? ` ${row.argv.join(" ")}`
      : options.has("l")
        ? ` ${options.has("f") ? row.argv.join(" ") : row.comm}`
        : "";
    call.print(`${row.pid}${text}\n`);
  }
  return shown.length > 0 ? 0 : 1;
}

function pkill(call: Call): number {
  const first = call.args[0];
  const signal = first?.startsWith("-") ? signalNumber(first.slice(1)) : undefined;
  const { rows } = matching(
    call,
    "flnovxs:P:",
    signal === undefined ? call.args : call.args.slice(1),
  );
  for (const row of rows) signalRow(call, row, signal ?? 15);
  return rows.length > 0 ? call.code : 1;
}

function signalRow(call: Call, row: ProcessRow, signal: number): void {
  try {
    killCall(call.self, row.pid, signal);
  } catch (thrown) {
    if (!isRefusal(thrown)) throw thrown;
    call.fail(`can't kill pid ${row.pid}: ${errnoMessage(thrown)}`);
  }
}

function named(call: Call, name: string): ProcessRow[] {
  return readProcesses(call.self).filter(
    (row) => row.comm === name || row.argv[0]?.split("/").at(-1) === name,
  );
}

function pidof(call: Call): number {
  const options = parseOptions(call.args, "so:");
  const pids = options.operands.flatMap((name) =>
    named(call, name)
      .map((row) => row.pid)
      .reverse(),
  );
  if (pids.length === 0) return 1;
  call.print(`${(options.has("s") ? pids.slice(0, 1) : pids).join(" ")}\n`);
  return 0;
}

function killall(call: Call): void {
  let args = call.args;
  let signal = 15;
  const first = args[0];
  if (first?.startsWith("-") && first !== "-q") {
    signal = signalNumber(first.slice(1)) ?? 15;
    args = args.slice(1);
  }
  for (const name of args) {
    const rows = named(call, name);
    if (rows.length === 0) call.fail(`${name}: no process killed`);
    for (const row of rows) signalRow(call, row, signal);
  }
}

function kill(call: Call): number {
  const result = killProcesses(call.self, call.args);
  call.print(result.text);
  for (const error of result.errors) call.fail(error);
  return result.code;
}

function nproc(call: Call): void {
  const allowed = tryFileText(call.self, "/proc/self/status")?.match(
    /Cpus_allowed_list:\t(.*)/,
  )?.[1];
  let count = 0;
  for (const range of (allowed ?? "").split(",")) {
    const [from, to] = range.split("-").map(Number);
    if (from !== undefined && !Number.isNaN(from)) count += (to ?? from) - from + 1;
  }
  call.print(`${Math.max(1, count)}\n`);
}

export const processApplets: AppletTable = {
  ps,
  top,
  free,
  uptime,
  pgrep,
  pkill,
  pidof,
  killall,
  kill,
  nproc,
};
