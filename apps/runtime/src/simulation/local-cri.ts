/**
 * The CRI service called in the same process: what gRPC brings a daemon, a simulation brings by a function
 * call. Spans, readiness and error codes are those of the daemon, because the code is (cri/service).
 */

import type { Rpc } from "../cri/service/rpc.ts";
import type { Methods, UnaryName } from "../cri/service/rpc-names.ts";
import { rpcs } from "../cri/service/rpc-table.ts";
import type { Implemented, Runtime } from "../cri/service/runtime.ts";
import { serveCall } from "../cri/service/serve-call.ts";
import { RuntimeError } from "../kernel/errors.ts";
import type { Context } from "../trace/tracer.ts";

/** Every implemented RPC, as GrpcClient has them. */
export type LocalCri = {
  readonly [Name in Implemented as Uncapitalize<Name>]: (
    context: Context,
    request: Methods[Name]["request"],
  ) => Promise<Methods[Name]["response"]>;
};

const imageService: ReadonlySet<string> = new Set([
  "ListImages",
  "ImageStatus",
  "PullImage",
  "RemoveImage",
  "ImageFsInfo",
]);
const admin: ReadonlySet<string> = new Set(["LoadImage", "ContainerPlan"]);

function fullNameOf(name: UnaryName): string {
  if (admin.has(name)) return `vitrine.v1.Admin/${name}`;
  return `runtime.v1.${imageService.has(name) ? "ImageService" : "RuntimeService"}/${name}`;
}

function method(rpc: Rpc, runtime: () => Runtime, travel: () => void) {
  const fullName = fullNameOf(rpc.name);
  return async (context: Context, request: unknown): Promise<object> => {
    travel();
    const around = { runtime: runtime(), tracer: context.tracer, notReady: () => undefined };
    const { answer, failure } = await serveCall(around, rpc, {
      fullName,
      parent: context.span,
      signal: context.signal,
      decode: () => request,
      encode: (response) => response,
    });
    travel();
    if (failure !== undefined) throw new RuntimeError(failure.code, failure.message);
    return answer as object;
  };
}

/**
 * `runtime` is asked at every call: after a restart of the daemon it is another one. `travel` lets the time pass
 * that a message takes on a socket.
 */
export function localCri(runtime: () => Runtime, travel: () => void = () => {}): LocalCri {
  const entries = rpcs.map((rpc) => [
    `${rpc.name[0]?.toLowerCase()}${rpc.name.slice(1)}`,
    method(rpc, runtime, travel),
  ]);
  return Object.fromEntries(entries) as LocalCri;
}
