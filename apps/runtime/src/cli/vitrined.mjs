// @ts-check
/** `vitrined`, the daemon. Nothing is imported before the compile cache is on. */
import { setFlagsFromString } from "node:v8";
import { keepCompiled } from "./compile-cache.mjs";

// A daemon waits most of its life, and a pod takes as long either way (docs/decisions/0011 has the figures):
// V8's young generation stays at 2 MiB instead of growing to 16 times as much, which saves 40 MB, and the
// old one is collected when it has grown by a fifth, which saves another 12.
setFlagsFromString("--semi-space-growth-factor=1");
setFlagsFromString("--heap-growing-percent=20");
keepCompiled();
const { vitrinedMain } = await import("./vitrined-main.ts");
await vitrinedMain();
