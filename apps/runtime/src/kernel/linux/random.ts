/** The kernel's randomness (getrandom(2), through OpenSSL). */
import { randomBytes } from "node:crypto";
import type { Random } from "../world.ts";

export function linuxRandom(): Random {
  return { bytes: (count) => randomBytes(count) };
}
