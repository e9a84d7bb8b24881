import { PodClient } from "../../actors/pod-client.ts";
import { linuxClock } from "../../kernel/linux/clock.ts";
import type { Command } from "../command.ts";
import { findObject } from "../find-object.ts";
import { ProgramError } from "../program-error.ts";

const graceDefault = 10;

export const stop: Command = {
  usage: "stop POD|CONTAINER ...",
  summary: "stop pods or containers",
  help: [`--grace SECONDS   from the stop signal to SIGKILL (default ${graceDefault})`],
  options: { grace: { type: "string" } },
  wordsMin: 1,
  async run(input) {
    const grace = Number(input.options["grace"] ?? graceDefault);
    if (!Number.isInteger(grace) || grace < 0) {
      throw new ProgramError(
        `--grace ${input.options["grace"]}: must be a whole number of seconds`,
        2,
      );
    }
    const { client, context } = input;
    for (const word of input.words) {
      const found = await findObject(input, word);
      if (found.kind === "pod") {
        await new PodClient(client, linuxClock()).stopPod(context, found.pod.id, grace);
      } else {
        await client.stopContainer(context, { containerId: found.container.id, timeout: grace });
      }
      input.print(`stopped ${word}`);
    }
  },
};

export const remove: Command = {
  usage: "rm POD|CONTAINER ...",
  summary: "remove pods or containers, stopping them first",
  wordsMin: 1,
  async run(input) {
    const { client, context } = input;
    for (const word of input.words) {
      const found = await findObject(input, word);
      if (found.kind === "pod") {
        await new PodClient(client, linuxClock()).removePod(context, found.pod.id);
      } else {
        await client.removeContainer(context, { containerId: found.container.id });
      }
      input.print(`removed ${word}`);
    }
  },
};
