/**
 * The gRPC server: runtime.v1 whole, and vitrine.v1.Admin, on one unix socket. RPCs without an
 * implementation are registered as well, so that a caller reads which one is missing, and kubelet's
 * cri-client falls back where the API foresees it.
 */
import * as grpc from "@grpc/grpc-js";
import { type CallSurroundings, handle } from "./handle.ts";
import { type Method, methods } from "./methods.ts";
import { rpcs } from "./service/rpc-table.ts";
import { type BoundSocket, bindSocket } from "./socket.ts";

/** Both directions, as containerd and kubelet have it. */
export const messageBytesMax = 16 * 1024 * 1024;

/** Streams one connection may have open; a kubelet uses a few dozen. */
const concurrentStreamsMax = 1024;

function identity(bytes: Buffer): Buffer {
  return bytes;
}

function definitionOf(method: Method): grpc.MethodDefinition<Buffer, Buffer> {
  return {
    path: `/${method.fullName}`,
    requestStream: false,
    responseStream: method.stream,
    requestSerialize: identity,
    requestDeserialize: identity,
    responseSerialize: identity,
    responseDeserialize: identity,
  };
}

function unimplemented(method: Method): Partial<grpc.StatusObject> {
  return {
    code: grpc.status.UNIMPLEMENTED,
    details: `method ${method.fullName} is not implemented yet`,
  };
}

function implementationOf(around: CallSurroundings, method: Method): grpc.UntypedHandleCall {
  const rpc = rpcs.find((candidate) => candidate.name === method.name);
  if (rpc !== undefined) return handle(around, rpc);
  if (method.stream) {
    return (call: grpc.ServerWritableStream<Buffer, Buffer>) => {
      call.emit("error", unimplemented(method));
    };
  }
  return (_call: grpc.ServerUnaryCall<Buffer, Buffer>, callback: grpc.sendUnaryData<Buffer>) => {
    callback(unimplemented(method));
  };
}

function registerServices(server: grpc.Server, around: CallSurroundings): void {
  const services = new Map<
    string,
    [Record<string, grpc.MethodDefinition<Buffer, Buffer>>, grpc.UntypedServiceImplementation]
  >();
  for (const method of methods.values()) {
    const [definitions, implementations] = services.get(method.service) ?? [{}, {}];
    definitions[method.name] = definitionOf(method);
    implementations[method.name] = implementationOf(around, method);
    services.set(method.service, [definitions, implementations]);
  }
  for (const [definitions, implementations] of services.values()) {
    server.addService(definitions, implementations);
  }
}

/** A running server. */
export interface CriServer {
  readonly path: string;
  /** Lets calls that run end for `graceMs`, then cuts them off; removes the socket. */
  close(graceMs: number): Promise<void>;
}

function endCalls(server: grpc.Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const impatience = setTimeout(() => {
      server.forceShutdown();
      resolve();
    }, graceMs);
    server.tryShutdown(() => {
      clearTimeout(impatience);
      resolve();
    });
  });
}

/**
 * Serves on the unix socket `path` (mode 0660). Rejects when something answers there already, when
 * the path is longer than the 107 bytes a socket address takes, or when it cannot be bound.
 */
export async function startServer(path: string, around: CallSurroundings): Promise<CriServer> {
  const server = new grpc.Server({
    "grpc.max_receive_message_length": messageBytesMax,
    "grpc.max_send_message_length": messageBytesMax,
    "grpc.max_concurrent_streams": concurrentStreamsMax,
  });
  registerServices(server, around);
  const socket: BoundSocket = await bindSocket(path, 0o660, (temporary) => bind(server, temporary));
  return {
    path,
    async close(graceMs) {
      socket.remove();
      await endCalls(server, graceMs);
    },
  };
}

function bind(server: grpc.Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.bindAsync(`unix:${path}`, grpc.ServerCredentials.createInsecure(), (error) => {
      if (error === null) resolve();
      else reject(error);
    });
  });
}
