/** ICMP echo (icmp(7)). */
import type { Machine } from "../machine.ts";
import type { NetNamespace } from "../namespace.ts";
import { refuse } from "../refusal.ts";
import type { Coroutine } from "../task.ts";
import { parseIp } from "./ip.ts";
import { reach } from "./reach.ts";

/** One request: the round trip, ns. ENETUNREACH at once; ETIMEDOUT when nothing has come back by then. */
export function* echo(
  machine: Machine,
  from: NetNamespace,
  ip: string,
  timeoutNs: bigint,
): Coroutine<bigint> {
  if (parseIp(ip) === undefined) refuse("EINVAL");
  const { scheduler } = machine;
  const startNs = scheduler.nowNs;
  const result = reach(machine, from, {
    protocol: "icmp",
    source: "",
    sourcePort: 0,
    destination: ip,
    destinationPort: 0,
  });
  if (result.kind === "refused" && result.afterNs === 0) refuse(result.errno);
  const roundTripNs =
    result.kind === "reached" ? BigInt(Math.round(result.roundTripNs)) : undefined;
  const inTime = roundTripNs !== undefined && roundTripNs <= timeoutNs;
  const untilNs = startNs + (inTime ? roundTripNs : timeoutNs);
  while (scheduler.nowNs < untilNs) yield { untilNs };
  return inTime ? roundTripNs : refuse("ETIMEDOUT");
}
