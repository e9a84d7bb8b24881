/** The command line of vitrined. Options win over the configuration file. */
import { basename } from "node:path";
import { parseArgs } from "node:util";
import { configKeys, type Settings } from "./config/config-keys.ts";
import { optionError } from "./option-error.ts";
import { ProgramError } from "./program-error.ts";

export const vitrinedHelp = `vitrined: the daemon of Vitrine, a Kubernetes container runtime you can see through

usage: vitrined [options]                 run the daemon (root, Linux)
       vitrined config default            print the configuration file with every key and its default
       vitrined config check [FILE]       say what is wrong with a configuration file
       vitrined config docs               print the reference page of the configuration

options:
  --config FILE       configuration (default /etc/vitrine/config.toml, if it exists)
  --root DIR          what survives a reboot (default /var/lib/vitrine)
  --state DIR         what does not: sockets, mount points (default /run/vitrine)
  --socket PATH       the CRI socket (default vitrine.sock in the state directory)
  --record FILE       append every span to FILE, as OTLP JSON Lines
  --kernel KERNEL     linux (default), or sim: a simulated machine in memory, without Linux and root;
                      its sockets lie in --state, by default a directory of yours under /tmp
  --seed N            with --kernel=sim: the same seed boots the same machine (default 1)
  --log-level LEVEL   trace, debug, info, warn or error
  --private DIR       end when standard input closes, and remove all pods, the bridge and DIR,
                      in which root and state lie: for a daemon that belongs to one program
  --help, --version

A kubelet uses it with containerRuntimeEndpoint: unix:///run/vitrine/vitrine.sock
Spans are exported when the OTEL_EXPORTER_OTLP_* variables say where to.
`;

const options = {
  config: { type: "string" },
  root: { type: "string" },
  state: { type: "string" },
  socket: { type: "string" },
  record: { type: "string" },
  "log-level": { type: "string" },
  kernel: { type: "string" },
  seed: { type: "string" },
  private: { type: "string" },
  help: { type: "boolean", short: "h" },
  version: { type: "boolean" },
} as const;

export interface VitrinedArguments {
  readonly values: Readonly<{
    [Name in keyof typeof options]?: (typeof options)[Name]["type"] extends "boolean"
      ? boolean
      : string;
  }>;
  readonly words: readonly string[];
}

/** ProgramError, exit code 2, with the nearest option when one is not known. */
export function parseVitrinedArguments(argv: readonly string[]): VitrinedArguments {
  try {
    const { values, positionals } = parseArgs({ args: [...argv], options, allowPositionals: true });
    return { values, words: positionals };
  } catch (error) {
    throw optionError(error, argv, Object.keys(options), "vitrined --help lists the options");
  }
}

/** Which kernel the daemon runs on. */
export type KernelChoice =
  | { readonly name: "linux" }
  | { readonly name: "sim"; readonly seed: number };

/** ProgramError for a kernel there is not, and for a seed that is no number or has no use. */
export function kernelChoice({ values }: VitrinedArguments): KernelChoice {
  const { kernel = "linux", seed } = values;
  if (kernel !== "linux" && kernel !== "sim") {
    throw new ProgramError(`--kernel ${kernel}: there are linux and sim`, 2);
  }
  if (kernel === "linux") {
    if (seed !== undefined) throw new ProgramError("--seed is for --kernel=sim", 2);
    return { name: "linux" };
  }
  const number = Number(seed ?? "1");
  if (!/^\d{1,10}$/.test(seed ?? "1") || number > 0xffff_ffff) {
    throw new ProgramError(`--seed ${seed}: must be a whole number from 0 to 4294967295`, 2);
  }
  return { name: "sim", seed: number };
}

const overrides = {
  root: "root",
  state: "state",
  socket: "address",
  record: "recordPath",
  "log-level": "logLevel",
} as const;

/**
 * The settings with what the command line says instead. Sockets that it does not name move with the
 * state directory. ProgramError when a value is not valid.
 */
export function withArguments(settings: Settings, { values }: VitrinedArguments): Settings {
  const { state } = values;
  const sockets = {
    address: `${state}/${basename(settings.address)}`,
    traceAddress: `${state}/${basename(settings.traceAddress)}`,
  };
  const changed: Record<string, unknown> = state === undefined ? {} : sockets;
  for (const [option, name] of Object.entries(overrides)) {
    const value = values[option as keyof typeof overrides];
    if (value !== undefined) changed[name] = value;
  }
  for (const [name, value] of Object.entries(changed)) {
    const result = configKeys[name as keyof typeof configKeys].schema.safeParse(value);
    if (result.success) continue;
    const option = Object.entries(overrides).find(([, key]) => key === name)?.[0] ?? "state";
    throw new ProgramError(`--${option} ${String(value)}: ${result.error.issues[0]?.message}`, 2);
  }
  return { ...settings, ...changed } as Settings;
}
