/**
 * Sysctls of a pod. Only those that belong to a namespace the pod has of its own may be set: any other
 * would change the host (CVE-2022-0532), and values are plain words, never more settings (CVE-2022-0811).
 */
import { RuntimeError } from "../kernel/index.ts";

export interface SysctlRequest {
  readonly sysctls: Readonly<Record<string, string>>;
  readonly hostNetwork: boolean;
  readonly hostIpc: boolean;
  readonly hostUsers: boolean;
  readonly unprivilegedPorts: boolean;
  readonly unprivilegedIcmp: boolean;
}

const ipcKeys = /^(kernel\.(shm[a-z_]+|msg[a-z_]+|sem)|fs\.mqueue\.[a-z_]+)$/;
const netKeys = /^net\.[A-Za-z0-9_/.-]+$/;
const plainValue = /^[0-9A-Za-z_.,:/* \t-]*$/;

/**
 * The sysctls to write, by key with dots. INVALID_ARGUMENT for a key of no namespace, of a namespace
 * shared with the host, or with a value that is more than words and numbers.
 */
export function resolveSysctls(request: SysctlRequest): Readonly<Record<string, string>> {
  const chosen: Record<string, string> = {};
  if (!request.hostNetwork) {
    if (request.unprivilegedPorts) chosen["net.ipv4.ip_unprivileged_port_start"] = "0";
    // Inside a user namespace the kernel takes only groups that are mapped there.
    if (request.unprivilegedIcmp && request.hostUsers) {
      chosen["net.ipv4.ping_group_range"] = "0 2147483647";
    }
  }
  for (const [given, value] of Object.entries(request.sysctls)) {
    const key = dotted(given);
    checkNamespace(key, request);
    if (!plainValue.test(value)) {
      throw invalid(`sysctl ${key}: ${JSON.stringify(value)} is not a plain value`);
    }
    chosen[key] = value;
  }
  return chosen;
}

/**
 * sysctl(8) allows both separators; whichever comes first is the separator, and the other one is part
 * of a name, as in net/ipv4/conf/eth0.100/forwarding. The result has dots as separators.
 */
function dotted(given: string): string {
  const firstDot = given.indexOf(".");
  const firstSlash = given.indexOf("/");
  const slashed = firstSlash >= 0 && (firstDot < 0 || firstSlash < firstDot);
  if (!slashed) return given;
  return given.replace(/[./]/g, (separator) => (separator === "/" ? "." : "/"));
}

function checkNamespace(key: string, request: SysctlRequest): void {
  if (key.includes("..") || key.split(/[./]/).includes("")) {
    throw invalid(`${JSON.stringify(key)} is no name of a sysctl`);
  }
  if (netKeys.test(key)) {
    if (!request.hostNetwork) return;
    throw invalid(`sysctl ${key} would change the host: the pod uses the host's network namespace`);
  }
  if (ipcKeys.test(key)) {
    if (!request.hostIpc) return;
    throw invalid(`sysctl ${key} would change the host: the pod uses the host's IPC namespace`);
  }
  throw invalid(`sysctl ${JSON.stringify(key)} belongs to no namespace of a pod`);
}

function invalid(message: string): RuntimeError {
  return new RuntimeError("INVALID_ARGUMENT", message);
}
