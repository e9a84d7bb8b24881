/**
 * The one wrapper around every RPC: readiness, decoding, deadline and cancellation, the span, the
 * log line, and errors made into statuses. An RPC's own file says only what is its own.
 */
import type { handleUnaryCall, Metadata, ServerUnaryCall, StatusObject } from "@grpc/grpc-js";
import { RuntimeError } from "../kernel/errors.ts";
import { type RemoteSpan, remoteSpan } from "../trace/trace-context.ts";
import type { Span } from "../trace/tracer.ts";
import { statusNumber } from "./grpc-status.ts";
import { methodOf } from "./methods.ts";
import type { Failure } from "./service/failure.ts";
import type { Rpc } from "./service/rpc.ts";
import { type Served, type ServiceSurroundings, serveCall } from "./service/serve-call.ts";

/** One line a call; polls at debug. */
export interface CallLog {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

/** What all calls of one server share. */
export interface CallSurroundings extends ServiceSurroundings {
  readonly log: CallLog;
}

type Call = ServerUnaryCall<Buffer, Buffer>;

function caller(metadata: Metadata): RemoteSpan | undefined {
  const [traceparent] = metadata.get("traceparent");
  const [tracestate] = metadata.get("tracestate");
  return typeof traceparent === "string"
    ? remoteSpan(traceparent, typeof tracestate === "string" ? tracestate : undefined)
    : undefined;
}

/** Aborts when the caller leaves; the reason tells a passed deadline from a cancelled call. */
function signalOf(call: Call): AbortSignal {
  const controller = new AbortController();
  call.on("cancelled", () => {
    const deadline = call.getDeadline();
    const passed = deadline !== Number.POSITIVE_INFINITY && Date.now() >= Number(deadline);
    controller.abort(
      passed
        ? new RuntimeError("DEADLINE_EXCEEDED", "the caller's deadline passed")
        : new RuntimeError("CANCELLED", "the caller cancelled the call"),
    );
  });
  return controller.signal;
}

function logCall(
  around: CallSurroundings,
  rpc: Rpc,
  span: Span,
  ms: number,
  failure?: Failure,
): void {
  const fields = { rpc: rpc.name, ms: Math.round(ms * 1000) / 1000, trace: span.traceId };
  if (failure !== undefined) {
    around.log.warn({ ...fields, code: failure.code, error: failure.message }, "call failed");
  } else if (rpc.poll) around.log.debug(fields, "call");
  else around.log.info(fields, "call");
}

function statusObject(failure: Failure): Partial<StatusObject> {
  return { code: statusNumber(failure.code), details: failure.message };
}

/** The grpc-js handler of an RPC. It never throws and answers exactly once. */
export function handle(around: CallSurroundings, rpc: Rpc): handleUnaryCall<Buffer, Buffer> {
  const method = methodOf(rpc.name);
  return (call, callback) => {
    const began = performance.now();
    const served = serveCall(around, rpc, {
      fullName: method.fullName,
      parent: caller(call.metadata),
      signal: signalOf(call),
      decode: () => method.request.decode(call.request),
      encode: (response) => method.response.encode(response),
    });
    void served.then(({ span, answer, failure }: Served<Buffer>) => {
      logCall(around, rpc, span, performance.now() - began, failure);
      if (failure === undefined && answer !== undefined) callback(null, answer);
      else callback(statusObject(failure ?? { code: "INTERNAL", message: "no answer" }));
    });
  };
}
