/**
 * The arrows of the house as one table: which folder of apps/runtime/src may import which.
 * docs/architecture.md draws it; `check-arch.ts` enforces it. Imports go down the ranks, siblings do not meet.
 */

export interface Folder {
  /** Path under apps/runtime/src. */
  readonly path: string;
  /** Folders it may import besides itself. */
  readonly mayImport: readonly string[];
  /** Pure: no Node, no DOM, no clock, no randomness, no timers. */
  readonly pure: boolean;
}

const pureBase = ["api", "trace", "kernel"];
const engine = [...pureBase, "oci", "engine"];
const top = [...engine, "actors"];

/** The most specific path wins: kernel/linux before kernel. */
export const folders: readonly Folder[] = [
  { path: "api", mayImport: [], pure: true },
  { path: "trace", mayImport: [], pure: true },
  { path: "kernel", mayImport: ["trace"], pure: true },
  { path: "kernel/linux", mayImport: ["trace", "kernel"], pure: false },
  { path: "kernel/sim", mayImport: ["trace", "kernel"], pure: true },
  { path: "oci", mayImport: pureBase, pure: true },
  { path: "images", mayImport: pureBase, pure: false },
  { path: "engine", mayImport: [...pureBase, "oci"], pure: true },
  { path: "actors", mayImport: pureBase, pure: true },
  { path: "cri", mayImport: [...engine, "cri/service"], pure: false },
  { path: "cri/service", mayImport: engine, pure: true },
  { path: "streaming", mayImport: engine, pure: false },
  { path: "telemetry", mayImport: pureBase, pure: false },
  { path: "simulation", mayImport: [...top, "kernel/sim", "cri/service"], pure: true },
  {
    path: "cli",
    mayImport: [
      ...top,
      "kernel/linux",
      "kernel/sim",
      "simulation",
      "images",
      "cri",
      "cri/service",
      "streaming",
      "telemetry",
    ],
    pure: false,
  },
];

/**
 * What pure code must not say, and what to say instead. Node's own names (process, Buffer as a value, console) it cannot
 * even spell: tsconfig.pure.json has no types for them. These here exist everywhere.
 */
export const bans: readonly { readonly pattern: RegExp; readonly instead: string }[] = [
  { pattern: /\bDate\.now\b|\bnew Date\(\)/, instead: "world.clock.nowNs()" },
  { pattern: /\bperformance\.now\b/, instead: "world.clock.monotonicNs()" },
  { pattern: /\bMath\.random\b|\bcrypto\.random/, instead: "world.random.bytes()" },
  { pattern: /\bset(?:Timeout|Interval|Immediate)\(/, instead: "world.clock.sleep()" },
  { pattern: /\bBuffer\./, instead: "Uint8Array and TextEncoder" },
  { pattern: /\bconsole\./, instead: "a span attribute or event" },
];

/** Only these folders may load native code or start programs. */
export const nativeFolders = ["kernel/linux", "images", "cli"];

/** Names that say nothing. */
export const bannedFileNames = ["utils.ts", "helpers.ts", "common.ts", "types.ts", "misc.ts"];

export const fileLinesMax = 600;
export const fileLinesMedianMax = 120;
/** C files of native/. */
export const cFileLinesMax = 600;
