/** The builtins of sh by name. */
import type { Builtin, BuiltinRun } from "./builtin.ts";
import * as control from "./builtin-control.ts";
import * as output from "./builtin-output.ts";
import * as processes from "./builtin-process.ts";
import * as variables from "./builtin-variables.ts";

export type { Builtin } from "./builtin.ts";

const special: readonly (readonly [string, BuiltinRun])[] = [
  [".", control.source],
  [":", control.nothing],
  ["break", control.breakLoop],
  ["continue", control.continueLoop],
  ["eval", control.evaluate],
  ["exec", control.exec],
  ["exit", control.exit],
  ["export", variables.exportVariable],
  ["readonly", variables.readonlyVariable],
  ["return", control.returnFrom],
  ["set", control.set],
  ["shift", variables.shift],
  ["source", control.source],
  ["times", processes.times],
  ["trap", control.trap],
  ["unset", variables.unset],
];

const ordinary: readonly (readonly [string, BuiltinRun])[] = [
  ["[", output.test],
  ["[[", output.test],
  ["cd", processes.cd],
  ["command", control.command],
  ["echo", output.echo],
  ["false", control.no],
  ["getopts", variables.getopts],
  ["hash", control.nothing],
  ["help", output.help],
  ["jobs", control.nothing],
  ["kill", processes.kill],
  ["let", variables.letBuiltin],
  ["local", variables.local],
  ["printf", output.printf],
  ["pwd", processes.pwd],
  ["read", variables.read],
  ["test", output.test],
  ["true", control.nothing],
  ["type", control.type],
  ["ulimit", processes.ulimit],
  ["umask", processes.umask],
  ["wait", processes.wait],
];

export const builtins: ReadonlyMap<string, Builtin> = new Map<string, Builtin>([
  ...special.map(([name, run]): [string, Builtin] => [name, { special: true, run }]),
  ...ordinary.map(([name, run]): [string, Builtin] => [name, { special: false, run }]),
]);
