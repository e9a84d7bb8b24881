/** What can be written into the field of faults, each with an example to try: the grammar of kernel/sim/fault. */

export interface FaultForm {
  readonly form: string;
  readonly meaning: string;
  readonly examples: readonly string[];
}

export const faultForms: readonly FaultForm[] = [
  {
    form: "OP#N=ERRNO",
    meaning: "the Nth op of that name fails",
    examples: ["pivotRoot#1=EPERM", "mount#1=ENOSPC"],
  },
  {
    form: "op@N=ERRNO",
    meaning: "the Nth op of all fails",
    examples: ["op@60=EIO"],
  },
  {
    form: "crash@N",
    meaning: "the runtime dies after the Nth op; a new one finds what it left",
    examples: ["crash@120"],
  },
  {
    form: "cni:COMMAND=HOW",
    meaning: "a network plugin hangs, fails, or does its work and prints nonsense",
    examples: ["cni:ADD=fail", "cni:ADD#1=hang", "cni:DEL=garbage"],
  },
  {
    form: "registry=HOW",
    meaning:
      "the registry hangs, answers a status, or breaks off at a byte (where an image is pulled)",
    examples: ["registry=503", "registry=hang", "registry=drop@1000"],
  },
  {
    form: "shim=kill@N",
    meaning: "the newest shim is killed after the Nth op",
    examples: ["shim=kill@220"],
  },
  {
    form: "oom@N",
    meaning: "the OOM killer takes the newest container after the Nth op",
    examples: ["oom@220"],
  },
  {
    form: "record@N=HOW",
    meaning: "at the Nth write of its records the runtime dies, or the disk is full",
    examples: ["record@3=crash", "record@2=full"],
  },
];

/** The faults of the field, one a word. */
export function faultsOf(text: string): readonly string[] {
  return text.split(/[\s,]+/).filter((fault) => fault !== "");
}

/** The field with one more fault; a fault that is there already stays alone. */
export function withFault(text: string, fault: string): string {
  const list = faultsOf(text);
  return (list.includes(fault) ? list : [...list, fault]).join(" ");
}
