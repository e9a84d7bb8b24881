/** Serving a directory over HTTP: the common part of httpd and nginx. */
import { AT_FDCWD, O_RDONLY } from "../abi.ts";
import type { Process } from "../process/process.ts";
import { isRefusal } from "../refusal.ts";
import { close, openat2, read, type Stat, statat } from "../syscall/file.ts";
import { accept } from "../syscall/socket.ts";
import type { Coroutine } from "../task.ts";
import { formatTime } from "./calendar.ts";
import { joinBytes } from "./file-text.ts";
import { type HttpRequest, readRequest, send } from "./net-http.ts";

const requestTimeoutNs = 60_000_000_000n;

const types: Readonly<Record<string, string>> = {
  html: "text/html",
  htm: "text/html",
  txt: "text/plain",
  css: "text/css",
  js: "application/javascript",
  json: "application/json",
  png: "image/png",
  svg: "image/svg+xml",
};

export function contentType(path: string, fallback: string): string {
  return types[path.slice(path.lastIndexOf(".") + 1)] ?? fallback;
}

/** "Tue, 24 Nov 2026 02:48:51 GMT". */
export function httpDate(unixNs: bigint): string {
  return formatTime("%a, %d %b %Y %H:%M:%S GMT", unixNs);
}

/** The path of a request below the root: no query, no "..". undefined when it would lead out. */
export function cleanPath(path: string): string | undefined {
  const parts: string[] = [];
  for (const part of decode(path.split("?")[0] ?? "").split("/")) {
    if (part === "" || part === ".") continue;
    if (part === ".." && parts.pop() === undefined) return undefined;
    if (part !== "..") parts.push(part);
  }
  return `/${parts.join("/")}`;
}

function decode(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

export type Found =
  | {
      readonly kind: "file";
      readonly path: string;
      readonly stat: Stat;
      readonly content: Uint8Array;
    }
  | { readonly kind: "redirect"; readonly location: string }
  | { readonly kind: "missing" }
  | { readonly kind: "forbidden" };

function* readWhole(self: Process, path: string): Coroutine<Uint8Array> {
  const fd = openat2(self, AT_FDCWD, path, { flags: O_RDONLY });
  try {
    const chunks: Uint8Array[] = [];
    for (;;) {
      const chunk = yield* read(self, fd, 1 << 20);
      if (chunk.length === 0) return joinBytes(chunks);
      chunks.push(chunk);
    }
  } finally {
    close(self, fd);
  }
}

/** What a request for `path` gets from the directory `root`; a directory gives its index.html. */
export function* find(self: Process, root: string, path: string): Coroutine<Found> {
  const clean = cleanPath(path);
  if (clean === undefined) return { kind: "forbidden" };
  try {
    let file = `${root}${clean}`;
    let stat = statat(self, AT_FDCWD, file);
    if (stat.type === "directory") {
      const bare = path.split("?")[0] ?? "/";
      if (!bare.endsWith("/")) return { kind: "redirect", location: `${bare}/` };
      file = `${file === "/" ? "" : file}/index.html`;
      stat = statat(self, AT_FDCWD, file);
    }
    if (stat.type !== "file") return { kind: "missing" };
    return { kind: "file", path: file, stat, content: yield* readWhole(self, file) };
  } catch (thrown) {
    if (isRefusal(thrown, "EACCES", "EPERM")) return { kind: "forbidden" };
    if (isRefusal(thrown)) return { kind: "missing" };
    throw thrown;
  }
}

export interface Reply {
  readonly status: number;
  readonly head: string;
  readonly body: Uint8Array;
}

export interface Exchange {
  readonly ip: string;
  readonly port: number;
  readonly request: HttpRequest;
  readonly reply: Reply;
}

/** Accepts one connection after another, for ever; `done` is told of every exchange. */
export function* serve(
  self: Process,
  listener: number,
  replyTo: (request: HttpRequest) => Coroutine<Reply>,
  done: (exchange: Exchange) => Coroutine<void>,
): Coroutine<never> {
  for (;;) {
    let fd: number;
    let ip: string;
    let port: number;
    try {
      ({ fd, ip, port } = yield* accept(self, listener));
    } catch (thrown) {
      if (isRefusal(thrown, "EINTR", "ECONNABORTED", "EMFILE")) continue;
      throw thrown;
    }
    try {
      const request = yield* readRequest(self, fd, requestTimeoutNs);
      if (request === undefined) continue;
      const reply = yield* replyTo(request);
      const isSent = yield* send(self, fd, reply.head);
      if (isSent && request.method !== "HEAD") yield* send(self, fd, reply.body);
      yield* done({ ip, port, request, reply });
    } catch (thrown) {
      if (!isRefusal(thrown, "ECONNRESET", "EPIPE", "EINTR")) throw thrown;
    } finally {
      close(self, fd);
    }
  }
}
