import type { Command } from "../command.ts";
import { age, textTable } from "../text-table.ts";

export const pods: Command = {
  usage: "pods",
  summary: "the pods on this node",
  wordsMin: 0,
  wordsMax: 0,
  async run({ client, context, json, print }) {
    const { items } = await client.listPodSandbox(context, {});
    if (json) {
      print(JSON.stringify(items, null, 2));
      return;
    }
    const rows = await Promise.all(
      items.map(async ({ id, metadata, state, createdAt }) => {
        const { status } = await client.podSandboxStatus(context, { podSandboxId: id });
        return [
          id.slice(0, 13),
          metadata?.namespace ?? "",
          metadata?.name ?? "",
          state === "SANDBOX_READY" ? "ready" : "not ready",
          status?.network?.ip || "-",
          age(createdAt, Date.now()),
        ];
      }),
    );
    for (const line of textTable(["ID", "NAMESPACE", "NAME", "STATE", "IP", "AGE"], rows))
      print(line);
  },
};
