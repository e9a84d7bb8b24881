/** The real kernel as a place for contract cases: needs root, the built native part and a busybox. */
import { execFileSync } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import { LinuxKernel } from "../../apps/runtime/src/kernel/linux/index.ts";
import { nativePath } from "../../apps/runtime/src/kernel/linux/native-path.ts";
import type { ContractPlace } from "./contract-bed.ts";

const busybox = "/bin/busybox";

/** Loader and libraries; none for a static program. */
function librariesOf(program: string): readonly string[] {
  try {
    const text = execFileSync("ldd", [program], { encoding: "utf8", stdio: "pipe" });
    return [...text.matchAll(/(\/\S+) \(0x/g)].map((match) => match[1] ?? "");
  } catch {
    return [];
  }
}

export function linuxPlace(): ContractPlace {
  const kernel = new LinuxKernel();
  return {
    name: "real",
    kernel,
    directory: `/tmp/vt-contract-${process.pid}`,
    probe: nativePath("vitrine-probe"),
    busybox,
    libraries: librariesOf(busybox),
    cniPlugin: nativePath("cni/vitrine-bridge"),
    drive: (work) => work,
    sleep: (ms) => delay(ms),
    close: async () => kernel.close(),
  };
}
