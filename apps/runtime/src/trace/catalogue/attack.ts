/** Steps of lessons on isolation: what a process inside tries, and what it meets. */
import type { CatalogueEntry } from "./entry.ts";

export const attackSteps = {
  "attack.guard": {
    level: 1,
    oneWay: true,
    from: "runtime",
    to: "attacker",
    label: "{vitrine.attack.guard}",
    attributes: { "vitrine.attack.guard": "the mechanism, and whether it is there" },
    why: "The same attack twice, with the mechanism and without it: what differs is what it is for.",
    link: "https://kubernetes.io/docs/concepts/security/pod-security-standards/",
  },
  "attack.try": {
    level: 1,
    from: "attacker",
    to: "kernel",
    label: "{vitrine.attack.command}",
    reply: "{vitrine.attack.result}",
    attributes: {
      "vitrine.attack.command": "what the process inside does",
      "vitrine.attack.result": "what it saw, or the error it met",
    },
    why: "An attack is made of ordinary system calls; isolation is that the kernel answers them otherwise.",
    link: "https://man7.org/linux/man-pages/man7/namespaces.7.html",
  },
} as const satisfies Record<string, CatalogueEntry>;
