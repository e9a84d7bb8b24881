/** The version of the program: that of package.json. */
import { readFileSync } from "node:fs";

interface Manifest {
  readonly version: string;
}

/** For example "0.1.0". */
export function programVersion(): string {
  const path = new URL("../../package.json", import.meta.url);
  return (JSON.parse(readFileSync(path, "utf8")) as Manifest).version;
}
