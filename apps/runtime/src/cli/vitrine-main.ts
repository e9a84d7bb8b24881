/** `vitrine`: a small tool for the operator of a node, over the CRI socket. */
import { type ParseArgsOptionsConfig, parseArgs } from "node:util";
import { connectClient } from "../cri/client.ts";
import { RuntimeError } from "../kernel/errors.ts";
import { type Command, nameOf } from "./command.ts";
import { containers } from "./commands/containers.ts";
import { exec } from "./commands/exec.ts";
import { images, removeImage } from "./commands/images.ts";
import { loadImage } from "./commands/load-image.ts";
import { logs } from "./commands/logs.ts";
import { plan } from "./commands/plan.ts";
import { pods } from "./commands/pods.ts";
import { pullImage } from "./commands/pull-image.ts";
import { sim } from "./commands/sim.ts";
import { status } from "./commands/status.ts";
import { remove, stop } from "./commands/stop-remove.ts";
import { trace } from "./commands/trace.ts";
import { whatIfCommand } from "./commands/what-if.ts";
import { nearestName } from "./config/nearest-name.ts";
import { optionError } from "./option-error.ts";
import { ProgramError, runProgram } from "./program-error.ts";
import { silentContext } from "./silent-context.ts";
import { programVersion } from "./version.ts";

const commands: readonly Command[] = [
  status,
  pods,
  containers,
  images,
  pullImage,
  loadImage,
  removeImage,
  exec,
  logs,
  stop,
  remove,
  plan,
  trace,
  sim,
  whatIfCommand,
];

const sharedOptions: ParseArgsOptionsConfig = {
  socket: { type: "string" },
  "trace-socket": { type: "string" },
  json: { type: "boolean" },
  help: { type: "boolean", short: "h" },
};

const socketDefault = "/run/vitrine/vitrine.sock";

function help(): string {
  const width = Math.max(...commands.map(({ usage }) => usage.length));
  const lines = commands.map(({ usage, summary }) => `  ${usage.padEnd(width)}  ${summary}`);
  return `vitrine: look at and steer the containers of this node

usage: vitrine [options] COMMAND ...

${lines.join("\n")}

POD and CONTAINER are a name or the beginning of an id.

options:
  --socket PATH         the CRI socket (default $VITRINE_SOCKET or ${socketDefault})
  --trace-socket PATH   the trace stream (default trace.sock beside the CRI socket)
  --json                for programs
  --help                also behind a command: vitrine pull --help
  --version
`;
}

function commandHelp(command: Command): string {
  const lines = (command.help ?? []).map((line) => `  ${line}\n`);
  return `usage: vitrine ${command.usage}\n\n${command.summary}\n${lines.join("")}`;
}

/** The command that the first words name, and how many words that took. */
function findCommand(words: readonly string[]): { command: Command; used: number } {
  for (const used of [2, 1]) {
    const name = words.slice(0, used).join(" ");
    const command = commands.find((candidate) => nameOf(candidate) === name);
    if (command !== undefined) return { command, used };
  }
  const [word = ""] = words;
  const meant =
    nearestName(words.slice(0, 2).join(" "), commands.map(nameOf)) ??
    nearestName(word, commands.map(nameOf));
  const hint = meant === undefined ? "" : `; did you mean ${meant}?`;
  throw new ProgramError(
    `there is no command ${word}${hint}\nvitrine --help lists the commands`,
    2,
  );
}

interface Parsed {
  readonly options: Readonly<Record<string, string | boolean | undefined>>;
  readonly words: readonly string[];
}

/** Options stand before the command's words or among them; behind the second word of exec all belongs to the command. */
function parseWords(command: Command | undefined, argv: readonly string[]): Parsed {
  const options = { ...sharedOptions, ...command?.options };
  try {
    const { values, positionals } = parseArgs({ args: [...argv], options, allowPositionals: true });
    return { options: values as Parsed["options"], words: positionals };
  } catch (error) {
    const name = command === undefined ? "" : ` ${nameOf(command)}`;
    throw optionError(error, argv, Object.keys(options), `vitrine${name} --help lists the options`);
  }
}

