/** `vitrine`, the operator's tool. Nothing is imported before the compile cache is on. */
import { keepCompiled } from "./compile-cache.ts";

keepCompiled();
const { vitrineMain } = await import("./vitrine-main.ts");
await vitrineMain();
