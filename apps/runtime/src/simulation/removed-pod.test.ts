/** A pod that was removed leaves nothing behind: the next million would fill the disk. */
import { setImmediate } from "node:timers/promises";
import { expect, it } from "vitest";
import { idle, podOf } from "./pods.ts";
import { Stage } from "./stage.ts";

it("no record of a removed pod stays, nor a mount or a process", async () => {
  const stage = await Stage.open({ seed: 1, host: { turn: () => setImmediate() } });
  const pods = stage.pods();
  const live = async (name: string) => {
    const { sandboxId } = await pods.runPod(stage.context, podOf(name, [idle("a")]));
    await pods.stopPod(stage.context, sandboxId, 0);
    await pods.removePod(stage.context, sandboxId);
  };
  const left = () => ({
    records: stage.simulation.records.all().map(([kind, id]) => `${kind} ${id}`),
    mounts: stage.simulation.machine.init.namespaces.mnt.mounts.size,
    processes: stage.simulation.machine.processes.size,
    devices: stage.simulation.machine.devices.size,
  });
  // The first one pulls the images and makes the bridge.
  await stage.play(live("first"));
  const before = left();
  await stage.play(live("second"));
  expect(left()).toEqual(before);
  expect(before.records.filter((record) => !/^(image|layer) /.test(record))).toEqual([]);
});
