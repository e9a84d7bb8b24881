import { resolve } from "node:path";
import type { Command } from "../command.ts";
import { bytesText } from "../text-table.ts";

export const loadImage: Command = {
  usage: "image load FILE",
  summary: "bring in the images of a docker-archive or an OCI layout (file or directory)",
  wordsMin: 1,
  wordsMax: 1,
  async run({ client, context, words: [file = ""], json, print }) {
    const { images } = await client.loadImage(context, { path: resolve(file) });
    if (json) {
      print(JSON.stringify(images, null, 2));
      return;
    }
    for (const { id, references, sizeBytes } of images) {
      print(`${references[0] ?? "(no name)"}  ${id}  ${bytesText(sizeBytes)}`);
    }
  },
};
