/** HTTP/1.1 over sockets of the model, as much as small clients and servers need (RFC 9112). */
import { parseIp } from "../net/ip.ts";
import type { Process } from "../process/process.ts";
import { isRefusal } from "../refusal.ts";
import { read, write } from "../syscall/file.ts";
import { awaitInput } from "../syscall/socket.ts";
import type { Coroutine } from "../task.ts";
import { bytesOf, joinBytes, textOf } from "./file-text.ts";

const headMax = 8192;
const bodyMax = 64 << 20;
const endOfHead = "\r\n\r\n";

export interface HttpUrl {
  readonly host: string;
  readonly port: number;
  /** With the query. */
  readonly path: string;
}

/** "http://host[:port][/path]"; the scheme may be missing. undefined for what is none. */
export function parseUrl(text: string): HttpUrl | undefined {
  const rest = text.startsWith("http://") ? text.slice(7) : text;
  if (rest.includes("://")) return undefined;
  const slash = rest.indexOf("/");
  const authority = slash < 0 ? rest : rest.slice(0, slash);
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::([0-9]{1,5}))?$/.exec(authority);
  if (match === null) return undefined;
  const host = match[1] ?? match[2] ?? "";
  const port = match[3] === undefined ? 80 : Number(match[3]);
  if (port < 1 || port > 65_535 || (match[1] !== undefined && parseIp(host) === undefined)) {
    return undefined;
  }
  return { host, port, path: slash < 0 ? "/" : rest.slice(slash) };
}

export interface HttpRequest {
  readonly method: string;
  readonly path: string;
  readonly line: string;
  /** Lower-case names. */
  readonly headers: ReadonlyMap<string, string>;
}

function headersOf(lines: readonly string[]): ReadonlyMap<string, string> {
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(":");
    if (colon > 0) headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
  }
  return headers;
}

/** Reads until the end of the head, the end of file, or `timeoutNs` without anything; the text so far. */
export function* readHead(self: Process, fd: number, timeoutNs: bigint): Coroutine<string> {
  let text = "";
  while (text.length < headMax && !text.includes(endOfHead)) {
    if (!(yield* awaitInput(self, fd, timeoutNs))) break;
    const chunk = yield* read(self, fd, headMax - text.length);
    if (chunk.length === 0) break;
    text += textOf(chunk);
  }
  return text;
}

/** A request; undefined when nothing whole came. */
export function* readRequest(
  self: Process,
  fd: number,
  timeoutNs: bigint,
): Coroutine<HttpRequest | undefined> {
  const [line = "", ...rest] = (yield* readHead(self, fd, timeoutNs)).split("\r\n");
  if (line === "") return undefined;
  const [method = "", path = "/"] = line.split(" ");
  return { method, path, line, headers: headersOf(rest) };
}

/** Sends all of it; false when the other side is gone. */
export function* send(self: Process, fd: number, data: Uint8Array | string): Coroutine<boolean> {
  try {
    yield* write(self, fd, typeof data === "string" ? bytesOf(data) : data);
    return true;
  } catch (thrown) {
    if (isRefusal(thrown, "EPIPE", "ECONNRESET")) return false;
    throw thrown;
  }
}

export interface HttpResponse {
  /** "HTTP/1.1 200 OK". */
  readonly statusLine: string;
  readonly status: number;
  readonly headerLines: readonly string[];
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Uint8Array;
}

function headEnd(bytes: Uint8Array): number {
  for (let at = 0; at + 3 < bytes.length; at++) {
    if (bytes[at] === 13 && bytes[at + 1] === 10 && bytes[at + 2] === 13 && bytes[at + 3] === 10) {
      return at;
    }
  }
  return -1;
}

/** Everything until the other side closes, as a response; undefined for what is none. */
export function* readResponse(self: Process, fd: number): Coroutine<HttpResponse | undefined> {
  const chunks: Uint8Array[] = [];
  for (let size = 0; size < bodyMax; ) {
    const chunk = yield* read(self, fd, 65_536);
    if (chunk.length === 0) break;
    chunks.push(chunk);
    size += chunk.length;
  }
  const bytes = joinBytes(chunks);
  const end = headEnd(bytes);
  if (end < 0) return undefined;
  const [statusLine = "", ...headerLines] = textOf(bytes.subarray(0, end)).split("\r\n");
  const status = Number(/^HTTP\/1\.[01] ([0-9]{3})/.exec(statusLine)?.[1] ?? 0);
  if (status === 0) return undefined;
  const body = bytes.subarray(end + 4);
  return { statusLine, status, headerLines, headers: headersOf(headerLines), body };
}
