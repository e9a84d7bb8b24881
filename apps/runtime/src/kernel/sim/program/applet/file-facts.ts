/** stat, readlink, realpath, which, du, df: what is known of files and file systems. */
import { AT_FDCWD, AT_SYMLINK_NOFOLLOW, O_PATH } from "../../abi.ts";
import { isRefusal } from "../../refusal.ts";
import {
  close,
  getcwd,
  openat2,
  readlinkat,
  type Stat,
  statat,
  statfs,
} from "../../syscall/file.ts";
import { AccountNames } from "../account-names.ts";
import type { AppletTable } from "../applet.ts";
import { formatTime } from "../calendar.ts";
import { type Call, UsageError } from "../call.ts";
import { listNames } from "../directory-names.ts";
import { tryFileText } from "../file-text.ts";
import { humanSize } from "../human-size.ts";
import { modeText } from "../mode.ts";
import { parseOptions } from "../options.ts";
import { forEachPath, statOrNothing } from "./make-files.ts";
import { mayExecute } from "./move-files.ts";

const typeNames: Readonly<Record<Stat["type"], string>> = {
  file: "regular file",
  directory: "directory",
  symlink: "symbolic link",
  char: "character special file",
  block: "block special file",
  fifo: "fifo",
  socket: "socket",
};

const typeBits: Readonly<Record<Stat["type"], number>> = {
  file: 0o100000,
  directory: 0o040000,
  symlink: 0o120000,
  char: 0o020000,
  block: 0o060000,
  fifo: 0o010000,
  socket: 0o140000,
};

/** st_mode: type and permissions. */
export function fullMode(stat: Stat): number {
  return typeBits[stat.type] | stat.mode;
}

function timeText(ns: bigint): string {
  return `${formatTime("%Y-%m-%d %H:%M:%S", ns)}.${String(ns % 1_000_000_000n).padStart(9, "0")} +0000`;
}

function statLine(call: Call, path: string, stat: Stat, names: AccountNames): string {
  const kind =
    stat.type === "file" && stat.size === 0 ? "regular empty file" : typeNames[stat.type];
  const target = stat.type === "symlink" ? ` -> ${readlinkat(call.self, AT_FDCWD, path)}` : "";
  const blocks = Math.ceil(stat.size / 4096) * 8;
  const device = `${stat.device.toString(16)}h/${stat.device}d`;
  const special = stat.type === "char" || stat.type === "block";
  const rdev = special ? ` Device type: ${stat.major.toString(16)},${stat.minor.toString(16)}` : "";
  const time = timeText(stat.mtimeNs);
  return (
    `  File: ${path}${target}\n` +
    `  Size: ${String(stat.size).padEnd(10)}\tBlocks: ${String(blocks).padEnd(10)} IO Block: 4096   ${kind}\n` +
    `Device: ${device}\tInode: ${String(stat.inode).padEnd(10)}  Links: ${special ? String(stat.nlink).padEnd(5) : stat.nlink}${rdev}\n` +
    `Access: (${stat.mode.toString(8).padStart(4, "0")}/${modeText(stat.type, stat.mode)})  ` +
    `Uid: (${String(stat.uid).padStart(5)}/${(names.user(stat.uid)?.name ?? "UNKNOWN").padStart(8)})   ` +
    `Gid: (${String(stat.gid).padStart(5)}/${(names.group(stat.gid)?.name ?? "UNKNOWN").padStart(8)})\n` +
    `Access: ${time}\nModify: ${time}\nChange: ${time}\n`
  );
}

function formatStat(
  call: Call,
  format: string,
  path: string,
  stat: Stat,
  names: AccountNames,
): string {
  const fields: Readonly<Record<string, () => string>> = {
    a: () => stat.mode.toString(8),
    A: () => modeText(stat.type, stat.mode),
    b: () => String(Math.ceil(stat.size / 4096) * 8),
    B: () => "512",
    d: () => String(stat.device),
    D: () => stat.device.toString(16),
    f: () => fullMode(stat).toString(16),
    F: () =>
      stat.type === "file" && stat.size === 0 ? "regular empty file" : typeNames[stat.type],
    g: () => String(stat.gid),
    G: () => names.group(stat.gid)?.name ?? "UNKNOWN",
    h: () => String(stat.nlink),
    i: () => String(stat.inode),
    n: () => path,
    N: () =>
      stat.type === "symlink" ? `${path} -> ${readlinkat(call.self, AT_FDCWD, path)}` : path,
    o: () => "4096",
    s: () => String(stat.size),
    t: () => stat.major.toString(16),
    T: () => stat.minor.toString(16),
    u: () => String(stat.uid),
    U: () => names.user(stat.uid)?.name ?? "UNKNOWN",
    y: () => timeText(stat.mtimeNs),
    Y: () => String(stat.mtimeNs / 1_000_000_000n),
    "%": () => "%",
  };
  return format.replace(/%([a-zA-Z%])/g, (all, letter: string) => fields[letter]?.() ?? all);
}

