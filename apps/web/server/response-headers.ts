/** Headers of every response. */
import { randomBytes } from "node:crypto";
import type { ServerResponse } from "node:http";

/**
 * The content security policy with a fresh nonce. Styles allow inline ones because Mermaid writes a
 * <style> element and style attributes into each picture; scripts never are. connect-src names the
 * WebSocket of this very host, which 'self' does not cover everywhere.
 */
export function contentSecurityPolicy(nonce: string, host: string): string {
  return [
    "default-src 'self'",
    `script-src 'self' 'nonce-${nonce}'`,
    "style-src 'self' 'unsafe-inline'",
    `connect-src 'self' ws://${host}`,
    "img-src 'self' data: blob:",
    "font-src 'self'",
    "worker-src 'self'",
    "object-src 'none'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    "form-action 'self'",
  ].join("; ");
}

export function makeNonce(): string {
  return randomBytes(16).toString("base64");
}

export function setSafetyHeaders(response: ServerResponse, policy: string): void {
  response.setHeader("Content-Security-Policy", policy);
  response.setHeader("X-Content-Type-Options", "nosniff");
  response.setHeader("Referrer-Policy", "no-referrer");
  response.setHeader("Cross-Origin-Opener-Policy", "same-origin");
  response.setHeader("Cross-Origin-Resource-Policy", "same-origin");
  response.setHeader("X-Frame-Options", "DENY");
  response.setHeader("Permissions-Policy", "camera=(), geolocation=(), microphone=()");
  response.setHeader("Cache-Control", "no-store");
}
