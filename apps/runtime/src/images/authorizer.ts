/**
 * Authorization at one endpoint for one repository: basic credentials, or a bearer token fetched from
 * the service that the registry's 401 names (distribution project, "Token Authentication").
 * Credentials are shown to the reference's own registry and to the token service it names, to nobody
 * else: not to mirrors, not to hosts of redirects, not to hosts of manifests (CVE-2020-15157).
 */
import { messageOf, RuntimeError } from "../kernel/errors.ts";
import type { RegistryAuth } from "../kernel/world.ts";
import { type Context, step } from "../trace/tracer.ts";
import { type AuthChallenge, parseChallenges } from "./auth-challenge.ts";
import type { HttpTransport } from "./http-transport.ts";
import { readBody } from "./read-body.ts";
import {
  defaultEndpoint,
  hostnameOf,
  isLinkLocal,
  isLoopback,
  type RegistryEndpoint,
} from "./registry-endpoint.ts";

const tokenBytesMax = 1 << 20;
const tokenTimeoutMs = 30_000;

interface Login {
  readonly username: string;
  readonly password: string;
}

/** Host of a server address as Docker writes it, perhaps with scheme and path ("https://index.docker.io/v1/"). */
function serverHost(address: string): string {
  const host = address.replace(/^[a-z]+:\/\//i, "").split("/")[0] ?? "";
  return host === "index.docker.io" || host === "docker.io" ? "registry-1.docker.io" : host;
}

/** The credentials this endpoint may see. */
function authFor(
  endpoint: RegistryEndpoint,
  auth: RegistryAuth | undefined,
): RegistryAuth | undefined {
  if (auth === undefined || endpoint.isMirror) return undefined;
  if (auth.serverAddress === undefined) return auth;
  return serverHost(auth.serverAddress) === endpoint.host ? auth : undefined;
}

function loginOf(auth: RegistryAuth | undefined): Login | undefined {
  if (auth?.username !== undefined)
    return { username: auth.username, password: auth.password ?? "" };
  if (auth?.auth === undefined) return undefined;
  const text = Buffer.from(auth.auth, "base64").toString("utf8").replace(/\0+$/, "");
  const colon = text.indexOf(":");
  if (colon < 0) throw new RuntimeError("INVALID_ARGUMENT", "auth is no base64 of user:password");
  return { username: text.slice(0, colon), password: text.slice(colon + 1) };
}

function basic({ username, password }: Login): string {
  return `Basic ${Buffer.from(`${username}:${password}`, "utf8").toString("base64")}`;
}

function unauthenticated(why: string): RuntimeError {
  return new RuntimeError("UNAUTHENTICATED", why);
}

export class Authorizer {
  readonly #transport: HttpTransport;
  readonly #endpoint: RegistryEndpoint;
  readonly #auth: RegistryAuth | undefined;
  readonly #scope: string;
  #header: string | undefined;

  constructor(
    transport: HttpTransport,
    endpoint: RegistryEndpoint,
    repository: string,
    auth: RegistryAuth | undefined,
  ) {
    this.#transport = transport;
    this.#endpoint = endpoint;
    this.#auth = authFor(endpoint, auth);
    this.#scope = `repository:${repository}:pull`;
    if (this.#auth?.registryToken !== undefined)
      this.#header = `Bearer ${this.#auth.registryToken}`;
  }

  /** Headers for the next request. */
  headers(): Readonly<Record<string, string>> {
    return this.#header === undefined ? {} : { authorization: this.#header };
  }

  /**
   * Answers a 401; after it the request may be tried once more.
   * @throws RuntimeError UNAUTHENTICATED when there is nothing to answer with
   */
  async answer(context: Context, wwwAuthenticate: string | undefined): Promise<void> {
    const challenges = parseChallenges(wwwAuthenticate);
    const bearer = challenges.find(({ scheme }) => scheme === "bearer");
    if (bearer !== undefined) {
      this.#header = `Bearer ${await this.#fetchToken(context, bearer)}`;
      return;
    }
    const login = loginOf(this.#auth);
    const wantsBasic = challenges.some(({ scheme }) => scheme === "basic");
    if (!wantsBasic || login === undefined) {
      throw unauthenticated(
        `${this.#endpoint.host} wants credentials${this.#auth ? " of another kind" : ""}`,
      );
    }
    if (this.#header === basic(login))
      throw unauthenticated(`${this.#endpoint.host} refuses the credentials`);
    this.#header = basic(login);
  }

  /** The service may be elsewhere; it must be as well protected as the registry itself. */
  #realmOf(challenge: AuthChallenge): URL {
    const realm = challenge.parameters.get("realm") ?? "";
    if (!URL.canParse(realm))
      throw unauthenticated(`${this.#endpoint.host} names no token service`);
    const url = new URL(realm);
    const plain = url.protocol === "http:" && this.#endpoint.scheme === "http";
    if (url.protocol !== "https:" && !plain) {
      throw unauthenticated(`${this.#endpoint.host} names a token service without TLS`);
    }
    const [here, there] = [hostnameOf(this.#endpoint.host), hostnameOf(url.host)];
    if ((isLinkLocal(there) && !isLinkLocal(here)) || (isLoopback(there) && !isLoopback(here))) {
      throw unauthenticated(`${this.#endpoint.host} names a token service at ${url.host}`);
    }
    return url;
  }

  #fetchToken(context: Context, challenge: AuthChallenge): Promise<string> {
    const realm = this.#realmOf(challenge);
    const scope = challenge.parameters.get("scope") ?? this.#scope;
    const attributes = { "server.address": realm.host, "vitrine.registry.scope": scope };
    return step(context, "image.token", attributes, async (inner) => {
      const service = challenge.parameters.get("service");
      const response = await this.#ask(inner, realm, scope, service);
      const body = await readBody(response.body, tokenBytesMax, tokenTimeoutMs);
      if (response.status === 401 || response.status === 403) {
        throw unauthenticated(
          `${realm.host} refuses ${this.#auth ? "the credentials" : "a token without credentials"}`,
        );
      }
      if (response.status !== 200) {
        throw new RuntimeError(
          "UNAVAILABLE",
          `${realm.host} answers ${response.status} to a request for a token`,
        );
      }
      return readToken(body, realm.host);
    });
  }

  #ask(context: Context, realm: URL, scope: string, service: string | undefined) {
    const own = realm.host === this.#endpoint.host;
    const endpoint = own
      ? this.#endpoint
      : {
          ...defaultEndpoint(realm.host),
          scheme: realm.protocol === "http:" ? ("http" as const) : ("https" as const),
        };
    const query = new URLSearchParams({ scope, ...(service === undefined ? {} : { service }) });
    const signal = context.signal;
    const refresh = this.#auth?.identityToken;
    if (refresh !== undefined) {
      query.set("grant_type", "refresh_token");
      query.set("refresh_token", refresh);
      query.set("client_id", "vitrine");
      const headers = { "content-type": "application/x-www-form-urlencoded" };
      return this.#transport.request(endpoint, realm, {
        method: "POST",
        headers,
        body: query.toString(),
        signal,
      });
    }
    const login = loginOf(this.#auth);
    if (login !== undefined) query.set("account", login.username);
    const url = new URL(realm);
    for (const [key, value] of query) url.searchParams.set(key, value);
    const headers: Record<string, string> =
      login === undefined ? {} : { authorization: basic(login) };
    return this.#transport.request(endpoint, url, { headers, signal });
  }
}

/** Tokens go into a header: nothing but visible ASCII may be in one. */
function readToken(body: Buffer, host: string): string {
  try {
    const document = JSON.parse(body.toString("utf8")) as Record<string, unknown>;
    const token = document["token"] || document["access_token"];
    if (typeof token === "string" && /^[!-~]+$/.test(token)) return token;
    throw new Error("there is no token in the answer");
  } catch (error) {
    throw new RuntimeError("UNAVAILABLE", `${host}: ${messageOf(error)}`);
  }
}
