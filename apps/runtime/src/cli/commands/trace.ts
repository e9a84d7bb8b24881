import { readTrace } from "../../telemetry/trace-reader.ts";
import type { Level } from "../../trace/catalogue.ts";
import type { Command } from "../command.ts";
import { LiveText } from "../live-text.ts";
import { ProgramError } from "../program-error.ts";

const widthDefault = 120;

export const trace: Command = {
  usage: "trace",
  summary: "watch the calls as they happen, drawn as sequences, until Ctrl-C",
  help: [
    "--level N   1 calls, 2 steps of the runtime, 3 system calls (default 2)",
    "--json      the messages of the trace stream as they come",
  ],
  options: { level: { type: "string" } },
  wordsMin: 0,
  wordsMax: 0,
  async run({ traceSocket, options, json, print }) {
    const level = Number(options["level"] ?? 2);
    if (![1, 2, 3].includes(level))
      throw new ProgramError(`--level ${options["level"]}: must be 1, 2 or 3`, 2);
    const controller = new AbortController();
    process.once("SIGINT", () => controller.abort());
    const text = new LiveText({
      level: level as Level,
      width: process.stdout.columns ?? widthDefault,
      colour: process.stdout.isTTY === true,
      shows: () => true,
      print,
    });
    for await (const message of readTrace({
      path: traceSocket,
      signal: controller.signal,
      reconnect: true,
    })) {
      if (json) print(JSON.stringify(message));
      else text.take(message);
    }
  },
};
