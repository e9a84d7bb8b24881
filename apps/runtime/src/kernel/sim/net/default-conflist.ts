/**
 * The network that a node has which nobody has configured: the engine's built-in chain as a configuration list,
 * for a simulated host whose administrator wrote it to /etc/cni/net.d, and for scenarios that show the file.
 */

export const defaultConflistPath = "/etc/cni/net.d/10-vitrine.conflist";

export interface ConflistOptions {
  readonly bridge?: string;
  readonly subnet?: string;
  readonly dataDir?: string;
}

/** vitrine-bridge, and portmap behind it; the same names and addresses as the built-in network. */
export function defaultConflist(options: ConflistOptions = {}): string {
  const list = {
    cniVersion: "1.0.0",
    name: "vitrine",
    plugins: [
      {
        type: "vitrine-bridge",
        bridge: options.bridge ?? "vitrine0",
        subnet: options.subnet ?? "10.88.0.0/16",
        dataDir: options.dataDir ?? "/var/lib/vitrine/cni/leases",
        ipMasq: true,
      },
      { type: "portmap", capabilities: { portMappings: true } },
    ],
  };
  return `${JSON.stringify(list, undefined, 2)}\n`;
}
