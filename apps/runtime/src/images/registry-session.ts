/**
 * One reference at one registry: the endpoints to ask in order, each with its authorization, and what
 * their refusals mean.
 */
import { RuntimeError } from "../kernel/errors.ts";
import type { RegistryAuth } from "../kernel/world.ts";
import type { Context } from "../trace/tracer.ts";
import { Authorizer } from "./authorizer.ts";
import type { HttpResponse, HttpTransport } from "./http-transport.ts";
import { readBody } from "./read-body.ts";
import type { RegistryEndpoint } from "./registry-endpoint.ts";

/** A full reference in its parts. */
export interface RegistryName {
  readonly domain: string;
  readonly repository: string;
  /** Tag or digest. */
  readonly tag: string;
}

const namePattern =
  /^([^/@]+)\/([a-z0-9]+(?:[._/-]+[a-z0-9]+)*)(?::([A-Za-z0-9_][A-Za-z0-9_.-]{0,127})|@(sha256:[a-f0-9]{64}))$/;

/**
 * Splits a full reference ("docker.io/library/busybox:latest").
 * @throws RuntimeError INVALID_ARGUMENT when it is not in its full form
 */
export function splitReference(reference: string): RegistryName {
  const [, domain, repository, tag, digest] = namePattern.exec(reference) ?? [];
  const wanted = tag ?? digest;
  if (domain === undefined || repository === undefined || wanted === undefined) {
    throw new RuntimeError(
      "INVALID_ARGUMENT",
      `${JSON.stringify(reference)} is no full image reference`,
    );
  }
  return { domain, repository, tag: wanted };
}

const errorBytesMax = 64 * 1024;
const errorTimeoutMs = 10_000;

/** A refusal with its status, and how long the server wants to be left alone. */
export class HttpRefusal extends RuntimeError {
  readonly status: number;
  readonly retryAfterMs: number | undefined;

  constructor(status: number, what: string, detail: string, retryAfterMs: number | undefined) {
    const code =
      status === 401
        ? "UNAUTHENTICATED"
        : status === 403
          ? "PERMISSION_DENIED"
          : status === 404
            ? "NOT_FOUND"
            : "UNAVAILABLE";
    super(code, `${what}: the registry answers ${status}${detail}`);
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }

  /** Too many requests, or the server's own trouble: it may be over soon. */
  get isPassing(): boolean {
    return this.status === 408 || this.status === 429 || this.status >= 500;
  }
}

/** The first message of a distribution error body, in printable ASCII. */
function messageIn(body: Buffer): string {
  try {
    const { errors } = JSON.parse(body.toString("utf8")) as {
      errors?: { message?: unknown; code?: unknown }[];
    };
    const text = String(errors?.[0]?.message ?? errors?.[0]?.code ?? "");
    return text === "" ? "" : ` (${text.replace(/[^ -~]/g, "?").slice(0, 200)})`;
  } catch {
    return "";
  }
}

/** Seconds or a date; nonsense is nothing. */
function retryAfterMs(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  const ms = /^[0-9]{1,6}$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isFinite(ms) ? Math.max(ms, 0) : undefined;
}

export class EndpointSession {
  readonly endpoint: RegistryEndpoint;
  readonly #transport: HttpTransport;
  readonly #authorizer: Authorizer;
  readonly #name: RegistryName;

  constructor(
    transport: HttpTransport,
    endpoint: RegistryEndpoint,
    name: RegistryName,
    auth: RegistryAuth | undefined,
  ) {
    this.endpoint = endpoint;
    this.#transport = transport;
    this.#name = name;
    this.#authorizer = new Authorizer(transport, endpoint, name.repository, auth);
  }

  /**
   * GET of "manifests/<tag>" or "blobs/<digest>" of the repository; answers one 401. The body is the caller's.
   * @throws HttpRefusal for any status but those in `accepted`
   */
  async get(
    context: Context,
    path: string,
    headers: Readonly<Record<string, string>>,
    accepted: readonly number[],
  ): Promise<HttpResponse> {
    const { scheme, host, path: prefix, isMirror } = this.endpoint;
    const url = new URL(`${scheme}://${host}${prefix}/${this.#name.repository}/${path}`);
    if (isMirror) url.searchParams.set("ns", this.#name.domain);
    for (let attempt = 0; ; attempt++) {
      const response = await this.#transport.request(this.endpoint, url, {
        headers: { ...headers, ...this.#authorizer.headers() },
        signal: context.signal,
      });
      if (accepted.includes(response.status)) return response;
      const body = await readBody(response.body, errorBytesMax, errorTimeoutMs).catch(() =>
        Buffer.alloc(0),
      );
      // A challenge of another host than ours, after a redirect, is not answered.
      const ours = response.url.startsWith(`${scheme}://${host}/`);
      if (response.status === 401 && attempt < 2 && ours) {
        await this.#authorizer.answer(context, response.headers["www-authenticate"]);
        continue;
      }
      const wait = retryAfterMs(response.headers["retry-after"]);
      throw new HttpRefusal(response.status, response.url, messageIn(body), wait);
    }
  }
}
