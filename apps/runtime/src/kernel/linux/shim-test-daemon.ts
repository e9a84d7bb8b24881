/**
 * A daemon for the tests of the shim, to be killed at any moment: node shim-test-daemon.ts BED DIRECTORY. It starts a
 * shim in DIRECTORY with containers in every state and an exec, says "ready", and waits.
 */
import type { Plan } from "../plan.ts";
import { context, ShimBed } from "./shim-test-bed.ts";

const [bedDirectory = "", directory = ""] = process.argv.slice(2);
const bed = new ShimBed(bedDirectory);
const shim = await bed.start("pod", directory);

const counting = "i=0; while :; do echo line $i; i=$((i+1)); sleep 0.005; done";
const running = await bed.run(shim, "running", ["sh", "-c", counting], {
  logPath: `${bed.logs}/running.log`,
});
await bed.run(shim, "ends-later", ["sh", "-c", "sleep 0.3; exit 7"]);
const create = (containerId: string, plan: Plan) =>
  shim.create(context, { containerId, plan, io: bed.io(), cgroupPaths: [] });
await create("created", bed.plan(["sh", "-c", "exit 8"]));
const slow = bed.plan(["sh", "-c", "exit 9"]);
const [clone, ...rest] = slow.steps;
if (clone === undefined) throw new Error("an empty plan");
// The daemon dies while this one is being made: opening the fifo takes until somebody reads it.
const fifo = { op: "open", path: `${bedDirectory}/fifo`, flags: ["wronly"], as: "fifo" } as const;
const half = create("half-made", {
  ...slow,
  steps: [clone, { process: "oci", op: fifo }, ...rest],
});
half.catch(() => undefined);
const command = bed.execPlan(running, ["sleep", "4715"]);
const options = { stdoutBytesMax: 0, stderrBytesMax: 0, timeoutMs: 0, drainMs: 0 };
shim.exec(context, "running", command, options).catch(() => undefined);
await new Promise((resolve) => setTimeout(resolve, 100));
console.log(`ready ${shim.pid}`);
// A test run that is itself killed leaves no daemon behind.
const starter = process.ppid;
setInterval(() => process.ppid !== starter && process.exit(1), 1000);
