/**
 * Who may talk to the dashboard. One decision for every request, WebSocket upgrades included, made
 * before anything else sees it: Host against DNS rebinding, Origin and Sec-Fetch-Site against other
 * sites' pages, the token against other users of the machine. Pure: headers in, verdict out.
 */
import { createHash, timingSafeEqual } from "node:crypto";

export interface Guarded {
  readonly method: string;
  /** Path and query as the client sent them. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

export type Verdict =
  | { readonly kind: "pass" }
  /** First visit with the token in the URL: set the cookie and send the browser on without it. */
  | { readonly kind: "login"; readonly location: string }
  | { readonly kind: "refuse"; readonly status: 401 | 403 | 405 | 421; readonly reason: string };

/** Cookies do not know ports; the port in the name keeps two dashboards of one machine apart. */
export function cookieName(port: number): string {
  return `vitrine-${port}`;
}

function header(request: Guarded, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === "string" ? value : undefined;
}

/** Compares in constant time, whatever the lengths. */
export function sameToken(given: string, expected: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}

function cookieOf(request: Guarded, name: string): string | undefined {
  for (const part of (header(request, "cookie") ?? "").split(";")) {
    const equals = part.indexOf("=");
    if (equals > 0 && part.slice(0, equals).trim() === name) return part.slice(equals + 1).trim();
  }
  return undefined;
}

export class AccessGuard {
  readonly #port: number;
  readonly #token: string;
  readonly #hosts: ReadonlySet<string>;

  /** `token` has at least 128 bits of randomness; `port` is the one the server listens on. */
  constructor(port: number, token: string) {
    this.#port = port;
    this.#token = token;
    this.#hosts = new Set([`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`]);
  }

  check(request: Guarded, upgrade = false): Verdict {
    const host = header(request, "host");
    if (host === undefined || !this.#hosts.has(host)) {
      return { kind: "refuse", status: 421, reason: "this server answers for loopback names only" };
    }
    if (request.method !== "GET" && request.method !== "HEAD") {
      return { kind: "refuse", status: 405, reason: "the dashboard is read-only" };
    }
    const origin = header(request, "origin");
    if (origin !== undefined ? origin !== `http://${host}` : upgrade) {
      return { kind: "refuse", status: 403, reason: "the request comes from another origin" };
    }
    const site = header(request, "sec-fetch-site");
    const login = this.#login(request, upgrade);
    // Opening the printed link from a mail or chat is a cross-site navigation; with the token it is meant.
    if (site === "cross-site" && login?.kind !== "login") {
      return { kind: "refuse", status: 403, reason: "the request comes from another site" };
    }
    if (login) return login;
    const cookie = cookieOf(request, cookieName(this.#port));
    if (cookie !== undefined && sameToken(cookie, this.#token)) return { kind: "pass" };
    return { kind: "refuse", status: 401, reason: "open the link that the server printed" };
  }

  #login(request: Guarded, upgrade: boolean): Verdict | undefined {
    if (upgrade) return undefined;
    const question = request.url.indexOf("?");
    if (question < 0) return undefined;
    const query = new URLSearchParams(request.url.slice(question + 1));
    const given = query.get("token");
    if (given === null) return undefined;
    if (!sameToken(given, this.#token)) {
      return { kind: "refuse", status: 401, reason: "the token is not this server's" };
    }
    query.delete("token");
    const rest = query.toString();
    const path = request.url.slice(0, question);
    // "//host" would send the browser to another host.
    const location = /^\/(?![/\\])/.test(path) ? path : "/";
    return { kind: "login", location: rest === "" ? location : `${location}?${rest}` };
  }

  /** The Set-Cookie value of a login. */
  get cookie(): string {
    return `${cookieName(this.#port)}=${this.#token}; HttpOnly; SameSite=Strict; Path=/`;
  }
}
