/** `vitrined`, the daemon. Nothing is imported before the compile cache is on. */
import { setFlagsFromString } from "node:v8";
import { keepCompiled } from "./compile-cache.ts";

// Keeps V8's young generation at 2 MiB instead of 16 times as much: a daemon that waits most of its life
// saves 40 MB, and a pod takes as long as before.
setFlagsFromString("--semi-space-growth-factor=1");
keepCompiled();
const { vitrinedMain } = await import("./vitrined-main.ts");
await vitrinedMain();