function stat(call: Call): void {
  const options = parseOptions(call.args, "Lc:ft", { format: "c:" });
  const format = options.value("c");
  const names = new AccountNames(call.self);
  forEachPath(
    call,
    options.operands,
    (path) => `can't stat '${path}'`,
    (path) => {
      if (options.has("f")) {
        const { type, totalBytes, freeBytes } = statfs(call.self, path);
        call.print(`  File: "${path}"\n    Type: ${type}\nBlock size: 4096\n`);
        call.print(
          `Blocks: Total: ${totalBytes / 4096} Free: ${freeBytes / 4096} Available: ${freeBytes / 4096}\n`,
        );
        return;
      }
      const found = statat(call.self, AT_FDCWD, path, options.has("L") ? 0 : AT_SYMLINK_NOFOLLOW);
      if (format === undefined) call.print(statLine(call, path, found, names));
      else call.print(`${formatStat(call, format, path, found, names)}\n`);
    },
  );
}

/** realpath(3), asked of the kernel: what the fd of an opened path is called in /proc, or step by step. */
function canonical(call: Call, path: string): string {
  const { self } = call;
  let absolute = path.startsWith("/") ? path : `${getcwd(self)}/${path}`;
  for (let links = 0; links <= 40; links++) {
    const parts = absolute.split("/").filter((part) => part !== "" && part !== ".");
    let done = "";
    let restart: string | undefined;
    for (let index = 0; index < parts.length; index++) {
      const part = parts[index] as string;
      if (part === "..") {
        done = done.slice(0, Math.max(0, done.lastIndexOf("/")));
        continue;
      }
      const at = `${done}/${part}`;
      const found = statOrNothing(call, at, AT_SYMLINK_NOFOLLOW);
      if (found?.type !== "symlink") {
        if (found === undefined && index < parts.length - 1) statat(self, AT_FDCWD, at);
        done = at;
        continue;
      }
      const target = readlinkat(self, AT_FDCWD, at);
      const rest = parts.slice(index + 1).join("/");
      restart = `${target.startsWith("/") ? "" : `${done}/`}${target}/${rest}`;
      break;
    }
    if (restart === undefined) return done === "" ? "/" : done;
    absolute = restart;
  }
  // Too many links: the kernel says so.
  close(self, openat2(self, AT_FDCWD, path, { flags: O_PATH }));
  return absolute;
}

function readlink(call: Call): void {
  const options = parseOptions(call.args, "fnsv");
  const newline = options.has("n") ? "" : "\n";
  if (options.operands.length === 0) throw new UsageError();
  for (const path of options.operands) {
    try {
      const text = options.has("f") ? canonical(call, path) : readlinkat(call.self, AT_FDCWD, path);
      call.print(`${text}${newline}`);
    } catch (thrown) {
      if (!isRefusal(thrown)) throw thrown;
      call.code = 1;
    }
  }
}

function realpath(call: Call): void {
  forEachPath(
    call,
    call.args,
    (path) => path,
    (path) => {
      call.print(`${canonical(call, path)}\n`);
    },
  );
}

function which(call: Call): void {
  const options = parseOptions(call.args, "a");
  const path =
    call.self.env.find((entry) => entry.startsWith("PATH="))?.slice(5) ?? "/bin:/usr/bin";
  for (const name of options.operands) {
    const places = name.includes("/")
      ? [name]
      : path.split(":").map((directory) => `${directory}/${name}`);
    const found = places.filter((place) => mayExecute(call, place));
    if (found.length === 0) call.code = 1;
    for (const place of options.has("a") ? found : found.slice(0, 1)) call.print(`${place}\n`);
  }
}

