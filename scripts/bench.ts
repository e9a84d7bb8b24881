/** `npm run bench`: see test/bench/main.ts. */
import { buildNative, installTestPackages } from "./prepare.ts";

installTestPackages();
buildNative();
await import("../test/bench/main.ts");
