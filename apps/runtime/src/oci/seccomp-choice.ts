/** Which seccomp profile a container gets, from the CRI's new field, its old one, or the runtime's default. */
import type { SecurityProfile } from "../api/index.ts";
import {
  type HostFacts,
  type HostFiles,
  isErrno,
  RuntimeError,
  type SeccompProfile,
} from "../kernel/index.ts";
import { defaultSeccompProfile } from "./seccomp-default.ts";
import { parseSeccompProfile } from "./seccomp-parse.ts";

const profileBytesMax = 1024 * 1024;

export interface SeccompRequest {
  readonly privileged: boolean;
  readonly seccomp: SecurityProfile | undefined;
  /** The field that `seccomp` replaced: "", unconfined, runtime/default, docker/default, localhost/<path>. */
  readonly seccompProfilePath: string;
  /** `RuntimeOptions.unsetSeccompProfile`. */
  readonly unset: string;
  readonly capabilities: readonly string[];
}

type Choice =
  | { readonly kind: "unconfined" }
  | { readonly kind: "default" }
  | { readonly kind: "file"; readonly path: string };

/**
 * The profile to compile, undefined for none. Privileged containers have none, whatever is asked.
 * INVALID_ARGUMENT for a Localhost profile that is missing or broken.
 */
export async function seccompProfileFor(
  files: HostFiles,
  facts: HostFacts,
  request: SeccompRequest,
): Promise<SeccompProfile | undefined> {
  if (request.privileged) return undefined;
  const choice = choose(request);
  if (choice.kind === "unconfined") return undefined;
  if (!facts.seccomp) {
    throw new RuntimeError(
      "FAILED_PRECONDITION",
      "a seccomp profile is asked for, but the kernel has no seccomp",
    );
  }
  if (choice.kind === "default") {
    return defaultSeccompProfile(request.capabilities, facts.architecture, facts.release);
  }
  return parseNamed(choice.path, await readProfile(files, choice.path));
}

/** What is wrong in a file is of use only to who knows which file. */
function parseNamed(path: string, json: string): SeccompProfile {
  try {
    return parseSeccompProfile(json);
  } catch (error) {
    if (!(error instanceof RuntimeError)) throw error;
    const message = error.message.replace(/^seccomp profile/, `seccomp profile ${path}`);
    throw new RuntimeError(error.code, message, { cause: error });
  }
}

function choose(request: SeccompRequest): Choice {
  const { seccomp, seccompProfilePath } = request;
  if (seccomp !== undefined) {
    if (seccomp.profileType === "RuntimeDefault") return { kind: "default" };
    if (seccomp.profileType === "Unconfined") return { kind: "unconfined" };
    return fileChoice(seccomp.localhostRef);
  }
  return named(seccompProfilePath === "" ? request.unset : seccompProfilePath);
}

function named(name: string): Choice {
  if (name === "" || name === "unconfined") return { kind: "unconfined" };
  if (name === "runtime/default" || name === "docker/default") return { kind: "default" };
  return fileChoice(name);
}

function fileChoice(reference: string): Choice {
  const path = reference.startsWith("localhost/")
    ? reference.slice("localhost/".length)
    : reference;
  if (path.startsWith("/") && !path.includes("\0")) return { kind: "file", path };
  throw new RuntimeError(
    "INVALID_ARGUMENT",
    `seccomp profile ${JSON.stringify(reference)} is not an absolute path`,
  );
}

async function readProfile(files: HostFiles, path: string): Promise<string> {
  let bytes: Uint8Array | undefined;
  try {
    bytes = await files.read(path, profileBytesMax);
  } catch (error) {
    if (!isErrno(error, "EFBIG", "EISDIR", "EACCES", "EINVAL")) throw error;
    throw new RuntimeError(
      "INVALID_ARGUMENT",
      `seccomp profile ${path} cannot be read: ${error.errno}`,
      { cause: error },
    );
  }
  if (bytes === undefined) {
    throw new RuntimeError("INVALID_ARGUMENT", `seccomp profile ${path} does not exist`);
  }
  return new TextDecoder().decode(bytes);
}
