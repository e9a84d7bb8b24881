/**
 * What the machine holds under names that only the runtime gives and that no record of it knows: cgroups, mounts,
 * network namespaces, files, addresses. What a start could not remove is no stranger when Status says so.
 */
import { snapshot } from "../../kernel/sim/index.ts";
import type { Stage } from "../stage.ts";

/** Where an id, or the beginning of one, stands in a line of a snapshot. */
const places: readonly RegExp[] = [
  /^cgroup .*\/vitrine\/([0-9a-f]{64})/,
  /^(?:mount|file) \/run\/vitrine\/(?:containers|pods|shims)\/([0-9a-f]{64})/,
  /^file \/var\/lib\/vitrine\/pods\/([0-9a-f]{64})/,
  /^(?:mount|file) \/run\/netns\/vitrine-([0-9a-f]{12})/,
];
const lease = /^file \/var\/lib\/vitrine\/cni\/leases\/[^/]+\/\d+\.\d+\.\d+\.\d+$/;

export function strangers(stage: Stage): readonly string[] {
  const { pods, containers, recovery } = stage.engine.parts;
  const known = [...pods.all(), ...containers.all()].map(({ id }) => id);
  const isKnown = (id: string): boolean =>
    known.some((one) => one.startsWith(id)) || recovery.problems.some((said) => said.includes(id));
  const found = new Set<string>();
  let leases = 0;
  for (const line of snapshot(stage.simulation.machine)) {
    if (lease.test(line)) leases++;
    for (const place of places) {
      const id = place.exec(line)?.[1];
      if (id !== undefined && !isKnown(id)) found.add(`no record knows the owner of: ${line}`);
    }
  }
  const networked = pods.all().filter(({ state, netns }) => state !== "stopped" && netns !== "");
  if (leases > networked.length && recovery.problems.length === 0) {
    found.add(`${leases} addresses are taken for ${networked.length} pods`);
  }
  return [...found];
}
