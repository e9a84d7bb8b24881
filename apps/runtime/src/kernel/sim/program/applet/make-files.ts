/** mkdir, rmdir, touch, ln, mknod, mkfifo, truncate, unlink, chmod, chown: names and attributes. */
import { AT_FDCWD, AT_REMOVEDIR, AT_SYMLINK_NOFOLLOW, O_CREAT, O_WRONLY } from "../../abi.ts";
import { isRefusal } from "../../refusal.ts";
import {
  close,
  fchmodat,
  fchownat,
  ftruncate,
  linkat,
  mkdirat,
  mknodat,
  openat2,
  type Stat,
  statat,
  symlinkat,
  unlinkat,
  utimensat,
} from "../../syscall/file.ts";
import { AccountNames } from "../account-names.ts";
import type { AppletTable } from "../applet.ts";
import { AppletError, type Call, UsageError } from "../call.ts";
import { listNames } from "../directory-names.ts";
import { parseMode } from "../mode.ts";
import { parseNumber, parseOptions, parseSize } from "../options.ts";
import { baseName, directoryName } from "./words.ts";

/** lstat or stat; undefined when there is nothing. */
export function statOrNothing(call: Call, path: string, flags = 0): Stat | undefined {
  try {
    return statat(call.self, AT_FDCWD, path, flags);
  } catch (thrown) {
    if (isRefusal(thrown)) return undefined;
    throw thrown;
  }
}

/** Calls `work` for each path; a refused one is told in `words`, and the rest goes on. */
export function forEachPath(
  call: Call,
  paths: readonly string[],
  words: (path: string) => string,
  work: (path: string) => void,
): void {
  if (paths.length === 0) throw new UsageError();
  for (const path of paths) {
    try {
      work(path);
    } catch (thrown) {
      call.refused(words(path), thrown);
    }
  }
}

function modeOption(text: string, umask: number): number {
  const mode = parseMode(text, 0o777 & ~umask, false, umask);
  if (mode === undefined) throw new AppletError(`invalid mode '${text}'`);
  return mode;
}

function mkdir(call: Call): void {
  const options = parseOptions(call.args, "pm:v", { parents: "p", mode: "m:" });
  const { self } = call;
  const modeText = options.value("m");
  forEachPath(
    call,
    options.operands,
    (path) => `can't create directory '${path}'`,
    (path) => {
      if (options.has("p")) {
        let made = path.startsWith("/") ? "/" : "";
        for (const part of path.split("/").filter((one) => one !== "")) {
          made += made === "" || made.endsWith("/") ? part : `/${part}`;
          try {
            mkdirat(self, AT_FDCWD, made, 0o777);
          } catch (thrown) {
            if (!isRefusal(thrown, "EEXIST", "EROFS", "EACCES", "EPERM")) throw thrown;
            const there = statOrNothing(call, made);
            if (there?.type !== "directory") throw thrown;
          }
        }
      } else mkdirat(self, AT_FDCWD, path, 0o777);
      if (modeText !== undefined) fchmodat(self, AT_FDCWD, path, modeOption(modeText, self.umask));
    },
  );
}

function rmdir(call: Call): void {
  const options = parseOptions(call.args, "p", { parents: "p", "ignore-fail-on-non-empty": "i" });
  forEachPath(
    call,
    options.operands,
    (path) => `'${path}'`,
    (path) => {
      unlinkat(call.self, AT_FDCWD, path, AT_REMOVEDIR);
      if (!options.has("p")) return;
      for (let up = directoryName(path); up !== "." && up !== "/"; up = directoryName(up))
        unlinkat(call.self, AT_FDCWD, up, AT_REMOVEDIR);
    },
  );
}

function touch(call: Call): void {
  const options = parseOptions(call.args, "cahmr:d:t:", { "no-create": "c" });
  const { self } = call;
  const reference = options.value("r");
  const time = reference === undefined ? undefined : statat(self, AT_FDCWD, reference).mtimeNs;
  forEachPath(
    call,
    options.operands,
    (path) => path,
    (path) => {
      try {
        utimensat(self, AT_FDCWD, path, time);
      } catch (thrown) {
        if (!isRefusal(thrown, "ENOENT")) throw thrown;
        if (options.has("c")) return;
        close(self, openat2(self, AT_FDCWD, path, { flags: O_WRONLY | O_CREAT, mode: 0o666 }));
        if (time !== undefined) utimensat(self, AT_FDCWD, path, time);
      }
    },
  );
}

function ln(call: Call): void {
  const options = parseOptions(call.args, "sfnbS:vT", { symbolic: "s", force: "f" });
  const operands = [...options.operands];
  if (operands.length === 0) throw new UsageError();
  const last = operands.length === 1 ? "." : (operands.pop() as string);
  const { self } = call;
  const flags = options.has("n") ? AT_SYMLINK_NOFOLLOW : 0;
  const inside = !options.has("T") && statOrNothing(call, last, flags)?.type === "directory";
  for (const target of operands) {
    const path = inside ? `${last.replace(/\/$/, "")}/${baseName(target)}` : last;
    try {
      if (options.has("f") && statOrNothing(call, path, AT_SYMLINK_NOFOLLOW) !== undefined)
        unlinkat(self, AT_FDCWD, path);
      if (options.has("s")) symlinkat(self, target, AT_FDCWD, path);
      else linkat(self, AT_FDCWD, target, AT_FDCWD, path);
    } catch (thrown) {
      const missing = !options.has("s") && statOrNothing(call, target) === undefined;
      call.refused(missing ? target : path, thrown);
    }
  }
}

