/** Every scenario there is, in the order in which a class would meet them. */
import { RuntimeError } from "../kernel/errors.ts";
import type { Scenario } from "./scenario.ts";
import { attackUserNamespaces } from "./scenarios/attack-user-namespaces.ts";
import { attacks } from "./scenarios/attacks.ts";
import { cgroupV1 } from "./scenarios/cgroup-v1.ts";
import { cniChain } from "./scenarios/cni-chain.ts";
import { configuration } from "./scenarios/configuration.ts";
import { containerdCri } from "./scenarios/containerd-cri.ts";
import { crio } from "./scenarios/crio.ts";
import { daemonRestart } from "./scenarios/daemon-restart.ts";
import { demoPod } from "./scenarios/demo-pod.ts";
import { criDockerd, dockershim } from "./scenarios/docker-stacks.ts";
import { housekeeping } from "./scenarios/housekeeping.ts";
import { imagePull } from "./scenarios/image-pull.ts";
import { kubectlApply } from "./scenarios/kubectl-apply.ts";
import { livenessRestart } from "./scenarios/liveness-restart.ts";
import { ctrRun, dockerRun } from "./scenarios/lone-containers.ts";
import { lostParts } from "./scenarios/lost-parts.ts";
import { oomKill } from "./scenarios/oom-kill.ts";
import { pause } from "./scenarios/pause.ts";
import { gvisor, kata } from "./scenarios/second-kernels.ts";
import { snapshotters } from "./scenarios/snapshotters.ts";

/** No daemon of ours owns what they make, so nobody would find it again after a crash. */
const lone: ReadonlySet<string> = new Set([
  "ctr-run",
  "docker-run",
  "gvisor",
  "kata",
  "attack-user-namespaces",
]);
/** They run ops of their own beside the daemon and are no clients of it: there is nobody who asks again. */
const bare: ReadonlySet<string> = new Set(snapshotters.map(({ id }) => id));

export const scenarios: readonly Scenario[] = [
  demoPod,
  kubectlApply,
  containerdCri,
  pause,
  cniChain,
  imagePull,
  configuration,
  ...snapshotters,
  housekeeping,
  cgroupV1,
  daemonRestart,
  lostParts,
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
  attackUserNamespaces,
];

/** Scenarios the crash machine plays: those whose every step is the daemon's, asked for over CRI. */
export const crashable: readonly Scenario[] = scenarios.filter(
  ({ id }) => !lone.has(id) && !bare.has(id),
);

/** The scenario of this id; RuntimeError NOT_FOUND that says which there are. */
export function scenarioNamed(id: string): Scenario {
  const found = scenarios.find((scenario) => scenario.id === id);
  if (found !== undefined) return found;
  const known = scenarios.map((scenario) => scenario.id).join(", ");
  throw new RuntimeError("NOT_FOUND", `there is no scenario "${id}"; there are: ${known}`);
}
