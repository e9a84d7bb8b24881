/**
 * What must never be in a span: passwords, tokens, values of environment variables. Applied to every
 * attribute and message before the span gets it, so that no exporter, file or page can show them.
 */
import type { AttributeValue } from "./tracer.ts";

export const redacted = "[redacted]";

const secretKey =
  /(^|[._-])(password|passwd|secret|token|authorization|auth|credential|credentials|cookie)$/i;
const environmentKey = /^(process\.environment_variable\.|vitrine\.env(\.|$))/;
const userinfo = /\b([a-z][a-z0-9+.-]*:\/\/)[^\s/?#@"']*@/gi;
const query = /\b([a-z][a-z0-9+.-]*:\/\/[^\s?#"']*)\?[^\s#"']*/gi;
const scheme = /\b(bearer|basic)\s+[a-z0-9._~+/=-]{6,}/gi;

/** `text` without the userinfo and query of URLs and without bearer or basic credentials. */
export function redactText(text: string): string {
  let result = text;
  if (text.includes("://")) {
    result = result.replace(userinfo, `$1${redacted}@`).replace(query, `$1?${redacted}`);
  }
  // Two cheap tests save the third regular expression for nearly every text.
  if (/bearer|basic/i.test(result)) result = result.replace(scheme, `$1 ${redacted}`);
  return result;
}

/** NAME=value with the value gone; what is not of that form goes altogether. */
export function redactEnvironment(variable: string): string {
  const at = variable.indexOf("=");
  return at > 0 ? `${variable.slice(0, at)}=${redacted}` : redacted;
}

type KeyKind = "environment" | "secret" | "plain";

/** What each key means, worked out once: spans have few different keys and very many attributes. */
const keyKinds = new Map<string, KeyKind>();
const keyKindsMax = 1024;

function kindOfKey(key: string): KeyKind {
  const known = keyKinds.get(key);
  if (known !== undefined) return known;
  const kind = environmentKey.test(key) ? "environment" : secretKey.test(key) ? "secret" : "plain";
  if (keyKinds.size < keyKindsMax) keyKinds.set(key, kind);
  return kind;
}

/** The value a span may carry under `key`. */
export function redactAttribute(key: string, value: AttributeValue): AttributeValue {
  const kind = kindOfKey(key);
  if (kind === "environment") {
    if (typeof value === "object") return value.map((item) => redactEnvironment(String(item)));
    return key.startsWith("process.") ? redacted : redactEnvironment(String(value));
  }
  if (typeof value === "number" || typeof value === "boolean") return value;
  if (kind === "secret") return redacted;
  if (typeof value === "string") return redactText(value);
  return value.map((item: string | number) =>
    typeof item === "string" ? redactText(item) : item,
  ) as readonly string[] | readonly number[];
}
