/** The main function of `vitrined`. */
import { mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Settings } from "./config/config-keys.ts";
import { configurationPage, defaultConfig } from "./config/default-config.ts";
import type { Daemon } from "./daemon.ts";
import { type Logger, openLog } from "./logger.ts";
import { checkMachine } from "./machine.ts";
import { checkPrivate, removePrivateFiles, whenStarterIsGone } from "./private-end.ts";
import { ProgramError, runProgram } from "./program-error.ts";
import { defaultConfigPath, readConfig } from "./read-config.ts";
import { programVersion } from "./version.ts";
import {
  kernelChoice,
  parseVitrinedArguments,
  vitrinedHelp,
  withArguments,
} from "./vitrined-arguments.ts";

function configCommand(words: readonly string[], named: string | undefined): void {
  const [what, file] = words;
  if (what === "default") process.stdout.write(defaultConfig());
  else if (what === "docs") process.stdout.write(configurationPage());
  else if (what === "check") {
    readConfig(file ?? named ?? defaultConfigPath);
    process.stdout.write(`${file ?? named ?? defaultConfigPath}: good\n`);
  } else throw new ProgramError("usage: vitrined config default|check [FILE]|docs", 2);
}

/** A bug must not leave a half-dead root process: save what can be saved, say it, end; a supervisor starts anew. */
function dieOnBugs(log: Logger, flushNow: () => void): void {
  process.on("uncaughtException", (error) => {
    log.fatal(error, "a bug; the daemon ends, containers run on");
    flushNow();
    process.exit(1);
  });
}

/** Ends with everything it has made; what cannot be removed stays, with the directory that tells of it. */
async function vanish(
  daemon: Daemon,
  { bridgeName }: Settings,
  directory: string,
  log: Logger,
): Promise<void> {
  log.info("the starter is gone; pods and files go as well");
  try {
    await daemon.removePods();
    await daemon.close();
    removePrivateFiles(directory, bridgeName);
    process.exit(0);
  } catch (error) {
    log.error(error, `pods could not be removed, ${directory} is left as it is`);
    await daemon.close();
    process.exit(1);
  }
}

/** The daemon on a simulated machine. */
async function serveSimulated(settings: Settings, seed: number): Promise<void> {
  const log = openLog(settings.logLevel);
  let flushNow = () => {};
  dieOnBugs(log, () => flushNow());
  mkdirSync(settings.state, { recursive: true, mode: 0o700 });
  const { startSimDaemon } = await import("./sim-daemon.ts");
  const daemon = await startSimDaemon(settings, seed, log);
  flushNow = () => daemon.flushNow();
  log.info({ socket: settings.address, seed, version: programVersion() }, "ready, SIMULATED");
  const end = (signal: NodeJS.Signals) => {
    log.info({ signal }, "ending; the simulated machine is gone");
    void daemon.close().then(() => process.exit(0));
  };
  process.once("SIGTERM", end);
  process.once("SIGINT", end);
}

async function serve(settings: Settings, directory: string | undefined): Promise<void> {
  if (directory !== undefined) checkPrivate(directory, settings);
  checkMachine(process.platform, process.getuid?.());
  process.umask(0o022);
  const log = openLog(settings.logLevel);
  let flushNow = () => {};
  dieOnBugs(log, () => flushNow());
  const began = performance.now();
  const { startDaemon } = await import("./daemon.ts");
  const daemon = await startDaemon(settings, log);
  flushNow = () => daemon.flushNow();
  const ms = Math.round(performance.now() - began);
  log.info({ socket: settings.address, version: programVersion(), ms }, "ready");
  let ending = false;
  const end = (signal: NodeJS.Signals) => {
    if (ending) process.exit(1);
    ending = true;
    log.info({ signal }, "ending; containers run on");
    void daemon.close().then(() => {
      log.info("ended");
      process.exit(0);
    });
  };
  process.on("SIGTERM", end);
  process.on("SIGINT", end);
  if (directory === undefined) return;
  whenStarterIsGone(() => {
    if (ending) return;
    ending = true;
    void vanish(daemon, settings, directory, log);
  });
}

async function main(): Promise<void> {
  const parsed = parseVitrinedArguments(process.argv.slice(2));
  const { values, words } = parsed;
  const [word, ...rest] = words;
  if (values.help === true) process.stdout.write(vitrinedHelp);
  else if (values.version === true) process.stdout.write(`vitrined ${programVersion()}\n`);
  else if (word === "config") configCommand(rest, values.config);
  else if (word !== undefined) {
    throw new ProgramError(`there is no command ${word}\nvitrined --help lists what there is`, 2);
  } else {
    const kernel = kernelChoice(parsed);
    if (kernel.name === "linux") {
      await serve(withArguments(readConfig(values.config), parsed), values.private);
      return;
    }
    // Sockets are all it has outside of memory, and nobody needs to be root for them.
    const state = values.state ?? join(tmpdir(), `vitrine-sim-${process.getuid?.() ?? 0}`);
    const where = { ...parsed, values: { ...values, state } };
    await serveSimulated(withArguments(readConfig(values.config), where), kernel.seed);
  }
}

/** Runs the program on process.argv; sets the exit code. */
export function vitrinedMain(): Promise<void> {
  return runProgram("vitrined", main);
}
