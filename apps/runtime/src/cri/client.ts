/**
 * A gRPC client of the CRI socket: one method an RPC, as the engine has them, so that actors work
 * over either. The span of the context travels as `traceparent`; its signal cancels the call.
 */
import * as grpc from "@grpc/grpc-js";
import type { Draft } from "../api/index.ts";
import { type ErrorCode, RuntimeError } from "../kernel/errors.ts";
import { traceparentOf } from "../trace/trace-context.ts";
import type { Context } from "../trace/tracer.ts";
import { type Method, methodOf, methods } from "./methods.ts";
import { messageBytesMax } from "./server.ts";
import type { Methods, UnaryName } from "./service/rpc-names.ts";

/** Every unary RPC of CRI and of vitrine.v1.Admin; requests may leave out defaults. */
export type GrpcClient = {
  readonly [Name in UnaryName as Uncapitalize<Name>]: (
    context: Context,
    request: Draft<Methods[Name]["request"]>,
  ) => Promise<Methods[Name]["response"]>;
} & {
  /** The messages of a server stream, until it ends or `context.signal` aborts. */
  stream<Name extends Exclude<keyof Methods, UnaryName>>(
    name: Name,
    context: Context,
    request: Draft<Methods[Name]["request"]>,
  ): AsyncIterable<Methods[Name]["response"]>;
  close(): void;
};

export interface GrpcClientOptions {
  /** Deadline of every call, milliseconds; none when unset. */
  readonly timeoutMs?: number;
}

function metadataOf(context: Context): grpc.Metadata {
  const metadata = new grpc.Metadata();
  if (context.span !== undefined) metadata.set("traceparent", traceparentOf(context.span));
  return metadata;
}

/** A status as the error it was: RuntimeError with the code's name. */
function runtimeErrorOf(error: grpc.ServiceError, path: string): RuntimeError {
  const code = grpc.status[error.code] as ErrorCode | undefined;
  // A runtime that answers may be UNAVAILABLE too: its registry, say. These words are grpc-js's own.
  const unreachable =
    error.code === grpc.status.UNAVAILABLE && error.details.startsWith("No connection established");
  const [cause = "no connection"] = /\b(E[A-Z]{3,})\b/.exec(error.details) ?? [];
  const message = unreachable ? `no runtime answers on ${path} (${cause})` : error.details;
  return new RuntimeError(code ?? "UNKNOWN", message, { cause: error });
}

/** Connects lazily; the first call fails with UNAVAILABLE when nobody listens on `path`. */
export function connectClient(path: string, options: GrpcClientOptions = {}): GrpcClient {
  const client = new grpc.Client(`unix:${path}`, grpc.credentials.createInsecure(), {
    "grpc.max_receive_message_length": messageBytesMax,
    "grpc.max_send_message_length": messageBytesMax,
  });
  const callOptions = (): grpc.CallOptions =>
    options.timeoutMs === undefined ? {} : { deadline: Date.now() + options.timeoutMs };

  function unary(method: Method, context: Context, request: object): Promise<unknown> {
    return new Promise((resolve, reject) => {
      context.signal?.throwIfAborted();
      const call = client.makeUnaryRequest(
        `/${method.fullName}`,
        (draft: object) => method.request.encode(draft),
        (bytes: Buffer) => method.response.decode(bytes),
        request,
        metadataOf(context),
        callOptions(),
        (error, response) => {
          context.signal?.removeEventListener("abort", cancel);
          if (error === null) resolve(response);
          else reject(runtimeErrorOf(error, path));
        },
      );
      const cancel = () => call.cancel();
      context.signal?.addEventListener("abort", cancel, { once: true });
    });
  }

  async function* stream(name: keyof Methods, context: Context, request: object) {
    const method = methodOf(name);
    const call = client.makeServerStreamRequest(
      `/${method.fullName}`,
      (draft: object) => method.request.encode(draft),
      (bytes: Buffer) => method.response.decode(bytes),
      request,
      metadataOf(context),
      callOptions(),
    );
    const cancel = () => call.cancel();
    context.signal?.addEventListener("abort", cancel, { once: true });
    try {
      yield* call;
    } catch (error) {
      throw runtimeErrorOf(error as grpc.ServiceError, path);
    } finally {
      context.signal?.removeEventListener("abort", cancel);
      call.cancel();
    }
  }

  const calls: Record<string, unknown> = { stream, close: () => client.close() };
  for (const method of methods.values()) {
    if (method.stream) continue;
    const name = method.name.slice(0, 1).toLowerCase() + method.name.slice(1);
    calls[name] = (context: Context, request: object) => unary(method, context, request);
  }
  return calls as unknown as GrpcClient;
}
