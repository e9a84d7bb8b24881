/** Finds and reads the configuration file. */
import { readFileSync } from "node:fs";
import type { Settings } from "./config/config-keys.ts";
import { ConfigError, parseConfig } from "./config/parse-config.ts";
import { ProgramError } from "./program-error.ts";

export const defaultConfigPath = "/etc/vitrine/config.toml";

function textOf(path: string, optional: boolean): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (optional && code === "ENOENT") return "";
    throw new ProgramError(`cannot read the configuration ${path}: ${code}`);
  }
}

/**
 * The settings of the file somebody named, or of the default file, which need not exist.
 * ProgramError with every problem of the file.
 */
export function readConfig(named: string | undefined): Settings {
  const path = named ?? defaultConfigPath;
  try {
    return parseConfig(textOf(path, named === undefined), path);
  } catch (error) {
    if (error instanceof ConfigError) throw new ProgramError(error.message);
    throw error;
  }
}
