/** What must be true of a CreateContainer request before anything is made for it. */
import type {
  ContainerConfig,
  ContainerMetadata,
  CreateContainerRequest,
  PodSandboxConfig,
} from "../../api/index.ts";
import { RuntimeError } from "../../kernel/errors.ts";
import type { PodRecord } from "../pods/pod-record.ts";

/** PATH_MAX without the NUL at the end. */
const pathBytesMax = 4095;

export interface CheckedContainerConfig {
  readonly config: ContainerConfig;
  readonly metadata: ContainerMetadata;
  /** Reference or id of the image. */
  readonly image: string;
  /** Absolute path of the log file; empty for none. */
  readonly logPath: string;
}

/**
 * The parts of the request that must be there.
 * @throws RuntimeError INVALID_ARGUMENT that names the field.
 */
export function checkContainerConfig(
  request: CreateContainerRequest,
  pod: PodRecord,
): CheckedContainerConfig {
  const config = request.config;
  if (config === undefined) throw invalid("the container config is missing");
  const metadata = config.metadata;
  if (metadata === undefined) throw invalid("the container config has no metadata");
  if (metadata.name === "") throw invalid("the container metadata has no name");
  const image = config.image?.image ?? "";
  if (image === "") throw invalid("the container config names no image");
  checkPrivilege(config, pod.config);
  return { config, metadata, image, logPath: logPathOf(pod.config.logDirectory, config.logPath) };
}

/** What the pod sandbox was not made for, its containers do not get. */
function checkPrivilege(config: ContainerConfig, pod: PodSandboxConfig): void {
  const privileged = config.linux?.securityContext?.privileged ?? false;
  if (!privileged || (pod.linux?.securityContext?.privileged ?? false)) return;
  throw invalid("a privileged container cannot be made in an unprivileged pod sandbox");
}

/**
 * Where the container's log goes: `path` below the pod's `directory`, absolute; empty when there is no path.
 * @throws RuntimeError INVALID_ARGUMENT for a path that leads out of the directory.
 */
export function logPathOf(directory: string, path: string): string {
  if (path === "") return "";
  const parts = path.split("/");
  if (path.startsWith("/") || parts.includes("..") || path.includes("\0")) {
    throw invalid(`log_path ${JSON.stringify(path)} leads out of the pod's log directory`);
  }
  if (directory === "") {
    throw invalid(`log_path ${path} is relative to a log_directory, and the pod sandbox has none`);
  }
  const clean = parts.filter((part) => part !== "" && part !== ".");
  if (clean.length === 0) throw invalid(`log_path ${JSON.stringify(path)} names no file`);
  const whole = `${directory.replace(/\/+$/, "")}/${clean.join("/")}`;
  if (new TextEncoder().encode(whole).length > pathBytesMax) {
    throw invalid(
      `the path of the log is longer than ${pathBytesMax} bytes: ${whole.slice(0, 80)}...`,
    );
  }
  return whole;
}

function invalid(message: string): RuntimeError {
  return new RuntimeError("INVALID_ARGUMENT", message);
}
