/** What of the programs of a busybox userland is here. */
import type { SupportRow } from "../support.ts";

const area = "programs";

function partial(feature: string, note: string): SupportRow {
  return { area, feature, level: "partial", note };
}

export const support: readonly SupportRow[] = [
  partial(
    "sh",
    "No job control (jobs, fg, bg, ^Z), aliases, history or line editing; [[ ]] only as far as ash has it.",
  ),
  partial(
    "executables",
    "A file is a program when it names one of the simulated ones; machine code of a real image does not run (ENOEXEC).",
  ),
  partial(
    "applets",
    "The usual options, with busybox's output; usage texts are shorter. `help` in the simulated shell lists them.",
  ),
  partial(
    "grep, sed, awk",
    "sed without branches and hold space; awk without functions of its own, getline and redirections.",
  ),
  {
    area,
    feature: "ps, top, free, df, mount",
    level: "full",
    note: "They read /proc, as the real ones do.",
  },
  partial("mount", "No /etc/fstab, no loop devices."),
  { area, feature: "date -s", level: "none", note: "Time is virtual: EPERM." },
  partial(
    "text",
    "Text tools take and give UTF-8; cat, cp, dd, head -c, tail -c and tee pass any bytes.",
  ),
  {
    area,
    feature: "vitrine-probe swap",
    level: "none",
    note: "renameat2 with RENAME_EXCHANGE: EINVAL.",
  },
];
