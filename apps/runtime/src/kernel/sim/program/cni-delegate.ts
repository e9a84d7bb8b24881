/** Calling another plugin, as bridge calls its IPAM: found in CNI_PATH, with our environment and configuration. */
import { AT_FDCWD, O_CLOEXEC } from "../abi.ts";
import type { Process } from "../process/process.ts";
import { isRefusal } from "../refusal.ts";
import { close, dup2, pipe2, read, statat, write } from "../syscall/file.ts";
import { clone3, execve } from "../syscall/process.ts";
import type { Coroutine } from "../task.ts";
import { waitFor } from "./child-program.ts";
import { type CniCall, CniError, cniCode, isObject, type JsonObject } from "./cni-call.ts";
import { bytesOf, joinBytes, textOf } from "./file-text.ts";

function findPlugin({ self, path }: CniCall, type: string): string {
  for (const directory of path) {
    try {
      const stat = statat(self, AT_FDCWD, `${directory}/${type}`);
      if (stat.type === "file" && (stat.mode & 0o111) !== 0) return `${directory}/${type}`;
    } catch (thrown) {
      if (!isRefusal(thrown)) throw thrown;
    }
  }
  const where = `[${path.join(" ")}]`;
  const what = `failed to find plugin ${JSON.stringify(type)} in path ${where}`;
  throw new CniError(cniCode.internal, what);
}

interface Started {
  readonly child: Process;
  readonly input: number;
  readonly output: number;
}

function start(self: Process, path: string): Started {
  const [inRead, inWrite] = pipe2(self, O_CLOEXEC);
  const [outRead, outWrite] = pipe2(self, O_CLOEXEC);
  const child = clone3(self, {
    namespaces: [],
    // biome-ignore lint/correctness/useYield: it becomes the plugin at once
    body: function* (own) {
      dup2(own, inRead, 0);
      dup2(own, outWrite, 1);
      try {
        return execve(own, path, [path], own.env);
      } catch (thrown) {
        if (!isRefusal(thrown)) throw thrown;
        return 127;
      }
    },
  });
  close(self, inRead);
  close(self, outWrite);
  return { child, input: inWrite, output: outRead };
}

function parse(text: string): JsonObject {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}

/** Runs the plugin `type` with the same command: what it printed. Its error object becomes ours. */
export function* delegate(call: CniCall, type: string): Coroutine<JsonObject> {
  const { self } = call;
  const { child, input, output } = start(self, findPlugin(call, type));
  try {
    yield* write(self, input, bytesOf(call.input));
  } catch (thrown) {
    // A plugin that does not read its configuration says itself what is wrong.
    if (!isRefusal(thrown, "EPIPE")) throw thrown;
  } finally {
    close(self, input);
  }
  const chunks: Uint8Array[] = [];
  for (;;) {
    const chunk = yield* read(self, output, 65_536);
    if (chunk.length === 0) break;
    chunks.push(chunk);
  }
  close(self, output);
  const status = yield* waitFor(self, child);
  const said = textOf(joinBytes(chunks));
  if (status.kind === "exited" && status.code === 0) return parse(said);
  const { code, msg, details } = parse(said);
  if (typeof msg === "string") {
    const number = typeof code === "number" ? code : cniCode.internal;
    throw new CniError(number, msg, typeof details === "string" ? details : "");
  }
  throw new CniError(cniCode.internal, `netplugin failed: ${JSON.stringify(said)}`);
}
