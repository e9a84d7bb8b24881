/** Address ranges of host-local: which addresses a network may give out, and after which comes which. */
import { formatIp, type IpBits, lastBits, networkBits, parseIp, parsePrefix } from "../net/ip.ts";
import { CniError, cniCode, isObject, type JsonObject } from "./cni-call.ts";

export interface AddressRange {
  readonly length: number;
  readonly start: IpBits;
  readonly end: IpBits;
  readonly gateway: IpBits;
}

function after(bits: IpBits, by: number): IpBits {
  return typeof bits === "bigint" ? bits + BigInt(by) : (bits + by) >>> 0;
}

function wrong(index: number, why: string): CniError {
  return new CniError(cniCode.internal, `invalid range set ${index}: ${why}`);
}

function rangeOf(value: JsonObject, set: number): AddressRange {
  const text = String(value["subnet"] ?? "");
  const subnet = parsePrefix(text);
  if (subnet === undefined) throw wrong(set, `invalid CIDR address: ${text}`);
  const network = networkBits(subnet.bits, subnet.length);
  const width = typeof network === "bigint" ? 128 : 32;
  if (subnet.length >= width - 1) throw wrong(set, `Network ${text} too small to allocate from`);
  const read = (name: string, fallback: IpBits): IpBits => {
    const given = value[name];
    if (given === undefined) return fallback;
    const bits = parseIp(String(given));
    if (bits === undefined) throw wrong(set, `invalid IP address: ${String(given)}`);
    return bits;
  };
  const last = lastBits(network, subnet.length);
  const end = typeof last === "bigint" ? last : last - 1;
  return {
    length: subnet.length,
    start: read("rangeStart", after(network, 1)),
    end: read("rangeEnd", end),
    gateway: read("gateway", after(network, 1)),
  };
}

/** Sets of ranges: one address is given out of each set. */
export function rangesOf(ipam: JsonObject): readonly (readonly AddressRange[])[] {
  const sets: unknown[] = Array.isArray(ipam["ranges"]) ? [...ipam["ranges"]] : [];
  if (ipam["subnet"] !== undefined) sets.unshift([ipam]);
  if (sets.length === 0) throw new CniError(cniCode.internal, "no IP ranges specified");
  return sets.map((set, index) => {
    if (!Array.isArray(set) || set.length === 0) throw wrong(index, "empty range set");
    return set.map((range) => {
      if (!isObject(range)) throw wrong(index, "a range is no object");
      return rangeOf(range, index);
    });
  });
}

/** "10.88.0.1-10.88.255.254", as error messages have it. */
export function describeRanges(ranges: readonly AddressRange[]): string {
  return ranges.map(({ start, end }) => `${formatIp(start)}-${formatIp(end)}`).join(",");
}

export interface Candidate {
  readonly bits: IpBits;
  readonly range: AddressRange;
}

/** Every address of the set once, beginning behind `last`, around and around the ranges; gateways are left out. */
export function* candidates(
  ranges: readonly AddressRange[],
  last: IpBits | undefined,
): Generator<Candidate, void, void> {
  const holder = ranges.findIndex(
    ({ start, end }) =>
      last !== undefined && typeof last === typeof start && last >= start && last <= end,
  );
  const next = (index: number, bits: IpBits): readonly [number, IpBits] => {
    const range = ranges[index] as AddressRange;
    if (bits < range.end) return [index, after(bits, 1)];
    const following = (index + 1) % ranges.length;
    return [following, (ranges[following] as AddressRange).start];
  };
  const begin: readonly [number, IpBits] =
    holder < 0 || last === undefined ? [0, (ranges[0] as AddressRange).start] : next(holder, last);
  let [index, bits] = begin;
  do {
    const range = ranges[index] as AddressRange;
    if (bits !== range.gateway) yield { bits, range };
    [index, bits] = next(index, bits);
  } while (index !== begin[0] || bits !== begin[1]);
}
