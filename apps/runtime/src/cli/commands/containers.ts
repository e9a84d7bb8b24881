import type { Command } from "../command.ts";
import { age, textTable } from "../text-table.ts";

export const containers: Command = {
  usage: "containers",
  summary: "the containers on this node, in whatever state",
  wordsMin: 0,
  wordsMax: 0,
  async run({ client, context, json, print }) {
    const list = (await client.listContainers(context, {})).containers;
    if (json) {
      print(JSON.stringify(list, null, 2));
      return;
    }
    const rows = list.map(({ id, metadata, state, image, podSandboxId, createdAt }) => [
      id.slice(0, 13),
      metadata?.name ?? "",
      state.replace("CONTAINER_", "").toLowerCase(),
      image?.userSpecifiedImage || image?.image || "",
      podSandboxId.slice(0, 13),
      age(createdAt, Date.now()),
    ]);
    for (const line of textTable(["ID", "NAME", "STATE", "IMAGE", "POD", "AGE"], rows)) print(line);
  },
};
