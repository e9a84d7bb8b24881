import type { Command } from "../command.ts";

export const status: Command = {
  usage: "status",
  summary: "whether the runtime is ready, and why not",
  wordsMin: 0,
  wordsMax: 0,
  async run({ client, context, json, print }) {
    const version = await client.version(context, {});
    const answer = await client.status(context, { verbose: json });
    if (json) {
      print(JSON.stringify({ version, ...answer }, null, 2));
      return;
    }
    print(`${version.runtimeName} ${version.runtimeVersion}, CRI ${version.runtimeApiVersion}`);
    for (const { type, status: ready, reason, message } of answer.status?.conditions ?? []) {
      const why = [reason, message].filter((text) => text !== "").join(": ");
      print(`${type.padEnd(14)} ${ready ? "yes" : "NO"}${why === "" ? "" : `  ${why}`}`);
    }
    const handlers = answer.runtimeHandlers.map(({ name }) => name || "(default)");
    if (handlers.length > 0) print(`handlers       ${handlers.join(", ")}`);
  },
};
