import type { Command } from "../command.ts";
import { ProgramError } from "../program-error.ts";
import { bytesText, textTable } from "../text-table.ts";

export const images: Command = {
  usage: "images",
  summary: "the images on this node",
  wordsMin: 0,
  wordsMax: 0,
  async run({ client, context, json, print }) {
    const list = (await client.listImages(context, {})).images;
    if (json) {
      print(JSON.stringify(list, null, 2));
      return;
    }
    const rows = list.flatMap(({ id, repoTags, repoDigests, size, pinned }) => {
      const names = repoTags.length > 0 ? repoTags : [repoDigests[0] ?? "(no name)"];
      return names.map((name) => [
        name,
        id.replace("sha256:", "").slice(0, 13),
        bytesText(size),
        pinned ? "pinned" : "",
      ]);
    });
    for (const line of textTable(["IMAGE", "ID", "SIZE", ""], rows)) print(line);
  },
};

export const removeImage: Command = {
  usage: "image rm IMAGE",
  summary: "remove an image under all its names",
  wordsMin: 1,
  wordsMax: 1,
  async run({ client, context, words: [image = ""], print }) {
    // The call itself succeeds for an image that is not there; somebody who mistyped a name wants to know.
    const { image: there } = await client.imageStatus(context, { image: { image } });
    if (there === undefined) {
      throw new ProgramError(`there is no image ${image}; vitrine images lists what there is`);
    }
    await client.removeImage(context, { image: { image } });
    print(`removed ${image}`);
  },
};
