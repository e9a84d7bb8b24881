/**
 * Digests: sha256 only, checked against their grammar before they become part of a path or a URL
 * (CVE-2024-3727), and hashing of what streams by.
 */
import { createHash, type Hash } from "node:crypto";
import { RuntimeError } from "../kernel/errors.ts";

const pattern = /^sha256:([a-f0-9]{64})$/;

/**
 * The hex part of a digest.
 * @throws RuntimeError FAILED_PRECONDITION when it is no sha256 digest
 */
export function hexOf(digest: unknown): string {
  const hex = typeof digest === "string" ? pattern.exec(digest)?.[1] : undefined;
  if (hex === undefined) {
    const shown = JSON.stringify(String(digest).slice(0, 100));
    throw new RuntimeError("FAILED_PRECONDITION", `${shown} is no sha256 digest`);
  }
  return hex;
}

export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

export function startHash(): Hash {
  return createHash("sha256");
}

/** The digest of what went through `hash`, which is used up by it. */
export function finishHash(hash: Hash): string {
  return `sha256:${hash.digest("hex")}`;
}
