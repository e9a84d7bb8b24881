/** rm, cp, mv: trees of files. */
import {
  AT_FDCWD,
  AT_REMOVEDIR,
  AT_SYMLINK_NOFOLLOW,
  O_CREAT,
  O_RDONLY,
  O_TRUNC,
  O_WRONLY,
} from "../../abi.ts";
import { isRefusal } from "../../refusal.ts";
import {
  access,
  close,
  fchmodat,
  fchownat,
  mkdirat,
  mknodat,
  openat2,
  readlinkat,
  renameat,
  type Stat,
  statat,
  symlinkat,
  unlinkat,
  utimensat,
} from "../../syscall/file.ts";
import type { Coroutine } from "../../task.ts";
import type { AppletTable } from "../applet.ts";
import { type Call, UsageError } from "../call.ts";
import { listNames } from "../directory-names.ts";
import { messageOf } from "../errno-message.ts";
import { type Options, parseOptions } from "../options.ts";
import { statOrNothing } from "./make-files.ts";
import { baseName } from "./words.ts";

function removeTree(call: Call, path: string, options: Options): boolean {
  const { self } = call;
  const force = options.has("f");
  let stat: Stat;
  try {
    stat = statat(self, AT_FDCWD, path, AT_SYMLINK_NOFOLLOW);
  } catch (thrown) {
    if (isRefusal(thrown, "ENOENT") && force) return true;
    call.fail(`can't remove '${path}': ${messageOf(thrown)}`);
    return false;
  }
  try {
    if (stat.type !== "directory") {
      unlinkat(self, AT_FDCWD, path);
      return true;
    }
    if (!options.has("r") && !options.has("R")) {
      call.fail(`'${path}' is a directory`);
      return false;
    }
    let clean = true;
    for (const name of listNames(self, path))
      clean = removeTree(call, `${path.replace(/\/$/, "")}/${name}`, options) && clean;
    if (!clean) return false;
    unlinkat(self, AT_FDCWD, path, AT_REMOVEDIR);
    return true;
  } catch (thrown) {
    call.fail(`can't remove '${path}': ${messageOf(thrown)}`);
    return false;
  }
}

function rm(call: Call): void {
  const options = parseOptions(call.args, "firRv", { force: "f", recursive: "r" });
  if (options.operands.length === 0 && !options.has("f")) throw new UsageError();
  for (const path of options.operands) {
    const name = baseName(path);
    if (name === "." || name === "..") {
      call.fail("can't remove '.' or '..'");
      continue;
    }
    removeTree(call, path, options);
  }
}

/** Where a source goes: into the last operand when that is a directory, else onto it. */
function* eachTarget(
  call: Call,
  options: Options,
  work: (from: string, to: string) => Coroutine<void>,
): Coroutine<void> {
  const operands = [...options.operands];
  const given = options.value("t");
  const last = given ?? operands.pop();
  if (last === undefined || operands.length === 0) throw new UsageError();
  const directory = !options.has("T") && statOrNothing(call, last)?.type === "directory";
  for (const from of operands)
    yield* work(
      from,
      directory || operands.length > 1 ? `${last.replace(/\/$/, "")}/${baseName(from)}` : last,
    );
}

class Copier {
  readonly #call: Call;
  readonly #recursive: boolean;
  readonly #links: boolean;
  readonly #keep: boolean;
  readonly #force: boolean;

  constructor(
    call: Call,
    options: { recursive: boolean; links: boolean; keep: boolean; force: boolean },
  ) {
    this.#call = call;
    this.#recursive = options.recursive;
    this.#links = options.links;
    this.#keep = options.keep;
    this.#force = options.force;
  }

