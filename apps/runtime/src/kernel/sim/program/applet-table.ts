/** Every applet of the simulated busybox. */

import { grepApplets } from "./applet/grep.ts";
import { lsApplets } from "./applet/ls.ts";
import { printFileApplets } from "./applet/print-files.ts";
import { sedApplets } from "./applet/sed.ts";
import { textFilterApplets } from "./applet/text-filters.ts";
import { wordApplets } from "./applet/words.ts";
import type { AppletTable } from "./applet.ts";

export const applets: AppletTable = {
  ...grepApplets,
  ...lsApplets,
  ...printFileApplets,
  ...sedApplets,
  ...textFilterApplets,
  ...wordApplets,
};
