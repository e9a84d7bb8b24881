/** Runtime steps of a pod sandbox. */
import type { CatalogueEntry } from "./entry.ts";

export const podSteps = {
  "pod.cgroup": {
    level: 2,
    from: "runtime",
    to: "kernel",
    label: "make cgroup {vitrine.cgroup.parent}",
    attributes: { "vitrine.cgroup.parent": "cgroup path of the pod" },
    why: "A cgroup is where the kernel accounts and limits what the pod uses.",
    link: "https://man7.org/linux/man-pages/man7/cgroups.7.html",
  },
} as const satisfies Record<string, CatalogueEntry>;
