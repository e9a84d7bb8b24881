/** Debian's own kernel for virtual machines: the image to boot and its modules. */
import { join } from "node:path";
import { packageBehind, unpackedPackage } from "./virtual-machine-package.ts";

export interface VirtualMachineKernel {
  /** Release, as uname -r says: 6.1.0-56-cloud-amd64. */
  readonly release: string;
  readonly image: string;
  /** lib/modules/RELEASE of the package. */
  readonly modules: string;
}

/** The cloud kernel of this Debian. Throws Error that says why it cannot be had. */
export function virtualMachineKernel(): VirtualMachineKernel {
  const name = packageBehind("linux-image-cloud-amd64", /Depends: (linux-image-[0-9]\S+)/);
  const files = unpackedPackage(name);
  const release = name.slice("linux-image-".length);
  return {
    release,
    image: join(files, "boot", `vmlinuz-${release}`),
    modules: join(files, "lib/modules", release),
  };
}
