/** Registry and content store of a simulated daemon. */
import { RuntimeError } from "../../errors.ts";
import type { ContentStore, Registry } from "../../world.ts";
import type { RegistryFault } from "../fault/fault-schedule.ts";
import type { DaemonLife } from "./daemon-life.ts";

function missing(): never {
  throw new RuntimeError("UNIMPLEMENTED", "the simulated registry is not there yet");
}

export function simContent(
  _life: DaemonLife,
  _fault: () => RegistryFault | undefined,
): { readonly registry: Registry; readonly content: ContentStore } {
  return {
    registry: { fetch: async () => missing() },
    content: {
      readJson: async () => missing(),
      has: async () => false,
      remove: async () => undefined,
      list: async () => [],
      unpack: async () => missing(),
      load: async () => missing(),
    },
  };
}
