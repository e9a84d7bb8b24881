/** cat, tac, head, tail, tee: files as they are, or parts of them. */
import { AT_FDCWD, O_APPEND, O_CREAT, O_TRUNC, O_WRONLY } from "../../abi.ts";
import { isRefusal } from "../../refusal.ts";
import { close, openat2 } from "../../syscall/file.ts";
import { nanosleep } from "../../syscall/process.ts";
import type { Coroutine } from "../../task.ts";
import type { AppletTable } from "../applet.ts";
import { type Call, LineReader } from "../call.ts";
import { messageOf } from "../errno-message.ts";
import { bytesOf, linesOf, textOf } from "../file-text.ts";
import { parseOptions, parseSize } from "../options.ts";

function* cat(call: Call): Coroutine<void> {
  const options = parseOptions(call.args, "nbvteAETu");
  let number = 0;
  const paths = options.operands.length === 0 ? ["-"] : options.operands;
  for (const path of paths) {
    let fd: number;
    try {
      fd = yield* call.open(path);
    } catch (thrown) {
      call.fail(`can't open '${path}': ${messageOf(thrown)}`);
      yield* call.flush();
      continue;
    }
    try {
      if (options.has("n") || options.has("b")) {
        const lines = new LineReader(call, fd);
        for (let line = yield* lines.next(); line !== undefined; line = yield* lines.next()) {
          const counted = !options.has("b") || line !== "\n";
          call.print(counted ? `${String(++number).padStart(6)}\t${line}` : line);
        }
      } else {
        for (;;) {
          const chunk = yield* call.read(fd, 65_536);
          if (chunk.length === 0) break;
          yield* call.put(chunk);
          yield* call.work(chunk.length);
        }
      }
    } catch (thrown) {
      if (!isRefusal(thrown)) throw thrown;
      call.fail(`read error: ${messageOf(thrown)}`);
    }
    yield* call.flush();
    call.close(fd);
  }
}

function* tac(call: Call): Coroutine<void> {
  for (const { text } of yield* call.inputs(call.args))
    call.print(
      linesOf(text)
        .reverse()
        .map((line) => `${line}\n`)
        .join(""),
    );
}

/** "-3" as "-n 3". */
function oldStyle(args: readonly string[]): string[] {
  return args.flatMap((arg) => (/^-[0-9]+$/.test(arg) ? ["-n", arg.slice(1)] : [arg]));
}

function* eachFile(
  call: Call,
  paths: readonly string[],
  quiet: boolean,
  show: (fd: number) => Coroutine<void>,
): Coroutine<void> {
  let first = true;
  for (const path of paths.length === 0 ? ["-"] : paths) {
    try {
      const fd = yield* call.open(path);
      if (paths.length > 1 && !quiet)
        call.print(`${first ? "" : "\n"}==> ${path === "-" ? "standard input" : path} <==\n`);
      first = false;
      yield* show(fd);
      yield* call.flush();
      call.close(fd);
    } catch (thrown) {
      if (call.name === "tail") call.fail(`can't open '${path}': ${messageOf(thrown)}`);
      else call.refused(path, thrown);
      yield* call.flush();
    }
  }
  if (first && call.name === "tail" && call.code !== 0) call.fail("no files");
}

function* head(call: Call): Coroutine<void> {
  const options = parseOptions(oldStyle(call.args), "n:c:qv");
  const bytes = options.value("c");
  const count = parseSize((options.value("n") ?? "10").replace(/^[+]/, ""));
  yield* eachFile(call, options.operands, options.has("q"), function* (fd) {
    if (bytes !== undefined) {
      yield* call.flush();
      for (let left = parseSize(bytes); left > 0; ) {
        const chunk = yield* call.read(fd, Math.min(left, 65_536));
        if (chunk.length === 0) return;
        yield* call.put(chunk);
        left -= chunk.length;
      }
      return;
    }
    const lines = new LineReader(call, fd);
    for (let index = 0; index < count; index++) {
      const line = yield* lines.next();
      if (line === undefined) return;
      call.print(line);
    }
  });
}

function* tail(call: Call): Coroutine<void> {
  const options = parseOptions(oldStyle(call.args), "n:c:qvfFs:");
  const wanted = options.value("c") ?? options.value("n") ?? "10";
  const fromStart = wanted.startsWith("+");
  const count = parseSize(wanted.replace(/^[-+]/, ""));
  const follow = options.has("f") || options.has("F");
  yield* eachFile(call, options.operands, options.has("q"), function* (fd) {
    const bytes = yield* call.readAll(fd);
    if (options.has("c")) {
      yield* call.flush();
      yield* call.put(bytes.subarray(fromStart ? count - 1 : Math.max(0, bytes.length - count)));
    } else {
      const lines = textOf(bytes).split(/(?<=\n)/);
      if (lines.length === 1 && lines[0] === "") lines.pop();
      call.print(
        lines
          .slice(fromStart ? Math.max(0, count - 1) : Math.max(0, lines.length - count))
          .join(""),
      );
    }
    if (!follow) return;
    yield* call.flush();
    for (;;) {
      const chunk = yield* call.read(fd, 65_536);
      if (chunk.length > 0) yield* call.put(chunk);
      else yield* nanosleep(call.self, 1_000_000_000n);
    }
  });
}

function* tee(call: Call): Coroutine<void> {
  const options = parseOptions(call.args, "ai");
  const flags = O_WRONLY | O_CREAT | (options.has("a") ? O_APPEND : O_TRUNC);
  const fds = [1];
  for (const path of options.operands) {
    try {
      fds.push(openat2(call.self, AT_FDCWD, path, { flags, mode: 0o666 }));
    } catch (thrown) {
      call.refused(path, thrown);
      yield* call.flush();
    }
  }
  for (;;) {
    const chunk = yield* call.read(0, 65_536);
    if (chunk.length === 0) break;
    for (const fd of fds) yield* call.put(chunk, fd);
  }
  for (const fd of fds.slice(1)) close(call.self, fd);
}

function* yes(call: Call): Coroutine<void> {
  const line = `${call.args.length === 0 ? "y" : call.args.join(" ")}\n`;
  const block = bytesOf(line.repeat(Math.max(1, Math.floor(4096 / line.length))));
  for (;;) {
    yield* call.put(block);
    yield* call.work(block.length);
  }
}

export const printFileApplets: AppletTable = { cat, tac, head, tail, tee, yes };
