/** Redirections (POSIX XCU 2.7): in a child before exec, or around a builtin with everything put back afterwards. */
import {
  AT_FDCWD,
  O_APPEND,
  O_CREAT,
  O_EXCL,
  O_RDONLY,
  O_RDWR,
  O_TRUNC,
  O_WRONLY,
} from "../../abi.ts";
import { NewImage, ProcessEnded } from "../../process/life.ts";
import { isRefusal } from "../../refusal.ts";
import {
  close,
  dup2,
  fileOf,
  installFile,
  openWaiting,
  pipe2,
  statat,
  write,
} from "../../syscall/file.ts";
import { clone3 } from "../../syscall/process.ts";
import type { Coroutine } from "../../task.ts";
import { errnoMessage, messageOf } from "../errno-message.ts";
import { bytesOf } from "../file-text.ts";
import { RedirectionError, ShellError } from "./control.ts";
import type { Expander } from "./expand.ts";
import type { Shell } from "./shell.ts";
import type { Redirection } from "./syntax.ts";

/** What a pipe takes before it wants a reader (pipe(7)). */
const pipeBytes = 65_536;

/** Fds as they were before some redirections; undefined: closed. */
export class SavedFds {
  readonly #shell: Shell;
  readonly #saved = new Map<number, number | undefined>();

  constructor(shell: Shell) {
    this.#shell = shell;
  }

  /** Remembers `fd` (once) before something is put in its place. */
  keep(fd: number): void {
    if (this.#saved.has(fd)) return;
    const { self } = this.#shell;
    let copy: number | undefined;
    if (self.fds.has(fd)) {
      copy = installFile(self, fileOf(self, fd), 10);
      self.closeOnExec.add(copy);
    }
    this.#saved.set(fd, copy);
  }

  /** What was put in place stays (exec without a command). */
  forget(): void {
    for (const copy of this.#saved.values()) if (copy !== undefined) close(this.#shell.self, copy);
    this.#saved.clear();
  }

  /** Puts everything back, whatever `work` does; but a process that has become a program, or ended, is let alone. */
  *around(work: () => Coroutine<number>): Coroutine<number> {
    let status: number;
    try {
      status = yield* work();
    } catch (thrown) {
      if (!(thrown instanceof NewImage) && !(thrown instanceof ProcessEnded)) this.restore();
      throw thrown;
    }
    this.restore();
    return status;
  }

  restore(): void {
    const { self } = this.#shell;
    for (const [fd, copy] of this.#saved) {
      if (copy === undefined) {
        if (self.fds.has(fd)) close(self, fd);
      } else {
        dup2(self, copy, fd);
        close(self, copy);
      }
    }
    this.#saved.clear();
  }
}

const openFlags: Readonly<Record<string, number>> = {
  "<": O_RDONLY,
  ">": O_WRONLY | O_CREAT | O_TRUNC,
  ">|": O_WRONLY | O_CREAT | O_TRUNC,
  ">>": O_WRONLY | O_CREAT | O_APPEND,
  "<>": O_RDWR | O_CREAT,
};

/** Makes the redirections one after another. Throws RedirectionError; what was made until then is in `saved`. */
export function* redirect(
  shell: Shell,
  expander: Expander,
  redirections: readonly Redirection[],
  saved?: SavedFds,
): Coroutine<void> {
  for (const { fd, operator, target } of redirections) {
    const to = fd ?? (operator.startsWith("<") ? 0 : 1);
    const text = yield* expander.text(target);
    if (operator === "<<") {
      saved?.keep(to);
      yield* hereDocument(shell, to, text);
    } else if (operator === "<&" || (operator === ">&" && /^([0-9]+|-)$/.test(text))) {
      saved?.keep(to);
      duplicate(shell, text, to);
    } else if (operator === ">&") {
      saved?.keep(1);
      saved?.keep(2);
      yield* openOnto(shell, ">", text, 1);
      dup2(shell.self, 1, 2);
    } else {
      saved?.keep(to);
      yield* openOnto(shell, operator, text, to);
    }
  }
}

function duplicate(shell: Shell, text: string, to: number): void {
  const { self } = shell;
  if (text === "-") {
    if (self.fds.has(to)) close(self, to);
    return;
  }
  if (!/^[0-9]+$/.test(text)) throw new ShellError("syntax error: bad fd number");
  const from = Number(text);
  try {
    if (from !== to) dup2(self, from, to);
    else fileOf(self, from);
    self.closeOnExec.delete(to);
  } catch (thrown) {
    throw new RedirectionError(`${text}: ${messageOf(thrown)}`);
  }
}

function* openOnto(shell: Shell, operator: string, path: string, to: number): Coroutine<void> {
  const { self } = shell;
  let flags = openFlags[operator] ?? O_RDONLY;
  if (operator === ">" && shell.has("noclobber") && !isSpecial(shell, path)) flags |= O_EXCL;
  try {
    const fd = yield* openWaiting(self, AT_FDCWD, path, {
      flags,
      mode: (flags & O_CREAT) === 0 ? 0 : 0o666,
    });
    if (fd !== to) {
      dup2(self, fd, to);
      close(self, fd);
    }
    self.closeOnExec.delete(to);
  } catch (thrown) {
    if (!isRefusal(thrown)) throw thrown;
    const missing = thrown.errno === "ENOENT";
    if ((flags & O_CREAT) === 0)
      throw new RedirectionError(
        `can't open ${path}: ${missing ? "no such file" : errnoMessage(thrown)}`,
      );
    throw new RedirectionError(
      `can't create ${path}: ${missing ? "nonexistent directory" : errnoMessage(thrown)}`,
    );
  }
}

/** noclobber spares devices and pipes. */
function isSpecial(shell: Shell, path: string): boolean {
  try {
    return statat(shell.self, AT_FDCWD, path).type !== "file";
  } catch (thrown) {
    if (isRefusal(thrown)) return false;
    throw thrown;
  }
}

/** The text in a pipe; a process of its own writes what does not fit. */
function* hereDocument(shell: Shell, to: number, text: string): Coroutine<void> {
  const { self } = shell;
  const [readEnd, writeEnd] = pipe2(self);
  const bytes = bytesOf(text);
  if (bytes.length <= pipeBytes) {
    yield* write(self, writeEnd, bytes);
  } else {
    clone3(self, {
      namespaces: [],
      body: function* (child) {
        close(child, readEnd);
        yield* write(child, writeEnd, bytes);
        return 0;
      },
    });
  }
  close(self, writeEnd);
  if (readEnd === to) return;
  dup2(self, readEnd, to);
  close(self, readEnd);
}
