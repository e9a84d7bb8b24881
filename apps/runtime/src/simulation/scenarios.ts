/** Every scenario there is, in the order in which a class would meet them. */
import { RuntimeError } from "../kernel/errors.ts";
import type { Scenario } from "./scenario.ts";
import { attacks } from "./scenarios/attacks.ts";
import { cniChain } from "./scenarios/cni-chain.ts";
import { configuration } from "./scenarios/configuration.ts";
import { containerdCri } from "./scenarios/containerd-cri.ts";
import { crio } from "./scenarios/crio.ts";
import { daemonRestart } from "./scenarios/daemon-restart.ts";
import { demoPod } from "./scenarios/demo-pod.ts";
import { criDockerd, dockershim } from "./scenarios/docker-stacks.ts";
import { imagePull } from "./scenarios/image-pull.ts";
import { kubectlApply } from "./scenarios/kubectl-apply.ts";
import { livenessRestart } from "./scenarios/liveness-restart.ts";
import { ctrRun, dockerRun } from "./scenarios/lone-containers.ts";
import { oomKill } from "./scenarios/oom-kill.ts";
import { pause } from "./scenarios/pause.ts";
import { gvisor, kata } from "./scenarios/second-kernels.ts";
import { snapshotters } from "./scenarios/snapshotters.ts";

const lone: ReadonlySet<string> = new Set(["ctr-run", "docker-run", "gvisor", "kata"]);

export const scenarios: readonly Scenario[] = [
  demoPod,
  kubectlApply,
  containerdCri,
  pause,
  cniChain,
  imagePull,
  configuration,
  ...snapshotters,
  daemonRestart,
  oomKill,
  livenessRestart,
  dockershim,
  criDockerd,
  dockerRun,
  ctrRun,
  crio,
  gvisor,
  kata,
  ...attacks,
];

/**
 * Scenarios the crash machine plays. Lone containers are left out: no daemon of ours owns them, so nobody would
 * find them again.
 */
export const crashable: readonly Scenario[] = scenarios.filter(({ id }) => !lone.has(id));

/** The scenario of this id; RuntimeError NOT_FOUND that says which there are. */
export function scenarioNamed(id: string): Scenario {
  const found = scenarios.find((scenario) => scenario.id === id);
  if (found !== undefined) return found;
  const known = scenarios.map((scenario) => scenario.id).join(", ");
  throw new RuntimeError("NOT_FOUND", `there is no scenario "${id}"; there are: ${known}`);
}
