/** DNS messages with one question (RFC 1035), as much as looking up an address takes. */

export const dnsPort = 53;
const typeA = 1;
const classIn = 1;
const headerBytes = 12;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

export interface DnsAnswer {
  readonly id: number;
  /** 0 is success, 3 that there is no such name. */
  readonly code: number;
  readonly name: string;
  readonly addresses: readonly string[];
}

function nameBytes(name: string): readonly number[] {
  const bytes: number[] = [];
  for (const label of name.split(".")) {
    if (label === "") continue;
    const text = encoder.encode(label);
    bytes.push(Math.min(text.length, 63), ...text.subarray(0, 63));
  }
  return [...bytes, 0];
}

/** A question for the IPv4 address of `name`. */
export function queryFor(id: number, name: string): Uint8Array {
  const header = [id >> 8, id & 255, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
  return new Uint8Array([...header, ...nameBytes(name), 0, typeA, 0, classIn]);
}

/** The name at `offset`, and where it ends. Compression is followed once at most. */
function readName(message: Uint8Array, offset: number): { name: string; end: number } {
  const labels: string[] = [];
  let [at, end] = [offset, -1];
  for (let steps = 0; steps < 128; steps++) {
    const length = message[at] ?? 0;
    if (length >= 0xc0) {
      if (end < 0) end = at + 2;
      at = ((length & 0x3f) << 8) | (message[at + 1] ?? 0);
      continue;
    }
    if (length === 0) break;
    labels.push(decoder.decode(message.subarray(at + 1, at + 1 + length)));
    at += length + 1;
  }
  return { name: labels.join("."), end: end < 0 ? at + 1 : end };
}

/** What a resolver answers to `query`; undefined for what is no query. */
export function answerQuery(
  query: Uint8Array,
  lookUp: (name: string) => string | undefined,
): Uint8Array | undefined {
  if (query.length <= headerBytes) return undefined;
  const { name, end } = readName(query, headerBytes);
  const address = lookUp(name.toLowerCase());
  const question = query.subarray(headerBytes, end + 4);
  const isA = query[end + 1] === typeA;
  const count = address !== undefined && isA ? 1 : 0;
  const code = address === undefined ? 3 : 0;
  const header = [query[0] ?? 0, query[1] ?? 0, 0x81, 0x80 | code, 0, 1, 0, count, 0, 0, 0, 0];
  const record =
    count === 0
      ? []
      : [
          0xc0,
          headerBytes,
          0,
          typeA,
          0,
          classIn,
          0,
          0,
          1,
          44,
          0,
          4,
          ...(address ?? "").split(".").map(Number),
        ];
  return new Uint8Array([...header, ...question, ...record]);
}

/** Reads an answer; undefined when it is none. */
export function readAnswer(message: Uint8Array): DnsAnswer | undefined {
  if (message.length <= headerBytes || ((message[2] ?? 0) & 0x80) === 0) return undefined;
  const question = readName(message, headerBytes);
  const addresses: string[] = [];
  let at = question.end + 4;
  const count = ((message[6] ?? 0) << 8) | (message[7] ?? 0);
  for (let index = 0; index < count; index++) {
    const { end } = readName(message, at);
    const length = ((message[end + 8] ?? 0) << 8) | (message[end + 9] ?? 0);
    if (message[end + 1] === typeA && length === 4) {
      addresses.push([...message.subarray(end + 10, end + 14)].join("."));
    }
    at = end + 10 + length;
  }
  const id = ((message[0] ?? 0) << 8) | (message[1] ?? 0);
  return { id, code: (message[3] ?? 0) & 15, name: question.name, addresses };
}
