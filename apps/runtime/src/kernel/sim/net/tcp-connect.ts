/** Connecting by TCP: the SYN is sent again until somebody answers or the kernel gives up (tcp(7), tcp_syn_retries). */
import type { Machine } from "../machine.ts";
import { refuse } from "../refusal.ts";
import type { Coroutine } from "../task.ts";
import { ephemeralPort, socketAt } from "./bind.ts";
import { isUnspecified, parseIp } from "./ip.ts";
import { type OutsideService, outsideLatencyNs } from "./outside.ts";
import type { Packet } from "./packet.ts";
import { type Reached, reach } from "./reach.ts";
import type { Socket } from "./socket.ts";
import { join, TcpEndpoint } from "./tcp-endpoint.ts";

const secondNs = 1_000_000_000n;
/** When the SYN is sent again, seconds after the first one (four linear tries, then doubling), and when it is over. */
const retries: readonly number[] = [0, 1, 2, 3, 4, 5, 7, 11, 19, 35, 67];
const giveUpSeconds = 131n;

/** A connection to a service outside: what arrives there is answered after the way back. */
function serveOutside(machine: Machine, far: TcpEndpoint, service: OutsideService): void {
  let received = new Uint8Array(0);
  let answered = false;
  far.service = (bytes) => {
    const all = new Uint8Array(received.length + bytes.length);
    all.set(received);
    all.set(bytes, received.length);
    received = all;
    const answer = answered ? undefined : service(received);
    if (answer === undefined) return;
    answered = true;
    const { scheduler } = machine;
    scheduler.at(scheduler.nowNs + BigInt(2 * outsideLatencyNs), () => {
      far.peer?.deliver(answer);
      far.close();
    });
  };
}

/** The SYN arrived: the connection, undefined for a full backlog. ECONNREFUSED when nobody listens. */
function establish(machine: Machine, reached: Reached, packet: Packet): TcpEndpoint | undefined {
  const { request } = reached;
  const near = new TcpEndpoint(
    { ip: packet.source, port: packet.sourcePort },
    { ip: packet.destination, port: packet.destinationPort },
  );
  const { packet: arrived } = request;
  const far = new TcpEndpoint(
    { ip: arrived.destination, port: arrived.destinationPort },
    { ip: arrived.source, port: arrived.sourcePort },
  );
  join(near, far);
  if (request.namespace === undefined) {
    const service = request.host?.services.get(`tcp ${arrived.destinationPort}`);
    if (service === undefined) return refuse("ECONNREFUSED");
    serveOutside(machine, far, service);
    return near;
  }
  const { network } = request.namespace;
  const listener = socketAt(network, "tcp", arrived.destination, arrived.destinationPort);
  if (listener?.backlog === undefined) return refuse("ECONNREFUSED");
  return listener.offer(far) ? near : undefined;
}

function* waitUntil(machine: Machine, untilNs: bigint): Coroutine<void> {
  while (machine.scheduler.nowNs < untilNs) yield { untilNs };
}

/** One SYN: the connection, or undefined when nothing came back. Refuses with what the sender is told. */
function* attempt(
  machine: Machine,
  socket: Socket,
  packet: Packet,
): Coroutine<TcpEndpoint | undefined> {
  const { scheduler } = machine;
  const sent = { ...packet };
  const result = reach(machine, socket.namespace, sent);
  if (result.kind === "lost") return undefined;
  if (result.kind === "refused") {
    yield* waitUntil(machine, scheduler.nowNs + BigInt(result.afterNs));
    return refuse(result.errno);
  }
  yield* waitUntil(machine, scheduler.nowNs + BigInt(Math.round(result.roundTripNs)));
  return establish(machine, result, sent);
}

/** connect(2) of a tcp socket. */
export function* connectTcp(
  machine: Machine,
  socket: Socket,
  ip: string,
  port: number,
): Coroutine<void> {
  if (socket.endpoint !== undefined) refuse("EISCONN");
  if (socket.backlog !== undefined) refuse("EISCONN");
  const { network } = socket.namespace;
  const bits = parseIp(ip) ?? refuse("EINVAL");
  // Connecting to the wildcard is connecting to oneself.
  const destination = isUnspecified(bits) ? (ip.includes(":") ? "::1" : "127.0.0.1") : ip;
  const own = socket.bound;
  const source = own === undefined || isUnspecified(parseIp(own.ip) ?? 0) ? "" : own.ip;
  const sourcePort = own?.port ?? ephemeralPort(network, "tcp", "0.0.0.0");
  const packet: Packet = {
    protocol: "tcp",
    source,
    sourcePort,
    destination,
    destinationPort: port,
  };
  const startNs = machine.scheduler.nowNs;
  for (const seconds of retries) {
    yield* waitUntil(machine, startNs + BigInt(seconds) * secondNs);
    const endpoint = yield* attempt(machine, socket, packet);
    if (endpoint === undefined) continue;
    socket.endpoint = endpoint;
    return;
  }
  yield* waitUntil(machine, startNs + giveUpSeconds * secondNs);
  refuse("ETIMEDOUT");
}
