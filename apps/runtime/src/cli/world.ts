/** The real World: where it is decided that the kernel is Linux. */
import { dirname, join } from "node:path";
import type { EngineOptions } from "../engine/engine-options.ts";
import { FileContentStore, hostPlatform } from "../images/content-store.ts";
import { RegistryClient } from "../images/registry-client.ts";
import { messageOf } from "../kernel/errors.ts";
import { LinuxKernel } from "../kernel/linux/index.ts";
import { nativePath } from "../kernel/linux/native-path.ts";
import { linuxRandom } from "../kernel/linux/random.ts";
import { type DurableRecords, openRecords } from "../kernel/linux/records.ts";
import type { Clock, World } from "../kernel/world.ts";
import type { Settings } from "./config/config-keys.ts";
import { ProgramError } from "./program-error.ts";

export interface RealWorld {
  readonly world: World;
  readonly records: DurableRecords;
  /** Lets go of the kernel's connections and of the records; what runs runs on. */
  close(): void;
}

/** Directory of the project's own programs; ProgramError when they are not built. */
export function nativeDirectory(): string {
  try {
    return dirname(nativePath("vitrine-oci"));
  } catch (error) {
    throw new ProgramError(messageOf(error));
  }
}

/**
 * Opens everything outside the engine. `clock` is the one that spans are timed with as well: two clocks
 * would differ by part of a millisecond, and system calls would seem to begin before their step.
 */
export function openWorld(
  settings: Settings,
  clock: Clock,
  crashPoint: EngineOptions["crashPoint"],
): RealWorld {
  const programs = nativeDirectory();
  const records = openRecords(join(settings.root, "records.db"));
  const kernel = new LinuxKernel(clock);
  const random = linuxRandom();
  const platform = hostPlatform();
  const content = new FileContentStore({
    directory: join(settings.root, "content"),
    programs,
    platform,
  });
  const registry = new RegistryClient({
    blobs: content.blobs,
    platform,
    clock,
    random,
    hostsDirectories: settings.registryConfigPath.split(":").filter((path) => path !== ""),
    parallelBlobs: settings.maxConcurrentDownloads,
    ...(crashPoint === undefined ? {} : { crashPoint }),
  });
  return {
    world: { kernel, clock, random, records, registry, content },
    records,
    close() {
      kernel.close();
      records.close();
    },
  };
}
