/** Command line of the dashboard. */
import { parseArgs } from "node:util";
import { dashboardId } from "./drop-privileges.ts";

export interface Options {
  readonly port: number;
  /** Path of vitrined's trace socket; undefined shows recordings only. */
  readonly traceSocket: string | undefined;
  /** Recording that the empty page offers to open. */
  readonly recording: string | undefined;
  readonly userId: number;
  /** The page begins on the simulated kernel. */
  readonly simulated: boolean;
  /** End when standard input closes, because then the starter is gone. */
  readonly endWithStdin: boolean;
  readonly help: boolean;
}

export const usage = `usage: node apps/web/server.ts [--port N] [--trace-socket PATH] [--recording FILE] [--user ID]
       [--simulated] [--end-with-stdin]

  --port N             listen on 127.0.0.1:N; 0 (the default) takes any free port
  --trace-socket PATH  socket of vitrined's trace stream (also VITRINE_TRACE_SOCKET)
  --recording FILE     recording offered on the empty page; default traces/real/demo-pod.jsonl
  --user ID            numeric user and group to become when started as root; default ${dashboardId}
  --simulated          begin with the simulated kernel: there is no real one to show
  --end-with-stdin     end when standard input closes: with the program that started it

The token is made anew at each start unless VITRINE_DASHBOARD_TOKEN (32 or more characters) is set.
`;

function integer(name: string, value: string, max: number): number {
  const number = Number(value);
  if (!/^\d{1,10}$/.test(value) || number > max) {
    throw new Error(`${name} must be a number from 0 to ${max}, not "${value}"`);
  }
  return number;
}

/** Options from the command line and environment; throws with one clear sentence. */
export function readOptions(
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
  defaultRecording: string,
): Options {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      port: { type: "string", default: "0" },
      "trace-socket": { type: "string" },
      recording: { type: "string", default: defaultRecording },
      user: { type: "string", default: String(dashboardId) },
      simulated: { type: "boolean", default: false },
      "end-with-stdin": { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  const userId = integer("--user", values.user, 0xffff_fffe);
  if (userId === 0) throw new Error("--user 0 is root, which the dashboard must not be");
  return {
    port: integer("--port", values.port, 65_535),
    traceSocket: values["trace-socket"] ?? environment["VITRINE_TRACE_SOCKET"],
    recording: values.recording === "" ? undefined : values.recording,
    userId,
    simulated: values.simulated,
    endWithStdin: values["end-with-stdin"],
    help: values.help,
  };
}

/** The token of this run: given, or 32 random bytes from `random`. */
export function readToken(
  environment: Readonly<Record<string, string | undefined>>,
  random: () => string,
): string {
  const given = environment["VITRINE_DASHBOARD_TOKEN"];
  if (given === undefined) return random();
  if (!/^[A-Za-z0-9_-]{32,128}$/.test(given)) {
    throw new Error("VITRINE_DASHBOARD_TOKEN must have 32 to 128 letters, digits, - or _");
  }
  return given;
}
