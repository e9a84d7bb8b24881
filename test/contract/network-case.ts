/**
 * Pods of a contract case: network namespaces that are bound to a file, attached to a bridge of the case's own by
 * Vitrine's CNI plugin. Whatever a case makes is detached and removed at its end.
 */

import {
  makeNamespacePlan,
  removeNamespacePlan,
} from "../../apps/runtime/src/engine/network/network-namespace.ts";
import { isErrno, type Op, type ProgramResult } from "../../apps/runtime/src/kernel/index.ts";
import { outcomesContext } from "./contract-bed.ts";
import type { CaseRun } from "./contract-case.ts";

/** The bridge and its network: one of no other test. */
const bridge = "vtcontract0";
const subnet = "10.234.99.0/24";

export interface Pod {
  /** File that the namespace is bound to. */
  readonly path: string;
  /** Ops that bring a process there. */
  readonly enter: readonly Op[];
}

export interface CniCall {
  readonly command: "ADD" | "DEL" | "CHECK" | "VERSION" | "STATUS" | "GC";
  readonly id: string;
  readonly netns?: string;
  readonly config?: object;
  readonly stdin?: string;
}

/** Calls the plugin as the engine would. */
export function callPlugin(run: CaseRun, call: CniCall): Promise<ProgramResult> {
  const config = {
    cniVersion: "1.0.0",
    name: "contract",
    type: "vitrine-bridge",
    bridge,
    subnet,
    dataDir: `${run.bed.place.directory}/leases`,
    ...call.config,
  };
  const env = [
    `CNI_COMMAND=${call.command}`,
    `CNI_CONTAINERID=${call.id}`,
    "CNI_IFNAME=eth0",
    "CNI_PATH=/none",
    ...(call.netns === undefined ? [] : [`CNI_NETNS=${call.netns}`]),
    "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
  ];
  return run.bed.kernel.exec(outcomesContext().context, {
    path: run.bed.place.cniPlugin,
    argv: ["vitrine-bridge"],
    env,
    stdin: new TextEncoder().encode(call.stdin ?? JSON.stringify(config)),
    stdoutBytesMax: 1 << 20,
    stderrBytesMax: 1 << 16,
    timeoutMs: 10_000,
  });
}

/** A new network namespace, with loopback up unless `down`. */
export async function namespacePod(run: CaseRun, name: string, down = false): Promise<Pod> {
  const path = `${run.bed.place.directory}/netns/${run.id}-${name}`;
  const { context } = outcomesContext();
  await run.bed.kernel.runApart(context, makeNamespacePlan(path, !down));
  run.later(async () => {
    await run.bed.kernel.run(context, removeNamespacePlan(path));
  });
  const enter: readonly Op[] = [
    { op: "open", path, flags: ["rdonly"], as: "netns" },
    { op: "setns", fd: "netns", namespaces: ["net"] },
  ];
  return { path, enter };
}

/** Such a namespace, attached to the bridge; the first of a case has 10.234.99.2, the next .3. */
export async function bridgedPod(run: CaseRun, name: string): Promise<Pod> {
  const pod = await namespacePod(run, name);
  const id = `${run.id}-${name}`;
  const { exitCode, stdout } = await callPlugin(run, { command: "ADD", id, netns: pod.path });
  run.later(async () => {
    await callPlugin(run, { command: "DEL", id, netns: pod.path });
  });
  if (exitCode !== 0) run.say(`ADD failed: ${new TextDecoder().decode(stdout)}`);
  return pod;
}

/** Says what the plugin answered, in one line, with the names of this run replaced. */
export async function sayPlugin(run: CaseRun, call: CniCall): Promise<void> {
  try {
    const { exitCode, stdout } = await callPlugin(run, call);
    const text = new TextDecoder().decode(stdout).trim();
    const json = text === "" ? "" : JSON.stringify(JSON.parse(text));
    const named = json
      .replaceAll(run.bed.place.cniPlugin, "(plugin)")
      .replaceAll(run.bed.place.directory, "(bed)")
      .replaceAll(run.id, "case")
      .replace(/veth[0-9a-f]{10}/g, "veth");
    run.say(`${call.command} ${exitCode}${named === "" ? "" : ` ${named}`}`);
  } catch (error) {
    if (!isErrno(error)) throw error;
    run.say(`${call.command} failed: ${error.errno}`);
  }
}
