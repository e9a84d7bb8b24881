/**
 * Image references: what people write ("busybox"), and the one full form everything below works with
 * ("docker.io/library/busybox:latest"). Grammar and defaults are those of the distribution project's
 * reference package, which containerd uses too. A reference has a tag or a digest here, never both:
 * of name:tag@digest only the digest decides, so the tag is dropped.
 */
import { RuntimeError } from "../../kernel/errors.ts";

export interface ImageReference {
  /** Registry, with port if any: "docker.io", "localhost:5000". */
  readonly domain: string;
  /** Repository inside the registry: "library/busybox". */
  readonly path: string;
  readonly tag?: string;
  /** "sha256:..." */
  readonly digest?: string;
}

const domainPattern =
  /^(?:(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])(?:\.(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]))*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?$/;
const componentPattern = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const tagPattern = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
const digestPattern = /^sha256:[a-f0-9]{64}$/;
const hexIdPattern = /^[a-f0-9]{64}$/;
const nameLengthMax = 255;
const textLengthMax = 1024;

const defaultDomain = "docker.io";
const officialNamespace = "library";
const defaultTag = "latest";

function invalid(text: string, why: string): RuntimeError {
  const shown = text.length > 200 ? `${text.slice(0, 200)}...` : text;
  return new RuntimeError(
    "INVALID_ARGUMENT",
    `invalid image reference ${JSON.stringify(shown)}: ${why}`,
  );
}

/** Whether `text` is a sha256 digest, the only algorithm accepted here. */
export function isDigest(text: string): boolean {
  return digestPattern.test(text);
}

/** Splits off the registry; a first part without dot, colon or capital is a namespace of docker.io. */
function splitDomain(name: string): readonly [domain: string, path: string] {
  const slash = name.indexOf("/");
  const first = slash < 0 ? "" : name.slice(0, slash);
  const isDomain = /[.:]/.test(first) || first === "localhost" || first !== first.toLowerCase();
  const domain = isDomain ? first : defaultDomain;
  const rest = isDomain ? name.slice(slash + 1) : name;
  if (domain !== defaultDomain && domain !== "index.docker.io") return [domain, rest];
  return [defaultDomain, rest.includes("/") ? rest : `${officialNamespace}/${rest}`];
}

/**
 * Parses and completes what somebody wrote.
 * @throws RuntimeError INVALID_ARGUMENT that says which part is wrong.
 */
export function parseReference(text: string): ImageReference {
  if (text === "") throw invalid(text, "it is empty");
  if (text.length > textLengthMax) throw invalid(text, "it is too long");
  if (hexIdPattern.test(text)) throw invalid(text, "64 hex digits are an image id, not a name");
  const at = text.indexOf("@");
  const digest = at < 0 ? undefined : text.slice(at + 1);
  if (digest !== undefined && !digestPattern.test(digest)) {
    throw invalid(text, "the digest is not sha256: and 64 lower-case hex digits");
  }
  const named = at < 0 ? text : text.slice(0, at);
  const colon = named.indexOf(":", named.lastIndexOf("/") + 1);
  const tag = colon < 0 ? undefined : named.slice(colon + 1);
  if (tag !== undefined && !tagPattern.test(tag)) throw invalid(text, "the tag is malformed");
  const [domain, path] = splitDomain(colon < 0 ? named : named.slice(0, colon));
  if (!domainPattern.test(domain)) throw invalid(text, "the registry is malformed");
  for (const component of path.split("/")) {
    if (componentPattern.test(component)) continue;
    const why =
      component === component.toLowerCase()
        ? "the repository is malformed"
        : "the repository must be lower case";
    throw invalid(text, why);
  }
  if (domain.length + 1 + path.length > nameLengthMax)
    throw invalid(text, "the name is longer than 255");
  if (digest !== undefined) return { domain, path, digest };
  return { domain, path, tag: tag ?? defaultTag };
}

/** Registry and repository without tag and digest. */
export function nameOf(reference: ImageReference): string {
  return `${reference.domain}/${reference.path}`;
}

/** The full form, for example "docker.io/library/busybox:latest". */
export function formatReference(reference: ImageReference): string {
  return reference.digest !== undefined
    ? `${nameOf(reference)}@${reference.digest}`
    : `${nameOf(reference)}:${reference.tag ?? defaultTag}`;
}
