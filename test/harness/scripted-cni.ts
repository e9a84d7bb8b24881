/** CNI plugins that are shell scripts, in a directory of their own, for a daemon that is to meet bad ones. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { CriBed } from "./cri-bed.ts";

/** A result as the specification has it. */
export const goodResult = '{"cniVersion":"1.0.0","ips":[{"address":"10.9.8.7/24"}]}';

export class ScriptedCni {
  readonly binDir: string;
  readonly #confDir: string;
  readonly #calls: string;

  private constructor(bed: CriBed) {
    this.binDir = join(bed.directory, "bin");
    this.#confDir = join(bed.directory, "net.d");
    this.#calls = join(bed.directory, "cni-calls");
    mkdirSync(this.binDir);
  }

  /** Has the daemon of `bed` look for plugins here and nowhere else. */
  static async of(bed: CriBed): Promise<ScriptedCni> {
    const cni = new ScriptedCni(bed);
    const binDirs = `bin_dirs = ["${cni.binDir}"]`;
    await bed.restart((config) => config.replace(/^conf_dir = .*$/m, `$&\n${binDirs}`));
    return cni;
  }

  /** Path of a plugin's program. */
  path(type: string): string {
    return join(this.binDir, type);
  }

  /** A plugin that runs `body` for every command, after it has written down which. */
  plugin(type: string, body: string): void {
    const note = `echo "$CNI_COMMAND ${type}" >> ${this.#calls}`;
    // A shell reads its script as it goes, so one that runs must not find another text in it.
    const next = join(this.binDir, ".next");
    writeFileSync(next, `#!/bin/sh\n${note}\n${body}\n`);
    chmodSync(next, 0o755);
    renameSync(next, this.path(type));
  }

  /** A plugin that runs `body` for ADD and does well otherwise. */
  onAdd(type: string, body: string): void {
    this.plugin(type, `[ "$CNI_COMMAND" = ADD ] || exit 0\n${body}`);
  }

  /** The one configuration there is: a chain of plugins by type, or any text. */
  configure(chain: readonly string[] | string): void {
    const text =
      typeof chain === "string"
        ? chain
        : JSON.stringify({
            cniVersion: "1.0.0",
            name: "scripted",
            plugins: chain.map((type) => ({ type })),
          });
    writeFileSync(join(this.#confDir, "10-scripted.conflist"), text);
  }

  /** Which commands were run since the last time this was asked: "ADD first". */
  takeCalls(): readonly string[] {
    if (!existsSync(this.#calls)) return [];
    const lines = readFileSync(this.#calls, "utf8").trimEnd().split("\n");
    rmSync(this.#calls);
    return lines;
  }
}
