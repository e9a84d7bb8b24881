/** What of seccomp the model has; docs are made of it. */
import type { SupportRow } from "../support.ts";

const area = "seccomp";

export const support: readonly SupportRow[] = [
  {
    area,
    feature: "filters: classic BPF, its validation, several filters, inheritance",
    level: "full",
    note: "Calls are those of x86-64; a filter sees 0 where a pointer would be.",
  },
  {
    area,
    feature: "actions: kill, trap, errno, log, allow",
    level: "partial",
    note: "The call of an errno of 0 is not made and refused with that number; programs of the model take it for EPERM, as numbers without a name.",
  },
  {
    area,
    feature: "user notification, tracers",
    level: "none",
    note: "Nobody listens: both answer ENOSYS.",
  },
  {
    area,
    feature: "OCI profiles compiled as libseccomp does",
    level: "partial",
    note: "The answers for x86-64 are the same, the bytes are not. Calls of other architectures that a profile names get its default action.",
  },
];
