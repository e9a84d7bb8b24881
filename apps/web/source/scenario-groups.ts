/** The order of a class: what comes first, what belongs together. Ids are those of simulation/scenarios.ts. */

export interface ScenarioGroup {
  readonly title: string;
  /** Ids, and prefixes of ids ending in "-". */
  readonly ids: readonly string[];
}

export const scenarioGroups: readonly ScenarioGroup[] = [
  {
    title: "First steps",
    ids: ["demo-pod", "pause", "cni-chain", "kubectl-apply", "housekeeping", "configuration"],
  },
  {
    title: "Stacks",
    ids: [
      "containerd",
      "cri-o",
      "cri-dockerd",
      "dockershim",
      "docker-run",
      "ctr-run",
      "gvisor",
      "kata",
    ],
  },
  { title: "Failures", ids: ["oom-kill", "liveness-restart", "daemon-restart", "lost-parts"] },
  { title: "Images and storage", ids: ["image-pull", "snapshotter-"] },
  { title: "Security and limits", ids: ["attack-", "cgroup-"] },
];

function placeOf(id: string): number {
  return scenarioGroups.findIndex(({ ids }) =>
    ids.some((one) => (one.endsWith("-") ? id.startsWith(one) : id === one)),
  );
}

/** The scenarios by group, each in the order in which they came; what no group names stands under "More". */
export function grouped<T extends { readonly id: string }>(
  scenarios: readonly T[],
): readonly { readonly title: string; readonly scenarios: readonly T[] }[] {
  const titles = [...scenarioGroups.map(({ title }) => title), "More"];
  return titles
    .map((title, index) => ({
      title,
      scenarios: scenarios.filter(({ id }) => {
        const place = placeOf(id);
        return (place < 0 ? titles.length - 1 : place) === index;
      }),
    }))
    .filter((group) => group.scenarios.length > 0);
}
