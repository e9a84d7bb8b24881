/**
 * A daemon that attaches a pod and is killed by the plugin meanwhile.
 *
 *   node crash-network.ts OPTIONS_JSON POD_JSON
 */
import { Network } from "../../apps/runtime/src/engine/network/network.ts";
import { LinuxKernel } from "../../apps/runtime/src/kernel/linux/index.ts";
import type { World } from "../../apps/runtime/src/kernel/world.ts";
import { RecordingTracer } from "./recording-tracer.ts";

const [options = "", pod = ""] = process.argv.slice(2);
const world = { kernel: new LinuxKernel() } as unknown as World;
await new Network(world, JSON.parse(options)).attach(
  new RecordingTracer().context,
  JSON.parse(pod),
);
