/** busybox: one program that is every applet, by the name it is called with, as its first argument, or as a link. */
import type { Process } from "../process/process.ts";
import { write } from "../syscall/file.ts";
import type { Coroutine } from "../task.ts";
import { baseName } from "./applet/words.ts";
import { type Applet, runApplet } from "./applet.ts";
import { applets } from "./applet-table.ts";
import { bytesOf } from "./file-text.ts";
import { sh } from "./sh.ts";

/** Programs of the network that busybox has as applets; they are in the machine's table under these names. */
const networkApplets = ["ip", "ping", "wget", "httpd", "nc", "nslookup"];

/** Every name busybox answers to, sorted. */
export function appletNames(): readonly string[] {
  return [...Object.keys(applets), ...networkApplets, "sh", "ash"].sort((a, b) => (a < b ? -1 : 1));
}

const table: ReadonlyMap<string, Applet> = new Map(Object.entries(applets));

export function* busybox(self: Process): Coroutine<number> {
  let argv = self.argv;
  let name = baseName(argv[0] ?? "").replace(/^-/, "");
  if (name === "busybox") {
    argv = argv.slice(1);
    name = argv[0] ?? "";
    if (name === "" || name === "--list" || name === "--help") return yield* list(self, name);
  }
  if (name === "sh" || name === "ash") return yield* sh(self, argv);
  const applet = table.get(name);
  if (applet !== undefined) return yield* runApplet(self, name, argv.slice(1), applet);
  const program = networkApplets.includes(name) ? self.machine.programs.get(name) : undefined;
  if (program === undefined) {
    yield* write(self, 2, bytesOf(`${name}: applet not found\n`));
    return 127;
  }
  self.argv = argv;
  return yield* program(self);
}

function* list(self: Process, option: string): Coroutine<number> {
  const names = appletNames();
  const text =
    option === "--list"
      ? names.map((name) => `${name}\n`).join("")
      : "BusyBox v1.36.1 (simulated) multi-call binary.\n\n" +
        `Currently defined functions:\n\t${names.join(", ")}\n`;
  yield* write(self, 1, bytesOf(text));
  return 0;
}
