/** `npm run demo`: the demo pod in the terminal. */
import { demoMain } from "../apps/runtime/src/cli/demo.ts";
import { runProgram } from "../apps/runtime/src/cli/program-error.ts";
import { buildNative, missingForContainers } from "./prepare.ts";

const missing = missingForContainers();
if (missing.length > 0) {
  for (const sentence of missing) console.error(sentence);
  console.error("Without it, `npm start` still opens the page with a recorded pod.");
  process.exit(1);
}
await runProgram("demo", () => {
  buildNative();
  return demoMain(process.argv.slice(2));
});
