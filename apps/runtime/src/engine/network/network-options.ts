/** What the network part of the engine is told once, at start ([plugins...cni] of config.toml). */
export interface NetworkOptions {
  /** Where network configurations lie: /etc/cni/net.d. */
  readonly confDir: string;
  /** Where plugins are looked for, in order: /opt/cni/bin, /usr/lib/cni. */
  readonly binDirs: readonly string[];
  /** Where results and intents are kept for DEL: <root>/cni/results. */
  readonly resultsDirectory: string;
  readonly addTimeoutMs: number;
  readonly delTimeoutMs: number;
  /** Bring lo up ourselves instead of executing the loopback plugin: faster by one process. */
  readonly internalLoopback: boolean;
  /** Which family comes first in the pod's addresses. */
  readonly ipPreference: "ipv4" | "ipv6" | "cni";
  /** The project's own bridge plugin, used when no configuration exists at all; undefined turns it off. */
  readonly builtin?: {
    /** Directory of vitrine-bridge. */
    readonly binDir: string;
    /** Interface name of the bridge: vitrine0. */
    readonly bridge: string;
    /** IPv4 network in CIDR form; its first address is the gateway. */
    readonly subnet: string;
    /** Where the address pool keeps its leases. */
    readonly dataDir: string;
  };
}

/** Where plugins are looked for, our own last. */
export function pluginDirectories({ binDirs, builtin }: NetworkOptions): readonly string[] {
  return builtin === undefined ? binDirs : [...binDirs, builtin.binDir];
}
