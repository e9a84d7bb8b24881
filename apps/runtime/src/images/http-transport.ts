/**
 * HTTP as registries need it: redirects by our own rules, TLS by endpoint, every wait bounded.
 * A redirect never leads from https to http; to another host it carries no Authorization and none of
 * the configured headers; never to a link-local address, and to this machine only from this machine.
 */
import { lookup as dnsLookup } from "node:dns";
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import type { LookupFunction, Socket } from "node:net";
import { messageOf, RuntimeError } from "../kernel/errors.ts";
import { hostnameOf, isLinkLocal, isLoopback, type RegistryEndpoint } from "./registry-endpoint.ts";

export interface HttpRequest {
  readonly method?: "GET" | "HEAD" | "POST";
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string;
  readonly signal?: AbortSignal | undefined;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  /** To be read to its end or destroyed. */
  readonly body: IncomingMessage;
  /** The last URL, after redirects, without its query: queries hold signatures. */
  readonly url: string;
}

const redirectsMax = 10;
const redirectStatuses = new Set([301, 302, 303, 307, 308]);
/** From the request to the response's headers. */
const headersTimeoutMs = 30_000;

function unavailable(what: string, error: unknown): RuntimeError {
  return new RuntimeError("UNAVAILABLE", `${what}: ${messageOf(error)}`, { cause: error });
}

