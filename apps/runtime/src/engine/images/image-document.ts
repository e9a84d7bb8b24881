/**
 * The configuration blob of an image (OCI image-spec, config.md), checked as far as the engine relies on
 * it. It is content somebody else wrote: every field may be missing, null or of the wrong type.
 */
import { RuntimeError } from "../../kernel/errors.ts";
import type { ImageConfig } from "../../oci/image-config.ts";
import { isDigest } from "./reference.ts";

export interface ImageDocument {
  readonly config: ImageConfig;
  readonly diffIds: readonly string[];
  readonly architecture: string;
  readonly os: string;
}

/** overlayfs takes 500 layers, mount(2)'s option page about 127; everybody stops at 127. */
export const imageLayersMax = 127;

function broken(why: string): RuntimeError {
  return new RuntimeError("FAILED_PRECONDITION", `the image configuration is malformed: ${why}`);
}

type JsonObject = Readonly<Record<string, unknown>>;

function objectAt(parent: JsonObject, key: string): JsonObject | undefined {
  const value = Object.hasOwn(parent, key) ? parent[key] : undefined;
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "object" || Array.isArray(value)) throw broken(`${key} is no object`);
  return value as JsonObject;
}

function textAt(parent: JsonObject, key: string): string {
  const value = Object.hasOwn(parent, key) ? parent[key] : undefined;
  if (value === undefined || value === null) return "";
  if (typeof value !== "string") throw broken(`${key} is no string`);
  if (value.includes("\0")) throw broken(`${key} contains a NUL byte`);
  return value;
}

function textsAt(parent: JsonObject, key: string): readonly string[] {
  const value = Object.hasOwn(parent, key) ? parent[key] : undefined;
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw broken(`${key} is no list`);
  return value.map((item, index) => {
    if (typeof item !== "string" || item.includes("\0"))
      throw broken(`${key}[${index}] is no string`);
    return item;
  });
}

function labelsAt(parent: JsonObject): Readonly<Record<string, string>> {
  const labels = objectAt(parent, "Labels") ?? {};
  return Object.fromEntries(Object.keys(labels).map((key) => [key, textAt(labels, key)]));
}

/** Names are all that counts of Volumes and ExposedPorts. */
function namesAt(parent: JsonObject, key: string): Readonly<Record<string, object>> {
  return Object.fromEntries(Object.keys(objectAt(parent, key) ?? {}).map((name) => [name, {}]));
}

/**
 * Reads a configuration for an image of `layerCount` layers.
 * @throws RuntimeError FAILED_PRECONDITION that names the field.
 */
export function readImageDocument(json: unknown, layerCount: number): ImageDocument {
  if (typeof json !== "object" || json === null || Array.isArray(json))
    throw broken("it is no object");
  const document = json as JsonObject;
  const config = objectAt(document, "config") ?? {};
  const diffIds = textsAt(objectAt(document, "rootfs") ?? {}, "diff_ids");
  const bad = diffIds.find((diffId) => !isDigest(diffId));
  if (bad !== undefined)
    throw broken(`diff id ${JSON.stringify(bad.slice(0, 100))} is no sha256 digest`);
  if (diffIds.length !== layerCount) {
    throw broken(`it names ${diffIds.length} layers and the manifest ${layerCount}`);
  }
  if (diffIds.length > imageLayersMax) throw broken(`it has more than ${imageLayersMax} layers`);
  return {
    diffIds,
    architecture: textAt(document, "architecture"),
    os: textAt(document, "os"),
    config: {
      User: textAt(config, "User"),
      Env: textsAt(config, "Env"),
      Entrypoint: textsAt(config, "Entrypoint"),
      Cmd: textsAt(config, "Cmd"),
      WorkingDir: textAt(config, "WorkingDir"),
      StopSignal: textAt(config, "StopSignal"),
      Volumes: namesAt(config, "Volumes"),
      Labels: labelsAt(config),
      ExposedPorts: namesAt(config, "ExposedPorts"),
    },
  };
}
