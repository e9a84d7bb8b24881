/** Which AppArmor profile a container starts under (apparmor(7)); undefined leaves it unconfined. */
import type { SecurityProfile } from "../api/index.ts";
import { type HostFacts, type HostFiles, RuntimeError } from "../kernel/index.ts";

export interface ApparmorRequest {
  readonly privileged: boolean;
  readonly apparmor: SecurityProfile | undefined;
  /** The field that `apparmor` replaced: "", unconfined, runtime/default, localhost/<name>. */
  readonly apparmorProfile: string;
}

/** Loaded profiles, one "name (mode)" a line. */
const profilesPath = "/sys/kernel/security/apparmor/profiles";

/**
 * A named profile has to be loaded. There is no default profile of our own, so RuntimeDefault means
 * what it means on a host without AppArmor: nothing.
 */
export async function apparmorProfileFor(
  files: HostFiles,
  facts: HostFacts,
  request: ApparmorRequest,
): Promise<string | undefined> {
  const name = profileName(request);
  if (name === undefined) return undefined;
  if (!facts.apparmor) {
    throw new RuntimeError(
      "INVALID_ARGUMENT",
      `AppArmor profile ${name} is asked for, but the host has no AppArmor`,
    );
  }
  const bytes = await files.read(profilesPath, 4 * 1024 * 1024);
  const lines = new TextDecoder().decode(bytes ?? new Uint8Array()).split("\n");
  if (!lines.some((line) => line.replace(/ \([a-z]+\)$/, "") === name)) {
    throw new RuntimeError("INVALID_ARGUMENT", `AppArmor profile ${name} is not loaded`);
  }
  return name;
}

function profileName(request: ApparmorRequest): string | undefined {
  const { apparmor, apparmorProfile } = request;
  if (apparmor !== undefined) {
    if (apparmor.profileType !== "Localhost") return undefined;
    return checkName(apparmor.localhostRef.replace(/^localhost\//, ""));
  }
  if (["", "unconfined", "runtime/default"].includes(apparmorProfile)) return undefined;
  if (!apparmorProfile.startsWith("localhost/")) {
    throw new RuntimeError(
      "INVALID_ARGUMENT",
      `AppArmor profile ${JSON.stringify(apparmorProfile)} is not known`,
    );
  }
  return checkName(apparmorProfile.slice("localhost/".length));
}

function checkName(name: string): string {
  if (name !== "" && !/[\0\n]/.test(name)) return name;
  throw new RuntimeError(
    "INVALID_ARGUMENT",
    `${JSON.stringify(name)} is no name of an AppArmor profile`,
  );
}
