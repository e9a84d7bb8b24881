/** Every theme of generated cases. */
import { cgroupThemes } from "./generated-cgroups.ts";
import { credentialThemes } from "./generated-credentials.ts";
import { fileThemes } from "./generated-files.ts";
import { mountThemes } from "./generated-mounts.ts";
import type { Theme } from "./generated-theme.ts";

export const themes: readonly Theme[] = [
  ...mountThemes,
  ...fileThemes,
  ...credentialThemes,
  ...cgroupThemes,
];