/** Splits argv at the command: options in front of it, words behind it. */
function splitAtCommand(argv: readonly string[]): {
  before: readonly string[];
  rest: readonly string[];
} {
  let at = 0;
  while (at < argv.length && argv[at]?.startsWith("-")) {
    at += ["--socket", "--trace-socket"].includes(argv[at] ?? "") ? 2 : 1;
  }
  return { before: argv.slice(0, at), rest: argv.slice(at) };
}

/** exec's command line is not ours: a "--" goes behind the container's name unless somebody put one. */
function protectExec(command: Command, words: readonly string[]): readonly string[] {
  if (command !== exec || words.includes("--")) return words;
  let at = 0;
  while (at < words.length && words[at]?.startsWith("-")) at += words[at] === "--timeout" ? 2 : 1;
  return [...words.slice(0, at + 1), "--", ...words.slice(at + 1)];
}

/** What to do next belongs to the errors that everybody meets. */
function explained(error: RuntimeError, socket: string): ProgramError {
  const nobody = error.code === "UNAVAILABLE" && error.message.startsWith("no runtime answers");
  if (!nobody) return new ProgramError(`${error.message} (${error.code})`);
  const denied = /EACCES|EPERM/.test(error.message);
  const next = denied
    ? "only root may use it: try sudo"
    : "start the daemon with: sudo vitrined; or name another socket with --socket";
  return new ProgramError(`${error.message}\n${next}${denied ? "" : ` (tried ${socket})`}`);
}

async function main(): Promise<void> {
  const { before, rest } = splitAtCommand(process.argv.slice(2));
  if (before.includes("--version")) {
    process.stdout.write(`vitrine ${programVersion()}\n`);
    return;
  }
  const front = parseWords(undefined, before);
  if (rest.length === 0 || front.options["help"] === true) {
    process.stdout.write(help());
    process.exitCode = front.options["help"] === true ? 0 : 2;
    return;
  }
  const { command, used } = findCommand(rest);
  const parsed = parseWords(command, protectExec(command, rest.slice(used)));
  const options = { ...front.options, ...parsed.options };
  if (options["help"] === true) {
    process.stdout.write(commandHelp(command));
    return;
  }
  const { words } = parsed;
  if (
    words.length < command.wordsMin ||
    words.length > (command.wordsMax ?? Number.POSITIVE_INFINITY)
  ) {
    throw new ProgramError(`usage: vitrine ${command.usage}`, 2);
  }
  await runCommand(command, words, options);
}

async function runCommand(
  command: Command,
  words: readonly string[],
  options: Parsed["options"],
): Promise<void> {
  const socket = String(options["socket"] ?? process.env["VITRINE_SOCKET"] ?? socketDefault);
  const traceSocket = String(options["trace-socket"] ?? socket.replace(/[^/]*$/, "trace.sock"));
  const client = connectClient(socket);
  const print = (line: string) => void process.stdout.write(`${line}\n`);
  try {
    await command.run({
      client,
      context: silentContext(),
      traceSocket,
      words,
      options,
      json: options["json"] === true,
      print,
    });
  } catch (error) {
    if (error instanceof RuntimeError) throw explained(error, socket);
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ECONNREFUSED" || code === "EACCES") {
      throw new ProgramError(
        `nothing answers on ${traceSocket}; start the daemon with: sudo vitrined`,
      );
    }
    throw error;
  } finally {
    client.close();
  }
}

/** Runs the program on process.argv; sets the exit code. */
export function vitrineMain(): Promise<void> {
  // A reader that closes the pipe (head, less) is no failure.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    process.exit(error.code === "EPIPE" ? 0 : 1);
  });
  return runProgram("vitrine", main);
}
