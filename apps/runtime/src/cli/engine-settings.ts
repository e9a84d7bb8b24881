/** From config.toml's settings to the engine's options. */
import { join } from "node:path";
import type { CrashPoint, EngineOptions } from "../engine/engine-options.ts";
import type { Settings } from "./config/config-keys.ts";

/** A daemon that shall die at a boundary, for tests of recovery: VITRINE_CRASH_AT=P7. */
function crashPointOf(name: string | undefined): Pick<EngineOptions, "crashPoint"> {
  if (name === undefined || name === "") return {};
  return {
    crashPoint(point: CrashPoint) {
      if (point === name) process.kill(process.pid, "SIGKILL");
    },
  };
}

/** `nativeDirectory` is where the project's own programs lie. */
export function engineOptions(
  settings: Settings,
  version: string,
  nativeDirectory: string,
  crashAt: string | undefined,
): EngineOptions {
  const { root, bridgeEnabled, bridgeName, bridgeSubnet } = settings;
  const builtin = {
    binDir: join(nativeDirectory, "cni"),
    bridge: bridgeName,
    subnet: bridgeSubnet,
    dataDir: join(root, "cni", "leases"),
  };
  return {
    rootDirectory: root,
    stateDirectory: settings.state,
    netnsDirectory: settings.netnsDirectory,
    sandboxImage: settings.sandboxImage,
    runtimeVersion: version,
    defaultRuntime: settings.defaultRuntimeName,
    runtimes: settings.runtimes,
    cgroupParentDefault: settings.cgroupParent,
    unsetSeccompProfile: settings.unsetSeccompProfile || "unconfined",
    rlimits: [],
    pidsLimit: settings.pidsLimit,
    logLineBytesMax: settings.logLineBytesMax,
    execOutputBytesMax: settings.execOutputBytesMax,
    execDrainMs: settings.execDrainMs,
    shmBytes: settings.shmBytes,
    unprivilegedPorts: settings.unprivilegedPorts,
    unprivilegedPing: settings.unprivilegedPing,
    recoveryItemMs: settings.recoveryItemMs,
    network: {
      confDir: settings.cniConfDir,
      binDirs: settings.cniBinDirs,
      resultsDirectory: join(root, "cni", "results"),
      addTimeoutMs: settings.cniAddTimeoutMs,
      delTimeoutMs: settings.cniDelTimeoutMs,
      internalLoopback: settings.internalLoopback,
      ipPreference: settings.ipPreference,
      ...(bridgeEnabled ? { builtin } : {}),
    },
    ...crashPointOf(crashAt),
  };
}
