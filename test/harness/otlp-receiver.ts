/**
 * A small real OTLP receiver, over HTTP (JSON and protobuf) or gRPC: what an exporter sends is decoded and
 * kept as the records our own reader makes of OTLP JSON. The message is opentelemetry-proto's, cut down
 * to what spans need.
 */
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import { gunzipSync } from "node:zlib";
import * as grpc from "@grpc/grpc-js";
import protobuf from "protobufjs";
import { parseRecording } from "../../apps/runtime/src/trace/otlp.ts";
import type { SpanRecord } from "../../apps/runtime/src/trace/span-record.ts";

const proto = `
  syntax = "proto3";
  message ExportTraceServiceRequest { repeated ResourceSpans resource_spans = 1; }
  message ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; string schema_url = 3; }
  message Resource { repeated KeyValue attributes = 1; }
  message ScopeSpans { Scope scope = 1; repeated Span spans = 2; string schema_url = 3; }
  message Scope { string name = 1; string version = 2; }
  message Span {
    bytes trace_id = 1; bytes span_id = 2; string trace_state = 3; bytes parent_span_id = 4;
    string name = 5; int32 kind = 6; fixed64 start_time_unix_nano = 7; fixed64 end_time_unix_nano = 8;
    repeated KeyValue attributes = 9; uint32 dropped_attributes_count = 10;
    repeated Event events = 11; repeated Link links = 13; Status status = 15; fixed32 flags = 16;
  }
  message Event { fixed64 time_unix_nano = 1; string name = 2; repeated KeyValue attributes = 3; }
  message Link { bytes trace_id = 1; bytes span_id = 2; }
  message Status { string message = 2; int32 code = 3; }
  message KeyValue { string key = 1; AnyValue value = 2; }
  message AnyValue {
    oneof value {
      string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4;
      ArrayValue array_value = 5;
    }
  }
  message ArrayValue { repeated AnyValue values = 1; }
`;
const requestType = protobuf.parse(proto).root.lookupType("ExportTraceServiceRequest");

/** A protobuf request as OTLP JSON, in which ids are hexadecimal. */
function jsonOf(bytes: Uint8Array): string {
  const message = requestType.toObject(requestType.decode(bytes), { longs: String, bytes: String });
  return JSON.stringify(message, (key, value: unknown) => {
    const isId = /^(traceId|spanId|parentSpanId)$/.test(key);
    return isId ? Buffer.from(String(value), "base64").toString("hex") : value;
  });
}

export interface OtlpRequest {
  /** Path of the URL, or full name of the RPC. */
  readonly path: string;
  /** HTTP headers or gRPC metadata, names in lower case. */
  readonly headers: IncomingHttpHeaders | Readonly<Record<string, grpc.MetadataValue>>;
}

export class OtlpReceiver {
  /** For OTEL_EXPORTER_OTLP_ENDPOINT. */
  readonly endpoint: string;
  readonly requests: OtlpRequest[] = [];
  readonly spans: SpanRecord[] = [];
  readonly stop: () => Promise<void>;

  private constructor(port: number, stop: () => Promise<void>) {
    this.endpoint = `http://127.0.0.1:${port}`;
    this.stop = stop;
  }

  /** One that speaks `protocol`; HTTP answers `status` instead of 200 when given. */
  static start(protocol: string, status = 200): Promise<OtlpReceiver> {
    return protocol === "grpc" ? OtlpReceiver.#startGrpc() : OtlpReceiver.#startHttp(status);
  }

  static async #startHttp(status: number): Promise<OtlpReceiver> {
    const server: Server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const raw = Buffer.concat(chunks);
        const body = request.headers["content-encoding"] === "gzip" ? gunzipSync(raw) : raw;
        const isJson = request.headers["content-type"] === "application/json";
        receiver.#take(request.url ?? "", request.headers, isJson ? `${body}` : jsonOf(body));
        response.writeHead(status).end(isJson ? "{}" : "");
      });
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const receiver = new OtlpReceiver((server.address() as { port: number }).port, async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    });
    return receiver;
  }

  static async #startGrpc(): Promise<OtlpReceiver> {
    const path = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
    const bytes = (value: Buffer) => value;
    const definition: grpc.MethodDefinition<Buffer, Buffer> = {
      path,
      requestStream: false,
      responseStream: false,
      requestSerialize: bytes,
      requestDeserialize: bytes,
      responseSerialize: bytes,
      responseDeserialize: bytes,
    };
    const server = new grpc.Server();
    const take: grpc.handleUnaryCall<Buffer, Buffer> = (call, callback) => {
      receiver.#take(path, call.metadata.getMap(), jsonOf(call.request));
      callback(null, Buffer.alloc(0));
    };
    server.addService({ Export: definition }, { Export: take });
    const port = await new Promise<number>((resolve, reject) => {
      const credentials = grpc.ServerCredentials.createInsecure();
      server.bindAsync("127.0.0.1:0", credentials, (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      );
    });
    const receiver = new OtlpReceiver(port, async () => server.forceShutdown());
    return receiver;
  }

  #take(path: string, headers: OtlpRequest["headers"], json: string): void {
    this.requests.push({ path, headers });
    const { spans, problems } = parseRecording(json);
    if (problems.length > 0) throw new Error(`not OTLP: ${JSON.stringify(problems)}`);
    this.spans.push(...spans);
  }
}
