/** Every fixed case. */
import type { ContractCase } from "../contract-case.ts";
import { attributeCases } from "./mount-attributes.ts";
import { mountCases } from "./mounts.ts";
import { moveCases } from "./move-and-umount.ts";
import { propagationCases } from "./propagation.ts";

export interface CaseGroup {
  readonly name: string;
  readonly cases: readonly ContractCase[];
}

export const caseGroups: readonly CaseGroup[] = [
  { name: "propagation", cases: propagationCases },
  { name: "mounts", cases: mountCases },
  { name: "mount attributes", cases: attributeCases },
  { name: "moving and unmounting", cases: moveCases },
];
