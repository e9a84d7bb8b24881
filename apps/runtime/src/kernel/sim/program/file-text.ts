/** Whole files for programs: /proc, /etc/passwd, scripts. Refusals of open and read go to the caller. */
import { AT_FDCWD, O_RDONLY } from "../abi.ts";
import type { Process } from "../process/process.ts";
import { isRefusal } from "../refusal.ts";
import { close, openat2, readNow } from "../syscall/file.ts";

const decoder = new TextDecoder();
const encoder = new TextEncoder();

export function textOf(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

export function bytesOf(text: string): Uint8Array {
  return encoder.encode(text);
}

/** One array of several. */
export function joinBytes(chunks: readonly Uint8Array[]): Uint8Array {
  if (chunks.length === 1) return chunks[0] as Uint8Array;
  let length = 0;
  for (const chunk of chunks) length += chunk.length;
  const all = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}

/** Content of a file that never waits. */
export function readFileBytes(self: Process, path: string): Uint8Array {
  const fd = openat2(self, AT_FDCWD, path, { flags: O_RDONLY });
  try {
    const chunks: Uint8Array[] = [];
    for (;;) {
      const chunk = readNow(self, fd, 65_536);
      if (chunk.length === 0) break;
      chunks.push(chunk);
    }
    return joinBytes(chunks);
  } finally {
    close(self, fd);
  }
}

export function readFileText(self: Process, path: string): string {
  return textOf(readFileBytes(self, path));
}

/** The same, or undefined when it cannot be opened or read. */
export function tryFileText(self: Process, path: string): string | undefined {
  try {
    return readFileText(self, path);
  } catch (thrown) {
    if (isRefusal(thrown)) return undefined;
    throw thrown;
  }
}

/** Lines of a text, without the newline that ends the last one. */
export function linesOf(text: string): string[] {
  if (text === "") return [];
  const lines = text.split("\n");
  if (lines[lines.length - 1] === "") lines.pop();
  return lines;
}
