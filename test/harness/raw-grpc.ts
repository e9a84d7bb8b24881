/** gRPC by hand, over HTTP/2 on a unix socket: for requests that no client library would send. */
import { once } from "node:events";
import { type ClientHttp2Session, connect, constants } from "node:http2";
import { createConnection } from "node:net";
import { type Method, methodOf } from "../../apps/runtime/src/cri/methods.ts";
import type { RpcName } from "../../apps/runtime/src/cri/service/rpc-names.ts";

/** Of one connection's buffers; Node's default is less than the largest message. */
const megabytesMax = 256;

export interface RawAnswer {
  /** Number of grpc-status; undefined when there was none. */
  readonly status: number | undefined;
  readonly message: string;
  /** Of HTTP. */
  readonly http: number | undefined;
}

/** A length-prefixed message of the gRPC protocol; `flag` 1 says that it is compressed. */
export function grpcFrame(bytes: Uint8Array, flag = 0, length = bytes.length): Buffer {
  const header = Buffer.alloc(5);
  header.writeUInt8(flag, 0);
  header.writeUInt32BE(length, 1);
  return Buffer.concat([header, bytes]);
}

/** The path of a method, as HTTP/2 has it. */
export function pathOf(name: RpcName): string {
  const method: Method = methodOf(name);
  return `/${method.fullName}`;
}

export class RawConnection {
  readonly #session: ClientHttp2Session;

  private constructor(session: ClientHttp2Session) {
    this.#session = session;
  }

  static async open(socket: string): Promise<RawConnection> {
    const session = connect("http://localhost", {
      createConnection: () => createConnection(socket),
      maxSessionMemory: megabytesMax,
    });
    session.on("error", () => {});
    await once(session, "connect");
    return new RawConnection(session);
  }

  /** Sends a request with any body and headers; resolves with the answer's trailers, whatever they are. */
  call(
    path: string,
    body: Uint8Array,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<RawAnswer> {
    return new Promise((resolve) => {
      const stream = this.#session.request({
        ":method": "POST",
        ":path": path,
        "content-type": "application/grpc",
        te: "trailers",
        ...headers,
      });
      let status: number | undefined;
      let message = "";
      let http: number | undefined;
      const read = (given: Readonly<Record<string, unknown>>) => {
        if (given["grpc-status"] !== undefined) status = Number(given["grpc-status"]);
        if (given["grpc-message"] !== undefined) {
          message = decodeURIComponent(String(given["grpc-message"]));
        }
      };
      stream.on("response", (given) => {
        http = Number(given[constants.HTTP2_HEADER_STATUS]);
        read(given);
      });
      stream.on("trailers", read);
      stream.on("error", () => {});
      stream.on("close", () => resolve({ status, message, http }));
      stream.resume();
      stream.end(body);
    });
  }

  /** Cuts the connection as a killed process does. */
  cut(): void {
    this.#session.destroy();
  }

  async close(): Promise<void> {
    if (this.#session.destroyed) return;
    this.#session.close();
    await once(this.#session, "close");
  }
}
