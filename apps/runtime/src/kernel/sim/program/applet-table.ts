/** Every applet of the simulated busybox. */

import { awkApplets } from "./applet/awk.ts";
import { fileFactApplets } from "./applet/file-facts.ts";
import { findApplets } from "./applet/find.ts";
import { grepApplets } from "./applet/grep.ts";
import { identityApplets } from "./applet/identity.ts";
import { kernelParameterApplets } from "./applet/kernel-parameters.ts";
import { lsApplets } from "./applet/ls.ts";
import { makeFileApplets } from "./applet/make-files.ts";
import { mountApplets } from "./applet/mounts.ts";
import { moveFileApplets } from "./applet/move-files.ts";
import { namespaceApplets } from "./applet/namespaces.ts";
import { printFileApplets } from "./applet/print-files.ts";
import { privilegeApplets } from "./applet/privileges.ts";
import { processApplets } from "./applet/processes.ts";
import { sedApplets } from "./applet/sed.ts";
import { textFilterApplets } from "./applet/text-filters.ts";
import { loadApplets } from "./applet/time-and-load.ts";
import { wordApplets } from "./applet/words.ts";
import type { AppletTable } from "./applet.ts";

export const applets: AppletTable = {
  ...awkApplets,
  ...fileFactApplets,
  ...findApplets,
  ...grepApplets,
  ...identityApplets,
  ...kernelParameterApplets,
  ...loadApplets,
  ...lsApplets,
  ...makeFileApplets,
  ...mountApplets,
  ...moveFileApplets,
  ...namespaceApplets,
  ...printFileApplets,
  ...privilegeApplets,
  ...processApplets,
  ...sedApplets,
  ...textFilterApplets,
  ...wordApplets,
};
