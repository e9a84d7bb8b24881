import type { Command } from "../command.ts";
import { findContainer } from "../find-object.ts";
import { ProgramError } from "../program-error.ts";

export const exec: Command = {
  usage: "exec CONTAINER COMMAND [ARGUMENT ...]",
  summary: "run a command in a container; its output and exit code become this one's",
  help: [
    "--timeout SECONDS   end the command after that long",
    "Options behind CONTAINER belong to the command.",
  ],
  options: { timeout: { type: "string" } },
  wordsMin: 2,
  async run({ client, context, words: [word = "", ...cmd], options, json, print }) {
    const timeout = Number(options["timeout"] ?? 0);
    if (!Number.isInteger(timeout) || timeout < 0) {
      throw new ProgramError(
        `--timeout ${options["timeout"]}: must be a whole number of seconds`,
        2,
      );
    }
    const { id: containerId } = await findContainer({ client, context }, word);
    const answer = await client.execSync(context, { containerId, cmd, timeout });
    if (json) {
      const [stdout, stderr] = [answer.stdout, answer.stderr].map((bytes) =>
        Buffer.from(bytes).toString(),
      );
      print(JSON.stringify({ exitCode: answer.exitCode, stdout, stderr }, null, 2));
    } else {
      process.stdout.write(answer.stdout);
      process.stderr.write(answer.stderr);
    }
    process.exitCode = answer.exitCode;
  },
};
