/** Where the native part was built. */
import { existsSync } from "node:fs";
import { join } from "node:path";

const build = join(import.meta.dirname, "../../../../../native/build");

/** Path of a built file, for example "vitrine-oci"; VITRINE_NATIVE names another directory. */
export function nativePath(name: string): string {
  const path = join(process.env["VITRINE_NATIVE"] ?? build, name);
  if (!existsSync(path)) {
    throw new Error(`${path} is not there; build the native part with: make -C native`);
  }
  return path;
}
