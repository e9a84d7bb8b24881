/**
 * One call of the CRI service, whoever brings it: the gRPC server, or a simulation that calls in the same
 * process. Readiness, span, deadline, and errors made into codes are the same for both.
 */
import { RuntimeError } from "../../kernel/errors.ts";
import { attribute } from "../../trace/attribute.ts";
import type { StepId } from "../../trace/catalogue.ts";
import type { Attributes, Span, Tracer } from "../../trace/tracer.ts";
import { type Failure, failureOf } from "./failure.ts";
import type { Rpc } from "./rpc.ts";
import type { Runtime } from "./runtime.ts";

/** What all calls share. */
export interface ServiceSurroundings {
  readonly runtime: Runtime;
  readonly tracer: Tracer;
  /** Why no call is served now ("the runtime is shutting down"); undefined when they are. */
  readonly notReady: () => string | undefined;
}

/** How a call came in. */
export interface Incoming<Answer> {
  /** "runtime.v1.RuntimeService/RunPodSandbox": OpenTelemetry's rpc.method. */
  readonly fullName: string;
  /** The caller's span. */
  readonly parent: Span | undefined;
  readonly signal: AbortSignal | undefined;
  /** The request; may throw when it cannot be read. */
  readonly decode: () => unknown;
  readonly encode: (response: object) => Answer;
}

/** The ended span, and the answer or the failure. */
export interface Served<Answer> {
  readonly span: Span;
  readonly answer?: Answer;
  readonly failure?: Failure;
}

function stepOf(fullName: string, rpc: Rpc): StepId {
  return `${fullName.startsWith("vitrine.v1.Admin/") ? "admin" : "cri"}.${rpc.name}` as StepId;
}

type Decoded = { readonly request: unknown } | { readonly failure: unknown };

/** The request, before there is a span, so that the span says from its start whom it is about. */
function decoded(decode: () => unknown): Decoded {
  try {
    return { request: decode() };
  } catch (failure) {
    return { failure };
  }
}

/** Serves a call. Never rejects. */
export async function serveCall<Answer>(
  around: ServiceSurroundings,
  rpc: Rpc,
  incoming: Incoming<Answer>,
): Promise<Served<Answer>> {
  const { fullName, parent, signal } = incoming;
  const given = decoded(incoming.decode);
  const own: Attributes = "request" in given ? rpc.attributes(given.request) : {};
  const span = around.tracer.start(stepOf(fullName, rpc), parent, {
    attributes: {
      "rpc.system.name": "grpc",
      "rpc.method": fullName,
      ...(rpc.poll ? { [attribute.poll]: true } : {}),
      ...own,
    },
  });
  const settle = (failure?: Failure) => {
    if (failure !== undefined) span.fail(failure.code, failure.message);
    span.set({ "rpc.status_code": failure?.code ?? "OK" });
    span.end();
  };
  try {
    const reason = around.notReady();
    if (reason !== undefined) throw new RuntimeError("UNAVAILABLE", reason);
    if ("failure" in given) throw given.failure;
    const context = { tracer: around.tracer, span, signal };
    const response = await rpc.call(around.runtime, context, given.request);
    span.set(rpc.outcome(response));
    const answer = incoming.encode(response);
    settle();
    return { span, answer };
  } catch (error) {
    const failure = failureOf(error, signal);
    settle(failure);
    return { span, failure };
  }
}