/** Scheme, host and path of a URL: what may stand in an error or a span. */
export function redactUrl(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}`;
}

/** Refuses addresses that a name of a redirect must not lead to. */
function guardedLookup(trusted: string): LookupFunction {
  return (hostname, options, callback) => {
    dnsLookup(hostname, options, (error, found, family) => {
      const addresses = Array.isArray(found) ? found.map(({ address }) => address) : [found];
      const bad = error === null && addresses.find((address) => !mayLeadTo(trusted, address));
      if (bad)
        callback(
          new Error(`${hostname} is at ${bad}, where no registry sends anybody`),
          found,
          family,
        );
      else callback(error, found, family);
    });
  };
}

function mayLeadTo(trusted: string, hostname: string): boolean {
  if (isLinkLocal(hostname)) return isLinkLocal(trusted);
  return !isLoopback(hostname) || isLoopback(trusted);
}

/** A connection taken from the pool is there already; a new one has `ms` to come about. */
function limitDial(socket: Socket, ms: number): void {
  if (!socket.connecting) return;
  const timer = setTimeout(() => socket.destroy(new Error("no connection in time")), ms);
  const done = () => clearTimeout(timer);
  socket.once("connect", done).once("close", done);
}

export class HttpTransport {
  readonly #agents = new Map<string, HttpAgent | HttpsAgent>();

  /** Closes connections kept alive. */
  close(): void {
    for (const agent of this.#agents.values()) agent.destroy();
    this.#agents.clear();
  }

  /**
   * One request to an endpoint, redirects followed.
   * @throws RuntimeError UNAVAILABLE when no answer came; any status is an answer
   */
  async request(
    endpoint: RegistryEndpoint,
    target: URL,
    request: HttpRequest,
  ): Promise<HttpResponse> {
    const origin = `${endpoint.scheme}://${endpoint.host}`;
    let url = target;
    for (let redirects = 0; ; redirects++) {
      const home = url.origin === new URL(origin).origin;
      const headers = home ? { ...endpoint.headers, ...request.headers } : withoutSecrets(request);
      const response = await this.#once(endpoint, url, { ...request, headers }, home);
      const location = response.headers.location;
      if (!redirectStatuses.has(response.status) || location === undefined) return response;
      response.body.destroy();
      if (redirects === redirectsMax) {
        throw new RuntimeError(
          "UNAVAILABLE",
          `${redactUrl(target)}: more than ${redirectsMax} redirects`,
        );
      }
      url = nextUrl(url, location, endpoint);
    }
  }

  #once(
    endpoint: RegistryEndpoint,
    url: URL,
    request: HttpRequest,
    home: boolean,
  ): Promise<HttpResponse> {
    const what = redactUrl(url);
    return new Promise((resolve, reject) => {
      const send = url.protocol === "https:" ? httpsRequest : httpRequest;
      const lookup = home ? {} : { lookup: guardedLookup(hostnameOf(endpoint.host)) };
      const signal = request.signal === undefined ? {} : { signal: request.signal };
      const outgoing = send(url, {
        ...lookup,
        ...signal,
        method: request.method ?? "GET",
        agent: this.#agent(endpoint, url, home),
        headers: {
          "user-agent": "vitrine",
          "accept-encoding": "identity",
          ...request.headers,
        } as Record<string, string>,
      });
      outgoing.on("socket", (socket) => limitDial(socket, endpoint.dialTimeoutMs));
      const timer = setTimeout(
        () => outgoing.destroy(new Error("no answer in time")),
        headersTimeoutMs,
      );
      outgoing.on("error", (error) => {
        clearTimeout(timer);
        const aborted: unknown = request.signal?.aborted ? request.signal.reason : undefined;
        reject(aborted instanceof RuntimeError ? aborted : unavailable(what, error));
      });
      outgoing.on("response", (body) => {
        clearTimeout(timer);
        // From here on the reader of the body minds the time, and its errors.
        body.on("error", () => {});
        resolve({ status: body.statusCode ?? 0, headers: body.headers, body, url: what });
      });
      outgoing.end(request.body);
    });
  }

  /** One pool of connections for each way of connecting; certificates of an endpoint are for it alone. */
  #agent(endpoint: RegistryEndpoint, url: URL, home: boolean): HttpAgent | HttpsAgent {
    const { skipVerify, ca, client } = endpoint;
    const tls = home ? { skipVerify, ca, client } : { skipVerify: false, ca: [], client: [] };
    // Go's rule, which is everybody's: what is on this machine is never asked through a proxy.
    const proxied = !isLoopback(hostnameOf(url.host));
    const key = JSON.stringify([url.protocol, tls, proxied]);
    const known = this.#agents.get(key);
    if (known !== undefined) return known;
    const common = { keepAlive: true, ...(proxied ? { proxyEnv: process.env } : {}) };
    const agent =
      url.protocol === "https:"
        ? new HttpsAgent({
            ...common,
            rejectUnauthorized: !tls.skipVerify,
            ...(tls.ca.length === 0 ? {} : { ca: [...tls.ca] }),
            ...(tls.client.length === 0
              ? {}
              : {
                  cert: tls.client.map(({ cert }) => cert),
                  key: tls.client.map(({ key }) => key),
                }),
          })
        : new HttpAgent(common);
    this.#agents.set(key, agent);
    return agent;
  }
}

/** A redirect that is not followed, however often it is asked for. */
export class RedirectRefused extends RuntimeError {
  constructor(from: URL, why: string) {
    super("UNAVAILABLE", `${redactUrl(from)}: refused a redirect ${why}`);
  }
}

function withoutSecrets(request: HttpRequest): NonNullable<HttpRequest["headers"]> {
  const entries = Object.entries(request.headers ?? {});
  return Object.fromEntries(
    entries.filter(([name]) => !/^(authorization|cookie|proxy-authorization)$/i.test(name)),
  );
}

function nextUrl(from: URL, location: string, endpoint: RegistryEndpoint): URL {
  const refused = (why: string) => new RedirectRefused(from, why);
  if (!URL.canParse(location, from.href)) throw refused("to no URL");
  const to = new URL(location, from);
  if (to.protocol !== "http:" && to.protocol !== "https:") throw refused(`to ${to.protocol}`);
  if (from.protocol === "https:" && to.protocol === "http:") throw refused("from https to http");
  if (!mayLeadTo(hostnameOf(endpoint.host), hostnameOf(to.host))) throw refused(`to ${to.host}`);
  to.username = "";
  to.password = "";
  return to;
}
