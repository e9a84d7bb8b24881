// @ts-check
/** `vitrine`, the operator's tool. Nothing is imported before the compile cache is on. */
import { keepCompiled } from "./compile-cache.mjs";

keepCompiled();
const { vitrineMain } = await import("./vitrine-main.ts");
await vitrineMain();
