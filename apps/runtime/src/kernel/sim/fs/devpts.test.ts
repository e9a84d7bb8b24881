/** Pseudo terminals: what is typed and what is shown, signals, sizes, ends (pty(7), devpts.rst). */
import { expect, test } from "vitest";
import { AT_FDCWD, O_CLOEXEC, O_NOCTTY, O_RDWR, SIGHUP, SIGINT, SIGWINCH } from "../abi.ts";
import type { Process } from "../process/process.ts";
import { close, fileOf, openat2, read, statat, write } from "../syscall/file.ts";
import { mount } from "../syscall/mount.ts";
import { pause, setsid, sigaction } from "../syscall/process.ts";
import type { Coroutine } from "../task.ts";
import { attempt, bootShell, type HostShell } from "./fixture/host-shell.ts";
import { ptyOf } from "./pty.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const ptmx = "/dev/pts/ptmx";

/** A master that the shell's process has open, and a program on the slave that does `body`. */
function terminal(
  shell: HostShell,
  body: (self: Process, fd: number) => Coroutine<number>,
): { readonly master: number; readonly program: Process } {
  const master = openat2(shell.self, AT_FDCWD, ptmx, { flags: O_RDWR | O_NOCTTY | O_CLOEXEC });
  const program = shell.spawn(function* (self) {
    setsid(self);
    const fd = openat2(self, AT_FDCWD, "/dev/pts/0", { flags: O_RDWR });
    return yield* body(self, fd);
  });
  shell.settle();
  return { master, program };
}

/** Runs a call of the shell's process to its end. */
function run<Value>(shell: HostShell, call: Coroutine<Value>): Value | undefined {
  let result: Value | undefined;
  shell.machine.scheduler.spawn(
    "run",
    (function* () {
      result = yield* call;
    })(),
    ({ thrown }) => {
      if (thrown !== undefined) throw thrown;
    },
  );
  shell.settle();
  return result;
}

const type = (shell: HostShell, fd: number, text: string) =>
  run(shell, write(shell.self, fd, encoder.encode(text)));
const shown = (shell: HostShell, fd: number) => {
  const { stream } = fileOf(shell.self, fd);
  const pty = ptyOf(fileOf(shell.self, fd));
  let text = "";
  while (stream !== undefined && (pty?.output.pieces.length ?? 0) > 0)
    text += decoder.decode(run(shell, read(shell.self, fd, 4096)));
  return text;
};

function* cat(self: Process, fd: number): Coroutine<number> {
  for (;;) {
    const line = yield* read(self, fd, 4096);
    if (line.length === 0) return 7;
    yield* write(self, fd, line);
  }
}

test("typed is echoed, edited, given by lines; written gets carriage returns; ^D ends", () => {
  const shell = bootShell();
  const { master, program } = terminal(shell, cat);
  type(shell, master, "hellO\u007fo\r");
  expect(shown(shell, master)).toBe("hellO\b \bo\r\nhello\r\n");
  type(shell, master, "half");
  expect(shown(shell, master)).toBe("half");
  type(shell, master, "\u0004\u0004");
  expect(program.exitStatus).toEqual({ kind: "exited", code: 7 });
  // Nobody has the slave open any more: first what was written, then an error.
  expect(shown(shell, master)).toBe("half");
  expect(attempt(() => run(shell, read(shell.self, master, 10)))).toBe("EIO");
});

test("^C is SIGINT and a new size SIGWINCH to those on the terminal, and the end of the master SIGHUP", () => {
  const shell = bootShell();
  const heard: number[] = [];
  const { master, program } = terminal(shell, function* (self) {
    for (const signal of [SIGINT, SIGWINCH]) sigaction(self, signal, (which) => heard.push(which));
    for (;;) {
      try {
        yield* pause(self);
      } catch {
        // Interrupted by a handler.
      }
    }
  });
  expect(program.tty).toBeDefined();
  type(shell, master, "\u0003");
  const pty = ptyOf(fileOf(shell.self, master));
  pty?.resize(24, 80);
  pty?.resize(24, 80);
  shell.settle();
  expect(heard).toEqual([SIGINT, SIGWINCH]);
  expect(shown(shell, master)).toBe("^C");
  close(shell.self, master);
  shell.settle();
  expect(program.exitStatus).toEqual({ kind: "signaled", signal: SIGHUP });
  expect(shell.list("/dev/pts")).toEqual(["ptmx"]);
});

test("modes, owners, numbers and options of an instance", () => {
  const shell = bootShell();
  const { self } = shell;
  shell.mkdir("/tmp/pts");
  const options = "newinstance,ptmxmode=0666,mode=0620,gid=5";
  mount(self, "devpts", "/tmp/pts", "devpts", 0, options);
  expect(shell.read("/proc/mounts")).toContain(
    "/tmp/pts devpts rw,relatime,gid=5,mode=620,ptmxmode=666 ",
  );
  openat2(self, AT_FDCWD, "/tmp/pts/ptmx", { flags: O_RDWR });
  openat2(self, AT_FDCWD, "/tmp/pts/ptmx", { flags: O_RDWR });
  expect(shell.list("/tmp/pts")).toEqual(["0", "1", "ptmx"]);
  expect(shell.list("/dev/pts")).toEqual(["ptmx"]);
  const stat = statat(self, AT_FDCWD, "/tmp/pts/1");
  const { type: kind, mode, gid, major, minor, inode } = stat;
  expect({ kind, mode, gid, major, minor, inode }).toEqual({
    kind: "char",
    mode: 0o620,
    gid: 5,
    major: 136,
    minor: 1,
    inode: 4,
  });
  expect(statat(self, AT_FDCWD, "/tmp/pts/ptmx").inode).toBe(2);
  const wrong = (text: string) =>
    attempt(() => mount(self, "devpts", "/tmp/pts", "devpts", 0, text));
  expect([wrong("foo"), wrong("mode=9"), wrong("gid=x")]).toEqual(["EINVAL", "EINVAL", "EINVAL"]);
});

test("/dev/tty is the controlling terminal, ENXIO without one; /dev/ptmx makes a pty of the host", () => {
  const shell = bootShell();
  const open = (process: Process, path: string) =>
    attempt(() => openat2(process, AT_FDCWD, path, { flags: O_RDWR }));
  expect(open(shell.spawn(), "/dev/tty")).toBe("ENXIO");
  const { program } = terminal(shell, cat);
  const fd = open(program, "/dev/tty");
  expect(typeof fd).toBe("number");
  expect(fileOf(program, Number(fd))).toBe(program.tty);
  expect(typeof open(shell.self, "/dev/ptmx")).toBe("number");
  expect(shell.list("/dev/pts")).toEqual(["0", "1", "ptmx"]);
});
