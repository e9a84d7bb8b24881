/**
 * Ids and names. An id is 64 lower-case hex digits, as containerd's are; a name is made of the
 * metadata and says which pod or container of which attempt this is, so no two live ones share it.
 */
import { RuntimeError } from "../kernel/errors.ts";
import type { Random } from "../kernel/world.ts";

const idBytes = 32;

/** A new id: 32 random bytes in hex. */
export function newId(random: Random): string {
  return toHex(random.bytes(idBytes));
}

/** Lower-case hex digits of `bytes`. */
export function toHex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += byte.toString(16).padStart(2, "0");
  return text;
}

/** The bytes of a string of hex digits. */
export function fromHex(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length / 2);
  for (let index = 0; index < bytes.length; index++) {
    bytes[index] = Number.parseInt(text.slice(index * 2, index * 2 + 2), 16);
  }
  return bytes;
}

export interface PodName {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly attempt: number;
}

/** `<pod>_<namespace>_<uid>_<attempt>`. */
export function podNameOf(metadata: PodName): string {
  return [metadata.name, metadata.namespace, metadata.uid, metadata.attempt].join("_");
}

/** `<container>_<pod>_<namespace>_<uid>_<attempt>`. */
export function containerNameOf(
  container: { readonly name: string; readonly attempt: number },
  pod: PodName,
): string {
  return [container.name, pod.name, pod.namespace, pod.uid, container.attempt].join("_");
}

/**
 * The one id that is `given` or begins with it, as containerd resolves truncated ids.
 * Undefined when there is none; INVALID_ARGUMENT when there are several.
 */
export function resolveId(ids: Iterable<string>, given: string): string | undefined {
  if (given === "") return undefined;
  let found: string | undefined;
  for (const id of ids) {
    if (id === given) return id;
    if (!id.startsWith(given)) continue;
    if (found !== undefined) {
      throw new RuntimeError("INVALID_ARGUMENT", `id ${given} is ambiguous`);
    }
    found = id;
  }
  return found;
}
