/** The programs of the network: which there are, and where a host has them. */
import { appletProgram } from "./applet.ts";
import { bridgePlugin } from "./cni-bridge.ts";
import { hostLocalPlugin } from "./cni-host-local.ts";
import { loopbackPlugin } from "./cni-loopback.ts";
import { portmapPlugin } from "./cni-portmap.ts";
import { vitrineBridge } from "./cni-vitrine-bridge.ts";
import { demo } from "./net-demo.ts";
import { httpdApplets } from "./net-httpd.ts";
import { ipApplets } from "./net-ip.ts";
import { ncApplets } from "./net-nc.ts";
import { nginx } from "./net-nginx.ts";
import { pingApplets } from "./net-ping.ts";
import { wgetApplets } from "./net-wget.ts";
import type { Program } from "./program.ts";

const applets = { ...ipApplets, ...pingApplets, ...wgetApplets, ...httpdApplets, ...ncApplets };

const plugins: ReadonlyMap<string, Program> = new Map([
  ["bridge", bridgePlugin],
  ["host-local", hostLocalPlugin],
  ["loopback", loopbackPlugin],
  ["portmap", portmapPlugin],
  ["vitrine-bridge", vitrineBridge],
]);

/** By the name executables have them under. */
export function networkPrograms(): ReadonlyMap<string, Program> {
  const programs = new Map<string, Program>(plugins);
  for (const [name, applet] of Object.entries(applets)) {
    programs.set(name, appletProgram(name, applet));
  }
  programs.set("nginx", nginx);
  programs.set("demo", demo);
  return programs;
}

/** Where a host has the CNI plugins: path and program. */
export function pluginExecutables(): readonly (readonly [path: string, program: string])[] {
  return [...plugins.keys()].map((name) => [`/opt/cni/bin/${name}`, name]);
}
