import { beforeEach, describe, expect, test } from "vitest";
import { AT_FDCWD, O_CLOEXEC, O_NONBLOCK, O_RDWR, O_WRONLY, SIGPIPE } from "../abi.ts";
import type { Process } from "../process/process.ts";
import {
  close,
  dup2,
  mknodat,
  openat2,
  openWaiting,
  pipe2,
  read,
  readNow,
  write,
  writeNow,
} from "../syscall/file.ts";
import type { Coroutine } from "../task.ts";
import { bytes, errnoOf, type FileBed, fileBed, settle, text } from "./file-bed.ts";
import { closeOnExec, copyFds } from "./file-table.ts";
import { pipeCapacity } from "./pipe.ts";

let bed: FileBed;
let root: Process;

beforeEach(() => {
  bed = fileBed();
  root = bed.root;
  root.signalHandlers.set(SIGPIPE, "ignore");
});

function* readText(fd: number): Coroutine<string> {
  return text(yield* read(root, fd, 100));
}

describe("a pipe", () => {
  test("makes a reader wait for data, and gives what there is", () => {
    const [r, w] = pipe2(root);
    expect(settle(bed.machine, readText(r), write(root, w, bytes("hello")))).toEqual(["hello", 5]);
    writeNow(root, w, bytes("ab"));
    writeNow(root, w, bytes("cd"));
    expect(text(readNow(root, r, 3))).toBe("abc");
    expect(text(readNow(root, r, 3))).toBe("d");
    expect(settle(bed.machine, readText(r))).toEqual(["waits"]);
  });

  test("ends when the last writer closes, not before", () => {
    const [r, w] = pipe2(root);
    const second = 9;
    dup2(root, w, second);
    close(root, w);
    const waiting = settle(bed.machine, readText(r));
    expect(waiting).toEqual(["waits"]);
    close(root, second);
    bed.machine.scheduler.settle();
    expect(waiting).toEqual([""]);
  });

  test("holds 64 KiB; a writer waits for room", () => {
    const [r, w] = pipe2(root);
    const size = pipeCapacity + 10_000;
    const waiting = settle(bed.machine, write(root, w, new Uint8Array(size)));
    expect(waiting).toEqual(["waits"]);
    expect(readNow(root, r, size).length).toBe(pipeCapacity);
    bed.machine.scheduler.settle();
    expect(waiting).toEqual([size]);
    expect(readNow(root, r, size).length).toBe(10_000);
  });

  test("does not tear writes of up to 4096 bytes", () => {
    const [r, w] = pipe2(root, O_NONBLOCK);
    writeNow(root, w, new Uint8Array(pipeCapacity - 100));
    expect(errnoOf(() => writeNow(root, w, new Uint8Array(101)))).toBe("EAGAIN");
    expect(writeNow(root, w, new Uint8Array(100))).toBe(100);
    expect(readNow(root, r, 1).length).toBe(1);
    expect(errnoOf(() => writeNow(root, w, new Uint8Array(4096)))).toBe("EAGAIN");
    expect(writeNow(root, w, new Uint8Array(5000))).toBe(1);
  });

  test("without a reader answers EPIPE, and its ends have one direction", () => {
    const [r, w] = pipe2(root);
    expect(errnoOf(() => readNow(root, w, 1))).toBe("EBADF");
    expect(errnoOf(() => writeNow(root, r, bytes("x")))).toBe("EBADF");
    close(root, r);
    expect(settle(bed.machine, write(root, w, bytes("x")))).toEqual(["EPIPE"]);
  });

  test("empty and not to be waited for answers EAGAIN", () => {
    const [r] = pipe2(root, O_NONBLOCK);
    expect(settle(bed.machine, readText(r))).toEqual(["EAGAIN"]);
  });
});

describe("a FIFO", () => {
  beforeEach(() => mknodat(root, AT_FDCWD, "/fifo", "fifo", 0o600));

  test("opens when both sides are there", () => {
    const reader = settle(bed.machine, openWaiting(root, AT_FDCWD, "/fifo", { flags: 0 }));
    expect(reader).toEqual(["waits"]);
    const how = { flags: O_WRONLY };
    const [w] = settle(bed.machine, openWaiting(root, AT_FDCWD, "/fifo", how));
    expect(reader[0]).toBeTypeOf("number");
    writeNow(root, w as number, bytes("x"));
    expect(text(readNow(root, reader[0] as number, 9))).toBe("x");
    close(root, w as number);
    expect(settle(bed.machine, readText(reader[0] as number))).toEqual([""]);
  });

  test("opened without waiting, a reader waits for its first writer", () => {
    const r = openat2(root, AT_FDCWD, "/fifo", { flags: 0 });
    const waiting = settle(bed.machine, readText(r));
    expect(waiting).toEqual(["waits"]);
    const w = openat2(root, AT_FDCWD, "/fifo", { flags: O_WRONLY });
    writeNow(root, w, bytes("late"));
    bed.machine.scheduler.settle();
    expect(waiting).toEqual(["late"]);
  });

  test("a writer that will not wait for a reader gets ENXIO", () => {
    const how = { flags: O_WRONLY | O_NONBLOCK };
    expect(errnoOf(() => openat2(root, AT_FDCWD, "/fifo", how))).toBe("ENXIO");
    expect(errnoOf(() => openat2(root, AT_FDCWD, "/fifo", { flags: O_RDWR }))).toBe("ok");
    expect(errnoOf(() => openat2(root, AT_FDCWD, "/fifo", how))).toBe("ok");
  });
});

describe("file descriptors", () => {
  test("are the lowest free ones, up to RLIMIT_NOFILE", () => {
    const [r, w] = pipe2(root);
    expect([r, w]).toEqual([0, 1]);
    close(root, r);
    expect(openat2(root, AT_FDCWD, "/", { flags: 0 })).toBe(0);
    root.rlimits = { ...root.rlimits, nofile: { soft: 3, hard: 3 } };
    expect(errnoOf(() => pipe2(root))).toBe("EMFILE");
    expect(root.fds.size).toBe(2);
    expect(openat2(root, AT_FDCWD, "/", { flags: 0 })).toBe(2);
    expect(errnoOf(() => openat2(root, AT_FDCWD, "/none", { flags: 0 }))).toBe("EMFILE");
    expect(errnoOf(() => dup2(root, 0, 3))).toBe("EBADF");
    expect(errnoOf(() => close(root, 7))).toBe("EBADF");
  });

  test("are inherited, share their offset, and close on exec where asked", () => {
    const fd = openat2(root, AT_FDCWD, "/etc/hostname", { flags: 0 });
    const secret = openat2(root, AT_FDCWD, "/etc/hostname", { flags: O_CLOEXEC });
    const child = bed.as(0);
    copyFds(root, child);
    expect(text(readNow(child, fd, 2))).toBe("be");
    expect(text(readNow(root, fd, 2))).toBe("d\n");
    closeOnExec(child);
    expect([...child.fds.keys()]).toEqual([fd]);
    expect(root.fds.get(secret)?.references).toBe(1);
    expect(root.fds.get(fd)?.references).toBe(2);
  });

  test("a copy by dup2 does not close on exec", () => {
    const fd = openat2(root, AT_FDCWD, "/", { flags: O_CLOEXEC });
    dup2(root, fd, 5);
    closeOnExec(root);
    expect([...root.fds.keys()]).toEqual([5]);
  });
});
