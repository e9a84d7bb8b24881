/** Ops: one entry for each variant of the Op union, id "op.<name>". A test compares them with the union. */
import { opAttributeSteps } from "./op-attribute.ts";
import { opFileSteps } from "./op-file.ts";
import { opMountSteps } from "./op-mount.ts";
import { opProcessSteps } from "./op-process.ts";

export const opSteps = {
  ...opProcessSteps,
  ...opFileSteps,
  ...opMountSteps,
  ...opAttributeSteps,
} as const;
