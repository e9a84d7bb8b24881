/** ls: names, or the long format as busybox aligns it. */
import { AT_FDCWD, AT_SYMLINK_NOFOLLOW } from "../../abi.ts";
import { isRefusal } from "../../refusal.ts";
import { readlinkat, type Stat, statat } from "../../syscall/file.ts";
import { AccountNames } from "../account-names.ts";
import type { AppletTable } from "../applet.ts";
import { civilTime, formatTime } from "../calendar.ts";
import type { Call } from "../call.ts";
import { listNames } from "../directory-names.ts";
import { humanSize } from "../human-size.ts";
import { modeText } from "../mode.ts";
import { type Options, parseOptions } from "../options.ts";
import { isTerminal, terminalColumns } from "../terminal.ts";

interface Entry {
  readonly name: string;
  readonly path: string;
  readonly stat: Stat;
  readonly target: string | undefined;
}

const halfYearNs = 182n * 86_400n * 1_000_000_000n;

class Lister {
  readonly call: Call;
  readonly options: Options;
  readonly #names: AccountNames;
  readonly #columns: boolean;

  constructor(call: Call, options: Options) {
    this.call = call;
    this.options = options;
    this.#names = new AccountNames(call.self);
    this.#columns =
      (options.has("C") || isTerminal(call.self, 1)) && !options.has("1") && !options.has("l");
  }

  entry(path: string, name: string, follow: boolean): Entry | undefined {
    const { self } = this.call;
    try {
      let stat: Stat;
      try {
        stat = statat(self, AT_FDCWD, path, follow ? 0 : AT_SYMLINK_NOFOLLOW);
      } catch (thrown) {
        if (!follow || !isRefusal(thrown, "ENOENT", "ELOOP")) throw thrown;
        stat = statat(self, AT_FDCWD, path, AT_SYMLINK_NOFOLLOW);
      }
      let target: string | undefined;
      if (stat.type === "symlink" && (this.options.has("l") || this.options.has("n")))
        target = this.#target(path);
      return { name, path, stat, target };
    } catch (thrown) {
      this.call.refused(path, thrown);
      return undefined;
    }
  }

