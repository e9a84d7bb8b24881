/** Every fixed case. */
import type { ContractCase } from "../contract-case.ts";
import { capabilityCases } from "./capabilities.ts";
import { cgroupCases } from "./cgroups.ts";
import { chrootCases } from "./chroot.ts";
import { execCases } from "./exec.ts";
import { foundCases } from "./found.ts";
import { idmappedCases } from "./idmapped-mounts.ts";
import { attributeCases } from "./mount-attributes.ts";
import { mountCases } from "./mounts.ts";
import { moveCases } from "./move-and-umount.ts";
import { namespaceCases } from "./namespaces.ts";
import { networkCases } from "./network.ts";
import { overlayCases } from "./overlay.ts";
import { pathCases } from "./paths.ts";
import { permissionCases } from "./permissions.ts";
import { pivotCases } from "./pivot-root.ts";
import { processCases } from "./process-attributes.ts";
import { programCases } from "./programs.ts";
import { propagationCases } from "./propagation.ts";
import { propagationPairCases } from "./propagation-pairs.ts";
import { seccompCases } from "./seccomp.ts";
import { signalCases } from "./signals.ts";
import { userNamespaceCases } from "./user-namespaces.ts";

export interface CaseGroup {
  readonly name: string;
  readonly cases: readonly ContractCase[];
}

export const caseGroups: readonly CaseGroup[] = [
  { name: "mounts", cases: mountCases },
  { name: "mount attributes", cases: attributeCases },
  { name: "moving and unmounting", cases: moveCases },
  { name: "propagation, pairs", cases: propagationPairCases },
  { name: "propagation", cases: propagationCases },
  { name: "pivot_root", cases: pivotCases },
  { name: "chroot", cases: chrootCases },
  { name: "idmapped mounts", cases: idmappedCases },
  { name: "overlay", cases: overlayCases },
  { name: "paths", cases: pathCases },
  { name: "permissions", cases: permissionCases },
  { name: "capabilities", cases: capabilityCases },
  { name: "namespaces", cases: namespaceCases },
  { name: "user namespaces", cases: userNamespaceCases },
  { name: "cgroups", cases: cgroupCases },
  { name: "signals", cases: signalCases },
  { name: "exec", cases: execCases },
  { name: "network", cases: networkCases },
  { name: "programs", cases: programCases },
  { name: "seccomp", cases: seccompCases },
  { name: "processes", cases: processCases },
  { name: "found", cases: foundCases },
];