function mknod(call: Call): void {
  const options = parseOptions(call.args, "m:");
  const [path, type, major, minor] = options.operands;
  const { self } = call;
  const types: Readonly<Record<string, "char" | "block" | "fifo">> = {
    c: "char",
    u: "char",
    b: "block",
    p: "fifo",
  };
  const kind = types[type ?? ""];
  if (path === undefined || kind === undefined) throw new UsageError();
  if ((kind !== "fifo") !== (minor !== undefined)) throw new UsageError();
  const text = options.value("m");
  try {
    const numbers = kind === "fifo" ? [0, 0] : [parseNumber(major ?? ""), parseNumber(minor ?? "")];
    mknodat(self, AT_FDCWD, path, kind, 0o666, numbers[0], numbers[1]);
    if (text !== undefined) fchmodat(self, AT_FDCWD, path, modeOption(text, self.umask));
  } catch (thrown) {
    if (!isRefusal(thrown)) throw thrown;
    call.refused(path, thrown);
  }
}

function mkfifo(call: Call): void {
  const options = parseOptions(call.args, "m:");
  forEachPath(
    call,
    options.operands,
    (path) => path,
    (path) =>
      mknodat(call.self, AT_FDCWD, path, "fifo", modeOption(options.value("m") ?? "666", 0)),
  );
}

function truncate(call: Call): void {
  const options = parseOptions(call.args, "cs:");
  const size = options.value("s");
  if (size === undefined) throw new UsageError();
  forEachPath(
    call,
    options.operands,
    (path) => path,
    (path) => {
      const flags = O_WRONLY | (options.has("c") ? 0 : O_CREAT);
      const fd = openat2(call.self, AT_FDCWD, path, {
        flags,
        mode: options.has("c") ? 0 : 0o666,
      });
      try {
        ftruncate(call.self, fd, parseSize(size));
      } finally {
        close(call.self, fd);
      }
    },
  );
}

function unlink(call: Call): void {
  forEachPath(
    call,
    call.args,
    (path) => `can't remove file '${path}'`,
    (path) => unlinkat(call.self, AT_FDCWD, path),
  );
}

/** `work` on a path and, with `recursive`, on everything below it. */
function walkTree(
  call: Call,
  path: string,
  recursive: boolean,
  work: (path: string, stat: Stat) => void,
): void {
  try {
    const link = statat(call.self, AT_FDCWD, path, AT_SYMLINK_NOFOLLOW);
    if (recursive && link.type === "symlink") return;
    work(path, link.type === "symlink" ? statat(call.self, AT_FDCWD, path) : link);
    if (!recursive || link.type !== "directory") return;
  } catch (thrown) {
    call.refused(path, thrown);
    return;
  }
  for (const name of listNames(call.self, path))
    walkTree(call, `${path.replace(/\/$/, "")}/${name}`, true, work);
}

function chmod(call: Call): void {
  // "-x" is a mode, not an option.
  const args = call.args.map((arg) => (/^-[rwxst]/.test(arg) ? `\0${arg}` : arg));
  const options = parseOptions(args, "Rvcf", { recursive: "R" });
  const [first, ...paths] = options.operands;
  const mode = first?.replace("\0", "");
  if (mode === undefined || paths.length === 0) throw new UsageError();
  for (const path of paths)
    walkTree(call, path, options.has("R"), (at, stat) => {
      const wanted = parseMode(mode, stat.mode, stat.type === "directory", call.self.umask);
      if (wanted === undefined) throw new AppletError(`invalid mode '${mode}'`);
      fchmodat(call.self, AT_FDCWD, at, wanted);
    });
}

function chown(call: Call): void {
  const options = parseOptions(call.args, "Rhvcf", { recursive: "R", "no-dereference": "h" });
  const [owner, ...paths] = options.operands;
  if (owner === undefined || paths.length === 0) throw new UsageError();
  const names = new AccountNames(call.self);
  const [userText = "", groupText] = call.name === "chgrp" ? ["", owner] : owner.split(/[:.]/);
  const uid = userText === "" ? -1 : names.userId(userText);
  const gid = groupText === undefined || groupText === "" ? -1 : names.groupId(groupText);
  if (uid === undefined) {
    call.fail(`unknown user ${userText}`);
    return;
  }
  if (gid === undefined) {
    call.fail(`unknown group ${groupText}`);
    return;
  }
  const flags = options.has("h") ? AT_SYMLINK_NOFOLLOW : 0;
  if (options.has("h") && !options.has("R")) {
    forEachPath(
      call,
      paths,
      (path) => path,
      (path) => fchownat(call.self, AT_FDCWD, path, uid, gid, flags),
    );
    return;
  }
  for (const path of paths)
    walkTree(call, path, options.has("R"), (at) => fchownat(call.self, AT_FDCWD, at, uid, gid));
}

export const makeFileApplets: AppletTable = {
  mkdir,
  rmdir,
  touch,
  ln,
  mknod,
  mkfifo,
  truncate,
  unlink,
  chmod,
  chown,
  chgrp: chown,
};
