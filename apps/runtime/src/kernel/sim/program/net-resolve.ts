/** Host names as a small libc looks them up: numbers, /etc/hosts, then the resolvers of /etc/resolv.conf. */
import { dnsPort, queryFor, readAnswer } from "../net/dns-message.ts";
import { formatIp, parseIp } from "../net/ip.ts";
import type { Process } from "../process/process.ts";
import { isRefusal } from "../refusal.ts";
import { close } from "../syscall/file.ts";
import { connect, receiveFrom, sendTo, socket } from "../syscall/socket.ts";
import type { Coroutine } from "../task.ts";
import { linesOf, tryFileText } from "./file-text.ts";

const timeoutNs = 5_000_000_000n;
const tries = 2;

/** The address /etc/hosts has for a name. */
function inHosts(self: Process, name: string): string | undefined {
  for (const line of linesOf(tryFileText(self, "/etc/hosts") ?? "")) {
    const [ip, ...names] = (line.split("#")[0] ?? "").split(/\s+/).filter((word) => word !== "");
    if (ip !== undefined && names.includes(name) && parseIp(ip) !== undefined) return ip;
  }
  return name === "localhost" ? "127.0.0.1" : undefined;
}

/** Name servers, in order. */
export function nameServers(self: Process): readonly string[] {
  const found = linesOf(tryFileText(self, "/etc/resolv.conf") ?? "")
    .map((line) => /^nameserver\s+(\S+)/.exec(line)?.[1])
    .filter((one) => one !== undefined && parseIp(one) !== undefined);
  return found.length === 0 ? ["127.0.0.1"] : (found as string[]);
}

export interface Answer {
  readonly addresses: readonly string[];
  /** There is no such name. */
  readonly isUnknown: boolean;
}

/** Asks one server; undefined when it does not answer. Refusals of the network go to the caller. */
export function* ask(self: Process, server: string, name: string): Coroutine<Answer | undefined> {
  const id = self.machine.random() & 0xffff;
  const fd = socket(self, "udp");
  try {
    // Connected, so that an ICMP error is told.
    yield* connect(self, fd, server, dnsPort);
    for (let attempt = 0; attempt < tries; attempt++) {
      sendTo(self, fd, queryFor(id, name), server, dnsPort);
      const datagram = yield* receiveFrom(self, fd, timeoutNs);
      const answer = datagram === undefined ? undefined : readAnswer(datagram.bytes);
      if (answer?.id !== id) continue;
      return { addresses: answer.addresses, isUnknown: answer.code === 3 };
    }
    return undefined;
  } finally {
    close(self, fd);
  }
}

/** The first address of a name; undefined when nobody knows it. */
export function* resolveHost(self: Process, name: string): Coroutine<string | undefined> {
  const bits = parseIp(name);
  if (bits !== undefined) return formatIp(bits);
  const own = inHosts(self, name);
  if (own !== undefined) return own;
  for (const server of nameServers(self)) {
    try {
      const answer = yield* ask(self, server, name);
      if (answer !== undefined) return answer.addresses[0];
    } catch (thrown) {
      if (!isRefusal(thrown)) throw thrown;
    }
  }
  return undefined;
}
