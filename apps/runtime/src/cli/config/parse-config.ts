/**
 * config.toml to Settings. Every problem of a file is found at once and named by the path of its key;
 * an unknown key is an error, with the nearest known one, because a setting that is silently ignored
 * is worse than a daemon that does not start.
 */
import { parse, TomlError } from "smol-toml";
import type { z } from "zod";
import {
  configKeys,
  type RuntimeSettings,
  runtimeKeys,
  runtimesPath,
  type Settings,
} from "./config-keys.ts";
import { nearestName } from "./nearest-name.ts";

/** All that is wrong with a configuration file; the message is one line a problem. */
export class ConfigError extends Error {
  readonly problems: readonly string[];

  constructor(file: string, problems: readonly string[]) {
    super(problems.map((problem) => `${file}: ${problem}`).join("\n"));
    this.name = "ConfigError";
    this.problems = problems;
  }
}

type Version = 2 | 3;
type Path = readonly string[];
type Table = Record<string, unknown>;
interface AnyKey {
  readonly path: Path;
  readonly path2?: Path;
  readonly schema: z.ZodType;
  readonly default: unknown;
}

const bareKey = /^[A-Za-z0-9_-]+$/;

/** A path as TOML writes it: plugins."io.containerd.cri.v1.runtime".cni. */
export function pathText(path: Path): string {
  return path.map((part) => (bareKey.test(part) ? part : JSON.stringify(part))).join(".");
}

function isTable(value: unknown): value is Table {
  return (
    typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date)
  );
}

/** bin_dir of version 2 is one directory where version 3 has a list. */
const cniBinDir2: Path = ["plugins", "io.containerd.grpc.v1.cri", "cni", "bin_dir"];

function placeOf(key: AnyKey, version: Version): Path {
  if (version === 3) return key.path;
  return key === configKeys.cniBinDirs ? cniBinDir2 : (key.path2 ?? key.path);
}

function valueAt(table: Table, path: Path): unknown {
  let value: unknown = table;
  for (const part of path) {
    if (!isTable(value) || !Object.hasOwn(value, part)) return undefined;
    value = value[part];
  }
  return value;
}

function startsWith(path: Path, prefix: Path): boolean {
  return prefix.every((part, index) => path[index] === part);
}

/** Names of tables and keys that may stand under `prefix`. */
function namesUnder(places: readonly Path[], prefix: Path): readonly string[] {
  const under = places.filter((place) => place.length > prefix.length && startsWith(place, prefix));
  return [...new Set(under.map((place) => place[prefix.length] ?? ""))];
}

function unknownKeys(table: Table, prefix: Path, places: readonly Path[]): readonly string[] {
  return Object.entries(table).flatMap(([name, value]) => {
    const path = [...prefix, name];
    if (places.some((place) => place.length === path.length && startsWith(place, path))) return [];
    const known = namesUnder(places, prefix);
    if (!known.includes(name)) return [unknownKey(path, known)];
    return isTable(value)
      ? unknownKeys(value, path, places)
      : [`${pathText(path)} must be a table`];
  });
}

function unknownKey(path: Path, known: readonly string[]): string {
  const name = path.at(-1) ?? "";
  const meant = nearestName(name, known);
  const hint =
    meant === undefined ? `known here: ${known.join(", ")}` : `did you mean ${pathText([meant])}?`;
  return `unknown key ${pathText(path)}; ${hint}`;
}

/** The value of one key; a problem when the schema refuses it. */
function settingOf(key: AnyKey, raw: unknown, path: Path, problems: string[]): unknown {
  if (raw === undefined) return key.default;
  const result = key.schema.safeParse(raw);
  if (result.success) return result.data;
  const reason = result.error.issues[0]?.message ?? "is not valid";
  problems.push(`${pathText(path)}: ${reason}`);
  return key.default;
}

function settingsOf(
  keys: Record<string, AnyKey>,
  table: Table,
  prefix: Path,
  version: Version,
  problems: string[],
): Table {
  const values: Table = {};
  for (const [name, key] of Object.entries(keys)) {
    const place = placeOf(key, version);
    const raw = valueAt(table, place);
    const wrapped = place === cniBinDir2 && typeof raw === "string" ? [raw] : raw;
    values[name] = settingOf(key, wrapped, [...prefix, ...place], problems);
  }
  return values;
}

function runtimesOf(
  table: Table,
  version: Version,
  problems: string[],
): Record<string, RuntimeSettings> {
  const path = runtimesPath[version];
  const given = valueAt(table, path) ?? { vitrine: {} };
  const runtimes: Record<string, RuntimeSettings> = {};
  if (!isTable(given)) {
    problems.push(`${pathText(path)} must be a table`);
    return runtimes;
  }
  for (const [name, runtime] of Object.entries(given)) {
    if (!isTable(runtime) || name === "__proto__") {
      problems.push(`${pathText([...path, name])} must be a table`);
      continue;
    }
    const places = Object.values(runtimeKeys).map((key) => key.path);
    problems.push(
      ...unknownKeys(runtime, [], places).map((problem) =>
        problem.replace("unknown key ", `unknown key ${pathText([...path, name])}.`),
      ),
    );
    runtimes[name] = settingsOf(
      runtimeKeys,
      runtime,
      [...path, name],
      3,
      problems,
    ) as RuntimeSettings;
  }
  return runtimes;
}

function parseToml(text: string, file: string): Table {
  try {
    return parse(text) as Table;
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const [what] = error.message.replace("Invalid TOML document: ", "").split("\n");
    throw new ConfigError(file, [`line ${error.line}, column ${error.column}: ${what}`]);
  }
}

/** The settings a file gives; `file` is its name, for errors. Throws ConfigError with everything that is wrong. */
export function parseConfig(text: string, file: string): Settings {
  const table = parseToml(text, file);
  const { version = 3, ...rest } = table;
  if (version !== 2 && version !== 3) {
    throw new ConfigError(file, [`version must be 2 or 3, not ${JSON.stringify(version)}`]);
  }
  const problems: string[] = [];
  const places = [
    ...Object.values(configKeys).map((key) => placeOf(key, version)),
    runtimesPath[version],
  ];
  problems.push(...unknownKeys(rest, [], places));
  const values = settingsOf(configKeys, rest, [], version, problems);
  const runtimes = runtimesOf(rest, version, problems);
  const settings = { ...values, runtimes } as Settings;
  // As with containerd, tables of the file are added to the default one unless it names a default of its own.
  if (settings.defaultRuntimeName === configKeys.defaultRuntimeName.default) {
    runtimes[settings.defaultRuntimeName] ??= settingsOf(
      runtimeKeys,
      {},
      [],
      3,
      problems,
    ) as RuntimeSettings;
  }
  if (!Object.hasOwn(runtimes, settings.defaultRuntimeName)) {
    const path = placeOf(configKeys.defaultRuntimeName, version);
    problems.push(
      `${pathText(path)}: there is no runtime ${settings.defaultRuntimeName}; there are: ${Object.keys(runtimes).join(", ")}`,
    );
  }
  if (problems.length > 0) throw new ConfigError(file, problems);
  return settings;
}
