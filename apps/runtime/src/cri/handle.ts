/**
 * The one wrapper around every RPC: readiness, decoding, deadline and cancellation, the span, the
 * log line, and errors made into statuses. An RPC's own file says only what is its own.
 */
import type { handleUnaryCall, Metadata, ServerUnaryCall, StatusObject } from "@grpc/grpc-js";
import { RuntimeError } from "../kernel/errors.ts";
import { attribute } from "../trace/attribute.ts";
import type { StepId } from "../trace/catalogue.ts";
import { type RemoteSpan, remoteSpan } from "../trace/trace-context.ts";
import type { Attributes, Context, Span, Tracer } from "../trace/tracer.ts";
import { type Failure, failureOf, statusNumber } from "./grpc-status.ts";
import { type Method, methodOf } from "./methods.ts";
import type { Rpc } from "./rpc.ts";
import type { Runtime } from "./runtime.ts";

/** One line a call; polls at debug. */
export interface CallLog {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

/** What all calls of one server share. */
export interface CallSurroundings {
  readonly runtime: Runtime;
  readonly tracer: Tracer;
  readonly log: CallLog;
  /** Why no call is served now ("the runtime is shutting down"); undefined when they are. */
  readonly notReady: () => string | undefined;
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

function stepOf(method: Method): StepId {
  return `${method.service === "vitrine.v1.Admin" ? "admin" : "cri"}.${method.name}` as StepId;
}

function startSpan(
  around: CallSurroundings,
  method: Method,
  rpc: Rpc,
  call: Call,
  attributes: Attributes,
): Span {
  return around.tracer.start(stepOf(method), caller(call.metadata), {
    attributes: {
      "rpc.system.name": "grpc",
      "rpc.method": method.fullName,
      ...(rpc.poll ? { [attribute.poll]: true } : {}),
      ...attributes,
    },
  });
}

type Decoded = { readonly request: unknown } | { readonly failure: unknown };

/** The request, before there is a span, so that the span says from its start whom it is about. */
function decode(method: Method, bytes: Buffer): Decoded {
  try {
    return { request: method.request.decode(bytes) };
  } catch (failure) {
    return { failure };
  }
}

/** Calls and encodes; whatever goes wrong is thrown. */
async function serve(
  around: CallSurroundings,
  method: Method,
  rpc: Rpc,
  decoded: Decoded,
  context: Context & { readonly span: Span },
): Promise<Buffer> {
  const reason = around.notReady();
  if (reason !== undefined) throw new RuntimeError("UNAVAILABLE", reason);
  if ("failure" in decoded) throw decoded.failure;
  const response = await rpc.call(around.runtime, context, decoded.request);
  context.span.set(rpc.outcome(response));
  return method.response.encode(response);
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
    const signal = signalOf(call);
    const decoded = decode(method, call.request);
    const attributes = "request" in decoded ? rpc.attributes(decoded.request) : {};
    const span = startSpan(around, method, rpc, call, attributes);
    const context = { tracer: around.tracer, span, signal };
    const settle = (failure?: Failure) => {
      if (failure !== undefined) span.fail(failure.code, failure.message);
      span.set({ "rpc.status_code": failure?.code ?? "OK" });
      span.end();
      logCall(around, rpc, span, performance.now() - began, failure);
    };
    serve(around, method, rpc, decoded, context).then(
      (response) => {
        settle();
        callback(null, response);
      },
      (error: unknown) => {
        const failure = failureOf(error, signal);
        settle(failure);
        callback(statusObject(failure));
      },
    );
  };
}
