import type { Command } from "../command.ts";
import { findObject } from "../find-object.ts";

export const plan: Command = {
  usage: "plan POD|CONTAINER",
  summary: "the Plan it was built with: every op, one line each",
  wordsMin: 1,
  wordsMax: 1,
  async run(input) {
    const [word = ""] = input.words;
    const found = await findObject(input, word);
    const containerId = found.kind === "pod" ? found.pod.id : found.container.id;
    const { text, json } = await input.client.containerPlan(input.context, { containerId });
    input.print(input.json ? json : text.trimEnd());
  },
};
