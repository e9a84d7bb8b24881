/** Stdin, stdout, stderr of what a shim starts, or a terminal instead (native/shim/standard.c). */
import { AT_FDCWD, O_RDWR } from "../abi.ts";
import type { Process } from "../process/process.ts";
import { isRefusal } from "../refusal.ts";
import { openFile, releaseFile } from "../syscall/file.ts";
import type { Coroutine, Task } from "../task.ts";
import type { OpenFile } from "../vfs/open-file.ts";
import type { LogStream } from "./cri-log.ts";
import { InputPipe, OutputPipe, pipeFile } from "./output.ts";

export interface StandardOptions {
  readonly terminal: boolean;
  readonly stdin: boolean;
  readonly take: (stream: LogStream, data: Uint8Array) => void;
  readonly ended: (stream: LogStream) => void;
}

const chunk = 64 << 10;

export class StandardIo {
  readonly #shim: Process;
  readonly #options: StandardOptions;
  readonly #outputs: OutputPipe[] = [];
  readonly #input: InputPipe | undefined;
  /** What becomes fd 0, 1, 2 of the process. */
  readonly theirs: readonly OpenFile[];
  readonly #nothing: OpenFile;
  #reader: Task | undefined;
  #master: OpenFile | undefined;

  constructor(shim: Process, options: StandardOptions) {
    this.#shim = shim;
    this.#options = options;
    const nothing = openFile(shim, AT_FDCWD, "/dev/null", { flags: O_RDWR });
    this.#nothing = nothing;
    if (options.terminal) {
      this.theirs = [nothing, nothing, nothing];
      return;
    }
    this.#input = options.stdin ? new InputPipe() : undefined;
    const input = this.#input === undefined ? nothing : pipeFile(shim, this.#input, false);
    this.theirs = [input, this.#output("stdout"), this.#output("stderr")];
  }

  /** The process has its fds: what the shim held for it is let go. */
  given(): void {
    releaseFile(this.#nothing);
  }

  /** Nobody can write to stdout or stderr any more. */
  get silent(): boolean {
    if (this.#options.terminal) return this.#reader?.over ?? true;
    return this.#outputs.every((output) => output.over);
  }

  /** The pty's master has come: what is written to the terminal is the container's stdout. */
  takeMaster(master: OpenFile): void {
    this.#master = master;
    master.references++;
    const { scheduler } = this.#shim.machine;
    this.#reader = scheduler.spawn("shim reads a terminal", this.#read(master), () => undefined);
  }

  *#read(master: OpenFile): Coroutine<void> {
    try {
      for (;;) {
        const data = yield* master.stream?.read(chunk, false) ?? [];
        if (data === undefined || data.length === 0) return;
        this.#options.take("stdout", data);
      }
    } catch (thrown) {
      // EIO: its last user has gone.
      if (!isRefusal(thrown)) throw thrown;
    } finally {
      this.#options.ended("stdout");
    }
  }

  /** The process has ended: nobody reads its input. */
  closeInput(): void {
    this.#input?.finish();
  }

  /** The shim lets go: who still writes gets EPIPE, a terminal hangs up. */
  close(): void {
    for (const output of this.#outputs) output.broken = true;
    this.#input?.finish();
    this.#reader?.stop();
    if (this.#master !== undefined) releaseFile(this.#master);
    this.#master = undefined;
  }

  #output(stream: LogStream): OpenFile {
    const pipe = new OutputPipe(
      (data) => this.#options.take(stream, data),
      () => this.#options.ended(stream),
    );
    this.#outputs.push(pipe);
    return pipeFile(this.#shim, pipe, true);
  }
}
