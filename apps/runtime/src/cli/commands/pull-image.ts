import { text } from "node:stream/consumers";
import type { Command } from "../command.ts";
import { ProgramError } from "../program-error.ts";

async function credentials(username: string | undefined, fromStdin: boolean) {
  if (username === undefined && !fromStdin) return undefined;
  if (username === undefined || !fromStdin) {
    throw new ProgramError(
      "--username and --password-stdin belong together: passwords on a command line are seen by everybody",
      2,
    );
  }
  return { username, password: (await text(process.stdin)).replace(/\r?\n$/, "") };
}

export const pullImage: Command = {
  usage: "pull IMAGE",
  summary: "fetch an image from its registry",
  help: [
    "--username NAME --password-stdin   credentials; the password is read from standard input",
  ],
  options: { username: { type: "string" }, "password-stdin": { type: "boolean" } },
  wordsMin: 1,
  wordsMax: 1,
  async run({ client, context, words: [image = ""], options, json, print }) {
    const username = options["username"] as string | undefined;
    const auth = await credentials(username, options["password-stdin"] === true);
    const answer = await client.pullImage(context, { image: { image }, auth });
    print(json ? JSON.stringify(answer) : answer.imageRef);
  },
};
