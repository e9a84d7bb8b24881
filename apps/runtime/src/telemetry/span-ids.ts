/** Trace and span ids: random hex, taken from a pool because one call of the generator costs a microsecond. */
import { randomFillSync } from "node:crypto";

const poolBytes = 4096;
const pool = Buffer.alloc(poolBytes);
let used = poolBytes;

function randomHex(bytes: number): string {
  if (used + bytes > poolBytes) {
    randomFillSync(pool);
    used = 0;
  }
  used += bytes;
  return pool.toString("hex", used - bytes, used);
}

/** 32 hex digits (W3C trace context: never all zero, which 16 random bytes are not in this universe's time). */
export function newTraceId(): string {
  return randomHex(16);
}

/** 16 hex digits. */
export function newSpanId(): string {
  return randomHex(8);
}
