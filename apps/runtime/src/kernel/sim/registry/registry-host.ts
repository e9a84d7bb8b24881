/** The simulated registries, seen through the machine's network: names, tokens, answers, delays. */

import { type Context, step } from "../../../trace/tracer.ts";
import { RuntimeError } from "../../errors.ts";
import type { Clock, Descriptor, RegistryAuth } from "../../world.ts";
import type { Machine } from "../machine.ts";
import type { NetNamespace } from "../namespace.ts";
import { outsideNames } from "../net/outside.ts";
import { reach } from "../net/reach.ts";
import type { Blob } from "./image-builder.ts";
import { imageCatalogue, type Repository } from "./image-catalogue.ts";
import type { RegistryFault, RegistryFaults, RegistryRequest } from "./registry-faults.ts";

export interface RegistrySettings {
  readonly machine: Machine;
  /** Network namespace the requests are made from. */
  readonly namespace: () => NetNamespace;
  readonly clock: Clock;
  readonly faults: RegistryFaults;
  readonly latencyMs: number;
  /** Nothing arriving for so long ends a request. */
  readonly idleTimeoutMs: number;
}

/** A full reference in its parts. */
export interface RegistryName {
  readonly domain: string;
  readonly repository: string;
  /** Tag or digest. */
  readonly tag: string;
}

const namePattern =
  /^([^/@]+)\/([a-z0-9]+(?:[._/-]+[a-z0-9]+)*)(?::([A-Za-z0-9_][A-Za-z0-9_.-]{0,127})|@(sha256:[a-f0-9]{64}))$/;

/** RuntimeError INVALID_ARGUMENT when it is not in its full form. */
export function splitReference(reference: string): RegistryName {
  const [, domain, repository, tag, digest] = namePattern.exec(reference) ?? [];
  const wanted = tag ?? digest;
  if (domain === undefined || repository === undefined || wanted === undefined) {
    const shown = JSON.stringify(reference);
    throw new RuntimeError("INVALID_ARGUMENT", `${shown} is no full image reference`);
  }
  return { domain, repository, tag: wanted };
}

/** A refusal with its status. */
export class HttpRefusal extends RuntimeError {
  readonly status: number;

  constructor(status: number, url: string, detail: string) {
    const codes = { 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND" } as const;
    const code = codes[status as keyof typeof codes] ?? "UNAVAILABLE";
    super(code, `${url}: the registry answers ${status}${detail === "" ? "" : ` (${detail})`}`);
    this.status = status;
  }

  /** Too many requests, or the server's own trouble: it may be over soon. */
  get isPassing(): boolean {
    return this.status === 408 || this.status === 429 || this.status >= 500;
  }
}

const httpsPort = 443;

/** One reference at its registry: what may be asked, and with which token. */
export class RegistryHost {
  readonly host: string;
  readonly #settings: RegistrySettings;
  readonly #name: RegistryName;
  readonly #auth: RegistryAuth | undefined;
  #hasToken = false;

  constructor(settings: RegistrySettings, name: RegistryName, auth: RegistryAuth | undefined) {
    this.#settings = settings;
    this.#name = name;
    this.#auth = auth;
    this.host = name.domain === "docker.io" ? "registry-1.docker.io" : name.domain;
  }

  /** The registry's host, reached by the routes of the machine. RuntimeError UNAVAILABLE. */
  #connect(host: string): void {
    const { machine, namespace } = this.#settings;
    const ip = outsideNames.get(host);
    if (ip === undefined) {
      throw new RuntimeError("UNAVAILABLE", `https://${host}: getaddrinfo ENOTFOUND ${host}`);
    }
    const result = reach(machine, namespace(), {
      protocol: "tcp",
      source: "",
      sourcePort: 49_152,
      destination: ip,
      destinationPort: httpsPort,
    });
    if (result.kind === "reached") return;
    const errno = result.kind === "refused" ? result.errno : "ETIMEDOUT";
    throw new RuntimeError("UNAVAILABLE", `https://${host}: connect ${errno} ${ip}:${httpsPort}`);
  }

