/**
 * The one middleware: every request passes the guard, then is a static file from memory, the bundled
 * recording, or the page. Anything else does not exist.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AccessGuard } from "./access-guard.ts";
import { contentSecurityPolicy, makeNonce, setSafetyHeaders } from "./response-headers.ts";
import type { StaticFile } from "./static-files.ts";

export type PageHandler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

export interface Served {
  readonly files: ReadonlyMap<string, StaticFile>;
  readonly page: PageHandler;
}

export const recordingPath = "/recording/demo-pod.jsonl";

function sayNo(response: ServerResponse, status: number, reason: string): void {
  response.statusCode = status;
  response.setHeader("Content-Type", "text/plain; charset=utf-8");
  response.end(`${reason}\n`);
}

function sendFile(request: IncomingMessage, response: ServerResponse, file: StaticFile): void {
  response.setHeader("Content-Type", file.type);
  response.setHeader("Content-Length", file.body.length);
  // Names of built files contain the hash of their content.
  if (request.url?.startsWith("/_next/static/")) {
    response.setHeader("Cache-Control", "private, max-age=31536000, immutable");
  }
  response.end(request.method === "HEAD" ? undefined : file.body);
}

function answer(
  guard: AccessGuard,
  served: Served,
  request: IncomingMessage,
  response: ServerResponse,
) {
  const { method = "", url = "/", headers } = request;
  const nonce = makeNonce();
  const policy = contentSecurityPolicy(nonce, headers.host ?? "");
  setSafetyHeaders(response, policy);
  const verdict = guard.check({ method, url, headers });
  if (verdict.kind === "refuse") return sayNo(response, verdict.status, verdict.reason);
  if (verdict.kind === "login") {
    response.setHeader("Set-Cookie", guard.cookie);
    response.setHeader("Location", verdict.location);
    return sayNo(response, 303, "welcome");
  }
  const path = url.split("?", 1)[0] ?? "/";
  const file = served.files.get(path);
  if (file) return sendFile(request, response, file);
  if (path !== "/") return sayNo(response, 404, "nothing here");
  // Next reads the nonce for its own inline scripts from the request's policy header.
  request.headers["content-security-policy"] = policy;
  served.page(request, response).catch((error: unknown) => {
    console.error("the page could not be rendered:", error);
    if (response.headersSent) response.destroy();
    else sayNo(response, 500, "the page could not be rendered");
  });
}

/** The server, not yet listening. Slow or huge requests are cut off early. */
export function makeHttpServer(guardOf: () => AccessGuard, served: Served): Server {
  const server = createServer(
    {
      requestTimeout: 10_000,
      headersTimeout: 5_000,
      keepAliveTimeout: 5_000,
      maxHeaderSize: 16 << 10,
    },
    (request, response) => {
      answer(guardOf(), served, request, response);
    },
  );
  server.maxConnections = 256;
  return server;
}
