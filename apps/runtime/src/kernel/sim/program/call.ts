/**
 * One run of an applet: its arguments, and its output as stdio would buffer it. What is printed and complained
 * comes out in order, at `flush` and at the end.
 */
import { AT_FDCWD, O_RDONLY } from "../abi.ts";
import type { Machine } from "../machine.ts";
import type { Process } from "../process/process.ts";
import { isRefusal } from "../refusal.ts";
import { close, openWaiting, read, write } from "../syscall/file.ts";
import { burn } from "../syscall/process.ts";
import type { Coroutine } from "../task.ts";
import { errnoMessage, messageOf } from "./errno-message.ts";
import { bytesOf, joinBytes, textOf } from "./file-text.ts";

/** Ends an applet with a message: "ls: MESSAGE" and this exit code. */
export class AppletError {
  readonly message: string;
  readonly code: number;
  constructor(message: string, code = 1) {
    this.message = message;
    this.code = code;
  }
}

/** Ends an applet with its usage; `message` before it when there is something to say. */
export class UsageError {
  readonly message: string;
  constructor(message = "") {
    this.message = message;
  }
}

export class Call {
  readonly self: Process;
  readonly name: string;
  /** Without the name. */
  readonly args: readonly string[];
  #queue: { fd: number; text: string }[] = [];
  /** What the applet returns when nothing worse comes: `fail` makes it 1. */
  code = 0;

  constructor(self: Process, name: string, args: readonly string[]) {
    this.self = self;
    this.name = name;
    this.args = args;
  }

  /** The same call in a child that was cloned. */
  inChild(child: Process): Call {
    return new Call(child, this.name, this.args);
  }

  get machine(): Machine {
    return this.self.machine;
  }

  print(text: string): void {
    this.#add(1, text);
  }

  /** A line on standard error, "ls: MESSAGE"; the exit code will be 1. */
  fail(message: string, code = 1): void {
    this.#add(2, `${this.name}: ${message}\n`);
    this.code = code;
  }

  /** The same for a refused call: "ls: SUBJECT: No such file or directory". */
  refused(subject: string, thrown: unknown): void {
    this.fail(`${subject}: ${messageOf(thrown)}`);
  }

  say(text: string): void {
    this.#add(2, text);
  }

  #add(fd: number, text: string): void {
    const last = this.#queue.at(-1);
    if (last?.fd === fd) last.text += text;
    else if (text !== "") this.#queue.push({ fd, text });
  }

  *flush(): Coroutine<void> {
    const queue = this.#queue;
    if (queue.length === 0) return;
    this.#queue = [];
    for (const { fd, text } of queue) yield* this.put(bytesOf(text), fd);
  }

  /** Bytes, at once. A closed or full output ends the applet, as a write error ends the real one. */
  *put(bytes: Uint8Array, fd = 1): Coroutine<void> {
    try {
      yield* write(this.self, fd, bytes);
    } catch (thrown) {
      if (!isRefusal(thrown)) throw thrown;
      yield* this.survive();
      if (fd === 2 || thrown.errno === "EBADF") return;
      throw new AppletError(`write error: ${errnoMessage(thrown)}`);
    }
  }

  /** CPU time of handling some bytes: who only copies, and for ever, must burn too. */
  *work(bytes: number): Coroutine<void> {
    yield* burn(this.self, 2000 + bytes / 4);
  }

  /** Stops here for good when a signal has ended the process meanwhile. */
  *survive(): Coroutine<void> {
    while (this.self.state !== "alive") yield {};
  }

  /** Opens a file to be read; "-" is standard input. */
  *open(path: string): Coroutine<number> {
    if (path === "-") return 0;
    return yield* openWaiting(this.self, AT_FDCWD, path, { flags: O_RDONLY });
  }

  /** Gives back what `open` gave. */
  close(fd: number): void {
    if (fd !== 0) close(this.self, fd);
  }

  *readAll(fd: number): Coroutine<Uint8Array> {
    const chunks: Uint8Array[] = [];
    for (;;) {
      const chunk = yield* this.read(fd, 65_536);
      if (chunk.length === 0) return joinBytes(chunks);
      chunks.push(chunk);
    }
  }

  *read(fd: number, length: number): Coroutine<Uint8Array> {
    for (;;) {
      try {
        return yield* read(this.self, fd, length);
      } catch (thrown) {
        if (!isRefusal(thrown, "EINTR")) throw thrown;
      }
    }
  }

  /** Text of each file, or of standard input when there is none; what cannot be read is told, and the rest goes on. */
  *inputs(paths: readonly string[]): Coroutine<{ readonly path: string; readonly text: string }[]> {
    const found: { path: string; text: string }[] = [];
    for (const path of paths.length === 0 ? ["-"] : paths) {
      try {
        const fd = yield* this.open(path);
        found.push({ path, text: textOf(yield* this.readAll(fd)) });
        this.close(fd);
      } catch (thrown) {
        this.refused(path, thrown);
      }
    }
    return found;
  }
}

/** Lines of an fd as they come, so that `head` need not wait for the end. */
export class LineReader {
  readonly #call: Call;
  readonly #fd: number;
  #text = "";
  #ended = false;

  constructor(call: Call, fd: number) {
    this.#call = call;
    this.#fd = fd;
  }

  /** The next line with its newline; the last one may have none. */
  *next(): Coroutine<string | undefined> {
    for (;;) {
      const newline = this.#text.indexOf("\n");
      if (newline >= 0) return this.#cut(newline + 1);
      if (this.#ended) return this.#text === "" ? undefined : this.#cut(this.#text.length);
      const chunk = yield* this.#call.read(this.#fd, 65_536);
      if (chunk.length === 0) this.#ended = true;
      this.#text += textOf(chunk);
    }
  }

  #cut(end: number): string {
    const line = this.#text.slice(0, end);
    this.#text = this.#text.slice(end);
    return line;
  }
}
