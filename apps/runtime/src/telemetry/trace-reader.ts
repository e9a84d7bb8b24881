/**
 * A reader of the trace socket, for the command line, the demo and tests: connects, asks for what it has
 * not seen, hands out messages, comes back by itself when the daemon was restarted.
 */
import { createConnection, type Socket } from "node:net";
import {
  type TraceStreamMessage,
  type TraceStreamRequest,
  traceStreamLineBytesMax,
} from "../trace/stream-event.ts";
import { parseStreamLine } from "../trace/stream-line.ts";

const retryMs = 200;

export interface TraceReaderOptions {
  readonly path: string;
  readonly signal: AbortSignal;
  /** Come back after the connection ended, as long as `signal` allows; else the iteration ends then. */
  readonly reconnect?: boolean;
}

interface Position {
  session: string | undefined;
  after: number;
}

/** Whole lines; the rest of one that the end of the connection cut off is dropped. */
async function* linesOf(socket: Socket): AsyncGenerator<string> {
  let rest = "";
  socket.setEncoding("utf8");
  for await (const chunk of socket as AsyncIterable<string>) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > traceStreamLineBytesMax)
      throw new Error("a line of the trace stream is too long");
    yield* lines;
  }
}

async function* readOnce(
  options: TraceReaderOptions,
  position: Position,
): AsyncGenerator<TraceStreamMessage> {
  const socket = createConnection(options.path);
  const stop = () => {
    socket.destroy();
  };
  options.signal.addEventListener("abort", stop, { once: true });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", reject);
      socket.once("close", () => reject(new Error("the trace socket closed")));
    });
    socket.on("error", stop);
    const request: TraceStreamRequest = {
      type: "resume",
      ...(position.session === undefined ? {} : { session: position.session }),
      after: position.after,
    };
    socket.write(`${JSON.stringify(request)}\n`);
    for await (const line of linesOf(socket)) {
      const message = parseStreamLine(line);
      if (typeof message !== "object") continue;
      if (message.type === "hello") position.session = message.session;
      else if (message.type === "gap") position.after = message.to;
      else if (message.type !== "beat") position.after = message.seq;
      yield message;
    }
  } finally {
    options.signal.removeEventListener("abort", stop);
    socket.destroy();
  }
}

/** The messages of the trace stream. Throws when the first connection fails. */
export async function* readTrace(options: TraceReaderOptions): AsyncGenerator<TraceStreamMessage> {
  const position: Position = { session: undefined, after: 0 };
  while (!options.signal.aborted) {
    try {
      yield* readOnce(options, position);
    } catch (error) {
      if (!options.reconnect || position.session === undefined) {
        if (options.signal.aborted) return;
        throw error;
      }
    }
    if (!options.reconnect) return;
    await new Promise((resolve) => setTimeout(resolve, retryMs));
  }
}