/** Bytes a tree takes on its own file system, each inode once. */
function usage(
  call: Call,
  path: string,
  show: (path: string, bytes: number, depth: number) => void,
  seen: Set<number>,
  device: number | undefined,
  depth: number,
): number {
  let found: Stat;
  try {
    found = statat(call.self, AT_FDCWD, path, AT_SYMLINK_NOFOLLOW);
  } catch (thrown) {
    call.refused(path, thrown);
    return 0;
  }
  if ((device !== undefined && found.device !== device) || seen.has(found.inode)) return 0;
  seen.add(found.inode);
  let bytes =
    found.type === "file" || found.type === "directory" ? Math.ceil(found.size / 4096) * 4096 : 0;
  if (found.type === "directory") {
    try {
      for (const name of listNames(call.self, path))
        bytes += usage(
          call,
          `${path.replace(/\/$/, "")}/${name}`,
          show,
          seen,
          found.device,
          depth + 1,
        );
    } catch (thrown) {
      call.fail(`can't open '${path}': ${String(isRefusal(thrown) ? thrown.errno : thrown)}`);
    }
  }
  if (found.type === "directory" || depth === 0) show(path, bytes, depth);
  else show(path, bytes, -depth);
  return bytes;
}

function du(call: Call): void {
  const options = parseOptions(call.args, "aHLdclsmhkxb:");
  const depthMax = options.has("s") ? 0 : Number.POSITIVE_INFINITY;
  const print = (path: string, bytes: number): void => {
    const size = options.has("h")
      ? humanSize(bytes)
      : String(options.has("m") ? Math.ceil(bytes / 1024 ** 2) : bytes / 1024);
    call.print(`${size}\t${path}\n`);
  };
  let total = 0;
  for (const path of options.operands.length === 0 ? ["."] : options.operands)
    total += usage(
      call,
      path,
      (at, bytes, depth) => {
        if (depth < 0 && !options.has("a")) return;
        if (Math.abs(depth) <= depthMax) print(at, bytes);
      },
      new Set(),
      undefined,
      0,
    );
  if (options.has("c")) print("total", total);
}

function df(call: Call): void {
  const options = parseOptions(call.args, "kmhTtaPi");
  const mounts = (tryFileText(call.self, "/proc/mounts") ?? "")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.split(" ").map((word) => word.replaceAll("\\040", " ")));
  let wanted = mounts;
  if (options.operands.length > 0) {
    wanted = options.operands.flatMap((path) => {
      if (statOrNothing(call, path) === undefined) {
        call.fail(`${path}: can't find mount point`);
        return [];
      }
      const real = canonical(call, path);
      const holding = mounts.filter(
        ([, at = ""]) => real === at || real.startsWith(at === "/" ? "/" : `${at}/`),
      );
      const best = holding.reduce<string[] | undefined>(
        (longest, one) =>
          longest === undefined || (one[1] ?? "").length >= (longest[1] ?? "").length
            ? one
            : longest,
        undefined,
      );
      return best === undefined ? [] : [best];
    });
  }
  const type = options.has("T");
  const unit = options.has("h") ? "     Size" : options.has("m") ? "1M-blocks" : "1K-blocks";
  call.print(
    `Filesystem          ${type ? " Type      " : ""} ${unit}      Used Available Use% Mounted on\n`,
  );
  for (const [source = "", at = "", fstype = ""] of wanted) {
    let space: ReturnType<typeof statfs>;
    try {
      space = statfs(call.self, at);
    } catch (thrown) {
      call.refused(at, thrown);
      continue;
    }
    if (space.totalBytes === 0 && options.operands.length === 0 && !options.has("a")) continue;
    const used = space.totalBytes - space.freeBytes;
    const size = (bytes: number): string => {
      if (options.has("h")) return humanSize(bytes);
      return String(Math.floor(bytes / (options.has("m") ? 1024 ** 2 : 1024)));
    };
    const percent = space.totalBytes === 0 ? 0 : Math.ceil((used * 100) / space.totalBytes);
    const name = source.length > 20 ? `${source}\n${" ".repeat(20)}` : source.padEnd(20);
    call.print(
      `${name}${type ? ` ${fstype.padEnd(10)}` : ""} ${size(space.totalBytes).padStart(9)} ${size(used).padStart(9)} ${size(space.freeBytes).padStart(9)} ${String(percent).padStart(3)}% ${at}\n`,
    );
  }
}

export const fileFactApplets: AppletTable = { stat, readlink, realpath, which, du, df };
