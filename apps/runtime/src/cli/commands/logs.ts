import { open } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import type { Command, CommandInput } from "../command.ts";
import { findContainer } from "../find-object.ts";
import { ProgramError } from "../program-error.ts";

const chunkBytes = 64 * 1024;
const followMs = 200;

/** "<time> <stdout|stderr> <P|F>[:tags] <content>", the line format of the CRI; P has no line end of its own. */
function writeEntry(line: Buffer): void {
  const stream = line.indexOf(" ");
  const flag = line.indexOf(" ", stream + 1);
  const content = line.indexOf(" ", flag + 1);
  if (stream < 0 || flag < 0 || content < 0) return;
  const target =
    line.toString("latin1", stream + 1, flag) === "stderr" ? process.stderr : process.stdout;
  target.write(line.subarray(content + 1));
  if (line[flag + 1] === "F".charCodeAt(0)) target.write("\n");
}

/** Writes the whole lines of `bytes`; what is left over is the beginning of the next one. */
function writeEntries(bytes: Buffer): Buffer {
  let from = 0;
  for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, from)) {
    writeEntry(bytes.subarray(from, end));
    from = end + 1;
  }
  return bytes.subarray(from);
}

async function isRunning({ client, context }: CommandInput, containerId: string): Promise<boolean> {
  const { status } = await client.containerStatus(context, { containerId });
  return status?.state === "CONTAINER_RUNNING" || status?.state === "CONTAINER_CREATED";
}

async function printLog(input: CommandInput, containerId: string, path: string): Promise<void> {
  const file = await open(path).catch(() => undefined);
  if (file === undefined) throw new ProgramError(`there is no log file ${path} yet`);
  const buffer = Buffer.alloc(chunkBytes);
  let rest: Buffer = Buffer.alloc(0);
  let last = input.options["follow"] !== true;
  for (;;) {
    const { bytesRead } = await file.read(buffer, 0, chunkBytes);
    if (bytesRead > 0) {
      rest = Buffer.from(writeEntries(Buffer.concat([rest, buffer.subarray(0, bytesRead)])));
    } else if (last) {
      break;
    } else {
      // One more look at the file after the container ended: it may have written meanwhile.
      last = !(await isRunning(input, containerId));
      if (!last) await delay(followMs);
    }
  }
  await file.close();
}

export const logs: Command = {
  usage: "logs CONTAINER",
  summary: "what a container wrote to stdout and stderr",
  help: ["--follow, -f   go on until the container ends"],
  options: { follow: { type: "boolean", short: "f" } },
  wordsMin: 1,
  wordsMax: 1,
  async run(input) {
    const [word = ""] = input.words;
    const { id } = await findContainer(input, word);
    const { status } = await input.client.containerStatus(input.context, { containerId: id });
    if (status === undefined || status.logPath === "") {
      throw new ProgramError(`container ${word} was created without a log file`);
    }
    await printLog(input, id, status.logPath);
  },
};