  #target(path: string): string {
    try {
      return readlinkat(this.call.self, AT_FDCWD, path);
    } catch (thrown) {
      if (isRefusal(thrown)) return "";
      throw thrown;
    }
  }

  /** Entries of a directory, sorted; undefined when it cannot be read. */
  directory(path: string): Entry[] | undefined {
    let names: readonly string[];
    try {
      names = listNames(this.call.self, path);
    } catch (thrown) {
      this.call.refused(path, thrown);
      return undefined;
    }
    const all = this.options.has("a");
    const shown = names.filter((name) => all || this.options.has("A") || !name.startsWith("."));
    if (all) shown.push(".", "..");
    const base = path.endsWith("/") ? path : `${path}/`;
    const entries = shown.map((name) => this.entry(base + name, name, this.options.has("L")));
    return this.sort(entries.filter((entry) => entry !== undefined));
  }

  sort(entries: Entry[]): Entry[] {
    entries.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
    if (this.options.has("S")) entries.sort((a, b) => b.stat.size - a.stat.size);
    else if (this.options.has("t")) {
      entries.sort((a, b) => Number(b.stat.mtimeNs - a.stat.mtimeNs));
    }
    if (this.options.has("r")) entries.reverse();
    return entries;
  }

  show(entries: readonly Entry[]): void {
    if (this.#columns) {
      this.#showColumns(entries.map((entry) => this.#short(entry)));
      return;
    }
    for (const entry of entries)
      this.call.print(
        `${this.options.has("l") || this.options.has("n") ? this.#long(entry) : this.#short(entry)}\n`,
      );
  }

  /** "total 8": blocks of the entries, in units of 1 KiB. */
  total(entries: readonly Entry[]): void {
    if (!this.options.has("l") && !this.options.has("s") && !this.options.has("n")) return;
    const blocks = entries.reduce((sum, { stat }) => sum + kibibytes(stat), 0);
    this.call.print(`total ${this.options.has("h") ? humanSize(blocks * 1024) : blocks}\n`);
  }

  #prefix({ stat }: Entry): string {
    let text = this.options.has("i") ? `${String(stat.inode).padStart(7)} ` : "";
    if (this.options.has("s")) text += `${String(kibibytes(stat)).padStart(6)} `;
    return text;
  }

  #mark({ type, mode }: Stat): string {
    if (type === "directory") return this.options.has("F") || this.options.has("p") ? "/" : "";
    if (!this.options.has("F")) return "";
    if (type === "symlink") return "@";
    if (type === "fifo") return "|";
    if (type === "socket") return "=";
    return type === "file" && (mode & 0o111) !== 0 ? "*" : "";
  }

  #short(entry: Entry): string {
    return this.#prefix(entry) + entry.name + this.#mark(entry.stat);
  }

  #long(entry: Entry): string {
    const { stat, name, target } = entry;
    const numeric = this.options.has("n");
    const owner = (numeric ? String(stat.uid) : this.#names.userText(stat.uid)).slice(0, 8);
    const group = (numeric ? String(stat.gid) : this.#names.groupText(stat.gid)).slice(0, 8);
    const device = stat.type === "char" || stat.type === "block";
    const size = device
      ? `${String(stat.major).padStart(4)}, ${String(stat.minor).padStart(3)}`
      : (this.options.has("h") ? humanSize(stat.size) : String(stat.size)).padStart(9);
    const link = target === undefined ? this.#mark(stat) : ` -> ${target}`;
    return (
      `${this.#prefix(entry)}${modeText(stat.type, stat.mode)} ${String(stat.nlink).padStart(4)} ` +
      `${owner.padEnd(8)} ${group.padEnd(8)} ${size} ${this.#time(stat.mtimeNs)} ${name}${link}`
    );
  }

  #time(mtimeNs: bigint): string {
    const now = this.call.machine.unixNs();
    const recent = now - mtimeNs < halfYearNs && mtimeNs - now < 3_600_000_000_000n;
    if (recent) return formatTime("%b %e %H:%M", mtimeNs);
    return `${formatTime("%b %e", mtimeNs)}  ${civilTime(mtimeNs).year}`;
  }

  /** Down the columns, as wide as the terminal: 80 where it does not say. */
  #showColumns(names: readonly string[]): void {
    if (names.length === 0) return;
    const width = Math.max(...names.map((name) => name.length)) + 2;
    const columns = Math.max(1, Math.floor((terminalColumns(this.call.self, 1) || 80) / width));
    const rows = Math.ceil(names.length / columns);
    for (let row = 0; row < rows; row++) {
      let line = "";
      for (let at = row; at < names.length; at += rows)
        line = line.padEnd(Math.ceil(line.length / width) * width) + names[at];
      this.call.print(`${line}\n`);
    }
  }
}

function kibibytes(stat: Stat): number {
  return stat.type === "file" || stat.type === "directory" ? Math.ceil(stat.size / 4096) * 4 : 0;
}

function ls(call: Call): void {
  const options = parseOptions(call.args, "1AaCcdFHhilLnpRrSstuvxw:", {
    color: "color",
    "full-time": "l",
    help: "help",
  });
  const lister = new Lister(call, options);
  const operands = options.operands.length === 0 ? ["."] : options.operands;
  const files: Entry[] = [];
  const directories: Entry[] = [];
  for (const operand of operands) {
    const follow = !options.has("d") && !options.has("l") && !options.has("n");
    const entry = lister.entry(operand, operand, follow || options.has("L") || options.has("H"));
    if (entry === undefined) continue;
    const asDirectory = entry.stat.type === "directory" && !options.has("d");
    (asDirectory ? directories : files).push(entry);
  }
  lister.show(lister.sort(files));
  const titled = operands.length > 1 || options.has("R");
  let first = files.length === 0;
  const visit = (path: string): void => {
    const entries = lister.directory(path);
    if (entries === undefined) return;
    if (titled) call.print(`${first ? "" : "\n"}${path}:\n`);
    first = false;
    lister.total(entries);
    lister.show(entries);
    if (!options.has("R")) return;
    for (const { name, path: below, stat } of entries)
      if (stat.type === "directory" && name !== "." && name !== "..") visit(below);
  };
  for (const { path } of lister.sort(directories)) visit(path);
}

export const lsApplets: AppletTable = { ls };
