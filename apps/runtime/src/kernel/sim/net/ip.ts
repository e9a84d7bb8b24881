/**
 * IP addresses as text and as numbers. An IPv4 address is a number of 32 bits, an IPv6 address a bigint of
 * 128: the JavaScript type tells the family.
 */

export type IpBits = number | bigint;

export interface Prefix {
  /** Lower bits may be set: "10.0.0.7/24". */
  readonly bits: IpBits;
  readonly length: number;
}

/** Dotted quad as inet_pton(3) takes it: four decimal numbers, no leading zeros. */
export function parseIpv4(text: string): number | undefined {
  let bits = 0;
  let part = -1;
  let parts = 0;
  for (let index = 0; index <= text.length; index++) {
    const code = index < text.length ? text.charCodeAt(index) : 46;
    if (code === 46) {
      if (part < 0 || part > 255 || ++parts > 4) return undefined;
      bits = bits * 256 + part;
      part = -1;
    } else if (code >= 48 && code <= 57) {
      if (part === 0) return undefined;
      part = (part < 0 ? 0 : part * 10) + code - 48;
      if (part > 255) return undefined;
    } else {
      return undefined;
    }
  }
  return parts === 4 ? bits : undefined;
}

function parseGroups(text: string): readonly number[] | undefined {
  if (text === "") return [];
  const groups: number[] = [];
  const parts = text.split(":");
  for (const [index, part] of parts.entries()) {
    if (index === parts.length - 1 && part.includes(".")) {
      const quad = parseIpv4(part);
      if (quad === undefined) return undefined;
      groups.push(quad >>> 16, quad & 0xffff);
    } else {
      if (!/^[0-9a-fA-F]{1,4}$/.test(part)) return undefined;
      groups.push(Number.parseInt(part, 16));
    }
  }
  return groups;
}

/** RFC 4291 section 2.2. */
export function parseIpv6(text: string): bigint | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const front = parseGroups(halves[0] ?? "");
  const back = halves.length === 2 ? parseGroups(halves[1] ?? "") : [];
  if (front === undefined || back === undefined) return undefined;
  const missing = 8 - front.length - back.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const groups = [...front, ...new Array<number>(missing).fill(0), ...back];
  return groups.reduce((bits, group) => (bits << 16n) | BigInt(group), 0n);
}

export function parseIp(text: string): IpBits | undefined {
  return text.includes(":") ? parseIpv6(text) : parseIpv4(text);
}

function formatIpv6(bits: bigint): string {
  const groups = Array.from({ length: 8 }, (_, index) =>
    Number((bits >> BigInt(112 - 16 * index)) & 0xffffn),
  );
  let [start, length] = [-1, 1];
  for (let from = 0; from < 8; from++) {
    let to = from;
    while (to < 8 && groups[to] === 0) to++;
    if (to - from > length) [start, length] = [from, to - from];
  }
  const text = (part: readonly number[]) => part.map((group) => group.toString(16)).join(":");
  if (start < 0) return text(groups);
  return `${text(groups.slice(0, start))}::${text(groups.slice(start + length))}`;
}

/** The one way an address is written (RFC 5952 for IPv6). */
export function formatIp(bits: IpBits): string {
  if (typeof bits === "bigint") return formatIpv6(bits);
  return `${bits >>> 24}.${(bits >>> 16) & 255}.${(bits >>> 8) & 255}.${bits & 255}`;
}

export function widthOf(bits: IpBits): number {
  return typeof bits === "bigint" ? 128 : 32;
}

/** "10.88.0.0/16"; an address alone is a prefix of its full length. */
export function parsePrefix(text: string): Prefix | undefined {
  const slash = text.indexOf("/");
  const bits = parseIp(slash < 0 ? text : text.slice(0, slash));
  if (bits === undefined) return undefined;
  if (slash < 0) return { bits, length: widthOf(bits) };
  const digits = text.slice(slash + 1);
  const length = /^[0-9]{1,3}$/.test(digits) ? Number(digits) : -1;
  return length < 0 || length > widthOf(bits) ? undefined : { bits, length };
}

/** The address with all bits behind the prefix cleared. */
export function networkBits(bits: IpBits, length: number): IpBits {
  if (typeof bits === "bigint") {
    const shift = BigInt(128 - length);
    return (bits >> shift) << shift;
  }
  return length === 0 ? 0 : (bits & (-1 << (32 - length))) >>> 0;
}

/** The address with all bits behind the prefix set: the broadcast address of IPv4. */
export function lastBits(bits: IpBits, length: number): IpBits {
  if (typeof bits === "bigint") return bits | ((1n << BigInt(128 - length)) - 1n);
  return length === 0 ? 0xffffffff : (bits | (2 ** (32 - length) - 1)) >>> 0;
}

export function contains(network: IpBits, length: number, ip: IpBits): boolean {
  if (typeof network !== typeof ip) return false;
  return networkBits(network, length) === networkBits(ip, length);
}

export function isLoopback(bits: IpBits): boolean {
  return typeof bits === "bigint" ? bits === 1n : bits >>> 24 === 127;
}

export function isUnspecified(bits: IpBits): boolean {
  return bits === 0 || bits === 0n;
}

/** 0.0.0.0/0 and ::/0 are written "default" by ip-route(8). */
export function formatPrefix(bits: IpBits, length: number): string {
  return `${formatIp(bits)}/${length}`;
}