  /** Copies one file or tree; what goes wrong is told. */
  *copy(from: string, to: string): Coroutine<boolean> {
    const call = this.#call;
    const { self } = call;
    let stat: Stat;
    try {
      stat = statat(self, AT_FDCWD, from, this.#links ? AT_SYMLINK_NOFOLLOW : 0);
    } catch (thrown) {
      call.fail(`can't stat '${from}': ${messageOf(thrown)}`);
      return false;
    }
    const there = statOrNothing(call, to, AT_SYMLINK_NOFOLLOW);
    if (there !== undefined && there.inode === stat.inode && there.device === stat.device) {
      call.fail(`'${from}' and '${to}' are the same file`);
      return false;
    }
    try {
      let clean = true;
      if (stat.type === "directory") clean = yield* this.#directory(from, to, stat);
      else if (stat.type === "file" || !this.#recursive) yield* this.#file(from, to, stat);
      else this.#special(from, to, stat);
      if (clean && this.#keep) this.#attributes(to, stat);
      return clean;
    } catch (thrown) {
      if (thrown instanceof CopyError) call.fail(thrown.message);
      else call.fail(`can't create '${to}': ${messageOf(thrown)}`);
      return false;
    }
  }

  *#directory(from: string, to: string, stat: Stat): Coroutine<boolean> {
    const call = this.#call;
    if (!this.#recursive) throw new CopyError(`omitting directory '${from}'`);
    if (statOrNothing(call, to)?.type !== "directory") {
      try {
        mkdirat(call.self, AT_FDCWD, to, stat.mode | 0o700);
      } catch (thrown) {
        throw new CopyError(`can't create directory '${to}': ${messageOf(thrown)}`);
      }
    }
    let clean = true;
    for (const name of listNames(call.self, from))
      clean = (yield* this.copy(`${from}/${name}`, `${to}/${name}`)) && clean;
    return clean;
  }

  *#file(from: string, to: string, stat: Stat): Coroutine<void> {
    const call = this.#call;
    const { self } = call;
    let input: number;
    try {
      input = openat2(self, AT_FDCWD, from, { flags: O_RDONLY });
    } catch (thrown) {
      throw new CopyError(`can't open '${from}': ${messageOf(thrown)}`);
    }
    try {
      const flags = O_WRONLY | O_CREAT | O_TRUNC;
      let output: number;
      try {
        output = openat2(self, AT_FDCWD, to, { flags, mode: stat.mode & 0o777 });
      } catch (thrown) {
        if (!this.#force || !isRefusal(thrown)) throw thrown;
        unlinkat(self, AT_FDCWD, to);
        output = openat2(self, AT_FDCWD, to, { flags, mode: stat.mode & 0o777 });
      }
      try {
        for (;;) {
          const chunk = yield* call.read(input, 65_536);
          if (chunk.length === 0) break;
          yield* call.put(chunk, output);
        }
      } finally {
        close(self, output);
      }
    } finally {
      close(self, input);
    }
  }

  #special(from: string, to: string, stat: Stat): void {
    const { self } = this.#call;
    if (statOrNothing(this.#call, to, AT_SYMLINK_NOFOLLOW) !== undefined)
      unlinkat(self, AT_FDCWD, to);
    if (stat.type === "symlink") symlinkat(self, readlinkat(self, AT_FDCWD, from), AT_FDCWD, to);
    else mknodat(self, AT_FDCWD, to, stat.type, stat.mode, stat.major, stat.minor);
  }

  #attributes(to: string, stat: Stat): void {
    const { self } = this.#call;
    try {
      fchownat(self, AT_FDCWD, to, stat.uid, stat.gid, AT_SYMLINK_NOFOLLOW);
      if (stat.type === "symlink") return;
      fchmodat(self, AT_FDCWD, to, stat.mode);
      utimensat(self, AT_FDCWD, to, stat.mtimeNs);
    } catch (thrown) {
      this.#call.fail(`can't preserve ownership of '${to}': ${messageOf(thrown)}`);
    }
  }
}

class CopyError {
  readonly message: string;
  constructor(message: string) {
    this.message = message;
  }
}

function* cp(call: Call): Coroutine<void> {
  const options = parseOptions(call.args, "apPdRrfilLHst:Tunv", {
    archive: "a",
    recursive: "r",
    force: "f",
  });
  const recursive = options.has("a") || options.has("r") || options.has("R");
  const copier = new Copier(call, {
    recursive,
    links: (recursive && !options.has("L")) || options.has("d") || options.has("P"),
    keep: options.has("a") || options.has("p"),
    force: options.has("f"),
  });
  yield* eachTarget(call, options, function* (from, to) {
    yield* copier.copy(from, to);
  });
}

function* mv(call: Call): Coroutine<void> {
  const options = parseOptions(call.args, "finTt:vu", { force: "f" });
  yield* eachTarget(call, options, function* (from, to) {
    if (options.has("n") && statOrNothing(call, to, AT_SYMLINK_NOFOLLOW) !== undefined) return;
    try {
      renameat(call.self, AT_FDCWD, from, AT_FDCWD, to);
    } catch (thrown) {
      if (!isRefusal(thrown, "EXDEV")) {
        call.fail(`can't rename '${from}': ${messageOf(thrown)}`);
        return;
      }
      const copier = new Copier(call, { recursive: true, links: true, keep: true, force: true });
      if (yield* copier.copy(from, to)) removeTree(call, from, parseOptions(["-rf"], "rf"));
    }
  });
}

/** True when a file may be executed; for which. */
export function mayExecute(call: Call, path: string): boolean {
  try {
    access(call.self, path, 1);
    return statat(call.self, AT_FDCWD, path).type === "file";
  } catch (thrown) {
    if (isRefusal(thrown)) return false;
    throw thrown;
  }
}

export const moveFileApplets: AppletTable = { rm, cp, mv };