  #urlOf(path: string): string {
    return `https://${this.host}/v2/${this.#name.repository}/${path}`;
  }

  /** One exchange: the delay of the way, and what goes wrong with it. Returns the fault that the body has. */
  async #exchange(context: Context, request: RegistryRequest): Promise<RegistryFault | undefined> {
    const { clock, latencyMs, idleTimeoutMs, faults } = this.#settings;
    this.#connect(this.host);
    await clock.sleep(latencyMs, context.signal);
    const fault = faults(request);
    const url = this.#urlOf(`${request.kind}s/${request.name}`);
    if (fault?.how === "status")
      throw new HttpRefusal(fault.status, url, "a fault that was asked for");
    if (fault?.how === "hang") {
      await clock.sleep(idleTimeoutMs, context.signal);
      throw new RuntimeError("UNAVAILABLE", `${url}: nothing came for ${idleTimeoutMs} ms`);
    }
    return fault;
  }

  /** Docker Hub answers 401 first and names the service that gives out tokens. */
  async #authorize(context: Context): Promise<void> {
    if (this.#hasToken || this.#name.domain !== "docker.io") return;
    const { clock, latencyMs } = this.#settings;
    await clock.sleep(latencyMs, context.signal);
    const server = "auth.docker.io";
    const attributes = {
      "server.address": server,
      "vitrine.registry.scope": `repository:${this.#name.repository}:pull`,
    };
    await step(context, "image.token", attributes, async (inner) => {
      this.#connect(server);
      await clock.sleep(latencyMs, inner.signal);
    });
    this.#hasToken = true;
  }

  #repository(url: string): Repository {
    const { domain, repository } = this.#name;
    const found = imageCatalogue().get(`${domain}/${repository}`);
    if (found === undefined)
      throw new HttpRefusal(404, url, "repository name not known to registry");
    const knows = this.#auth?.username !== undefined || this.#auth?.auth !== undefined;
    const hasToken = this.#auth?.registryToken !== undefined;
    if (found.isPrivate && !knows && !hasToken) {
      throw new HttpRefusal(401, url, "authentication required");
    }
    return found;
  }

  /** The manifest or index that a tag or digest names. */
  async manifest(context: Context, tag: string): Promise<Blob> {
    const url = this.#urlOf(`manifests/${tag}`);
    this.#connect(this.host);
    await this.#authorize(context);
    const { repository } = this.#name;
    const fault = await this.#exchange(context, {
      host: this.host,
      repository,
      kind: "manifest",
      name: tag,
      bytes: 0,
    });
    const found = this.#repository(url);
    const blob = found.tags.get(tag) ?? found.manifests.get(tag);
    if (blob === undefined) throw new HttpRefusal(404, url, "manifest unknown");
    if (fault?.how !== "wrong-digest") return blob;
    throw new RuntimeError(
      "DATA_LOSS",
      `${url}: a manifest has another digest than ${blob.descriptor.digest}`,
    );
  }

  /** The bytes the registry has for a digest, and how their way here goes wrong. */
  async blob(
    context: Context,
    { digest, size }: Descriptor,
  ): Promise<{ readonly bytes: Uint8Array; readonly fault: RegistryFault | undefined }> {
    await this.#authorize(context);
    const { repository } = this.#name;
    const fault = await this.#exchange(context, {
      host: this.host,
      repository,
      kind: "blob",
      name: digest,
      bytes: size,
    });
    const url = this.#urlOf(`blobs/${digest}`);
    const blob = this.#repository(url).blobs.get(digest);
    if (blob === undefined) throw new HttpRefusal(404, url, "blob unknown");
    if (fault?.how !== "wrong-digest") return { bytes: blob.bytes, fault };
    const bytes = blob.bytes.slice();
    bytes[bytes.length - 1] = (bytes[bytes.length - 1] ?? 0) ^ 1;
    return { bytes, fault };
  }
}
