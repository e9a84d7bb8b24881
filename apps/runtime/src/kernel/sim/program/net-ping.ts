/** ping and nslookup, with the words of busybox. */
import { SIGINT } from "../abi.ts";
import { parseIp } from "../net/ip.ts";
import { isRefusal } from "../refusal.ts";
import { nanosleep, sigaction } from "../syscall/process.ts";
import { ping as echo } from "../syscall/socket.ts";
import type { Coroutine } from "../task.ts";
import type { AppletTable } from "./applet.ts";
import { AppletError, type Call, UsageError } from "./call.ts";
import { errnoMessage } from "./errno-message.ts";
import { type Answer, ask, nameServers, resolveHost } from "./net-resolve.ts";
import { parseNumber, parseOptions } from "./options.ts";

const secondNs = 1_000_000_000n;
const defaultWait = 10;

function milliseconds(ns: bigint): string {
  return (Number(ns / 1000n) / 1000).toFixed(3);
}

/** Ends on ^C with the statistics so far. */
class Rounds {
  stopped = false;
  sent = 0;
  readonly times: bigint[] = [];
}

function summary(name: string, { sent, times }: Rounds): string {
  const loss = sent === 0 ? 0 : Math.floor(((sent - times.length) * 100) / sent);
  let text = `\n--- ${name} ping statistics ---\n`;
  text += `${sent} packets transmitted, ${times.length} packets received, ${loss}% packet loss\n`;
  if (times.length === 0) return text;
  const sorted = [...times].sort((a, b) => (a < b ? -1 : 1));
  const sum = times.reduce((total, one) => total + one, 0n);
  const [min, max] = [sorted[0] ?? 0n, sorted.at(-1) ?? 0n];
  const shown = [min, sum / BigInt(times.length), max].map(milliseconds);
  return `${text}round-trip min/avg/max = ${shown.join("/")} ms\n`;
}

/** One request. AppletError when the network refuses to send it. */
function* round(
  call: Call,
  rounds: Rounds,
  ip: string,
  size: number,
  waitNs: bigint,
  quiet: boolean,
): Coroutine<void> {
  const sequence = rounds.sent++;
  try {
    const time = yield* echo(call.self, ip, waitNs);
    rounds.times.push(time);
    if (!quiet) {
      const bytes = `${size + 8} bytes from ${ip}`;
      call.print(`${bytes}: seq=${sequence} ttl=64 time=${milliseconds(time)} ms\n`);
    }
  } catch (thrown) {
    if (isRefusal(thrown, "ETIMEDOUT")) return;
    if (isRefusal(thrown, "EINTR")) {
      rounds.stopped = true;
      return;
    }
    if (isRefusal(thrown, "EPERM")) throw new AppletError("permission denied (are you root?)");
    if (isRefusal(thrown)) throw new AppletError(`sendto: ${errnoMessage(thrown)}`);
    throw thrown;
  }
}

function* ping(call: Call): Coroutine<number> {
  const options = parseOptions(call.args, "c:i:W:w:s:q46I:t:A");
  const [name] = options.operands;
  if (name === undefined) throw new UsageError();
  const count = parseNumber(options.value("c") ?? "0");
  const intervalNs = BigInt(Math.round(Number(options.value("i") ?? 1) * 1e9));
  const waitNs = BigInt(parseNumber(options.value("W") ?? String(defaultWait))) * secondNs;
  const deadline = options.value("w");
  const size = parseNumber(options.value("s") ?? "56");
  const ip = yield* resolveHost(call.self, name);
  if (ip === undefined) throw new AppletError(`bad address '${name}'`);
  const { scheduler } = call.machine;
  const untilNs =
    deadline === undefined ? undefined : scheduler.nowNs + BigInt(parseNumber(deadline)) * secondNs;
  const rounds = new Rounds();
  sigaction(call.self, SIGINT, () => {
    rounds.stopped = true;
  });
  call.print(`PING ${name} (${ip}): ${size} data bytes\n`);
  while (!rounds.stopped && (untilNs === undefined || scheduler.nowNs < untilNs)) {
    const startNs = scheduler.nowNs;
    const isLast = count !== 0 && rounds.sent + 1 >= count;
    yield* round(call, rounds, ip, size, isLast ? waitNs : intervalNs, options.has("q"));
    yield* call.flush();
    if (isLast) break;
    const restNs = startNs + intervalNs - scheduler.nowNs;
    if (restNs > 0n && !rounds.stopped) yield* sleep(call, restNs, rounds);
  }
  call.print(summary(name, rounds));
  return rounds.times.length > 0 ? 0 : 1;
}

function* sleep(call: Call, ns: bigint, rounds: Rounds): Coroutine<void> {
  try {
    yield* nanosleep(call.self, ns);
  } catch (thrown) {
    if (!isRefusal(thrown, "EINTR")) throw thrown;
    rounds.stopped = true;
  }
}

function* nslookup(call: Call): Coroutine<number> {
  const [name, given] = call.args;
  if (name === undefined) throw new UsageError();
  const servers = given === undefined ? nameServers(call.self) : [given];
  for (const server of servers) {
    if (parseIp(server) === undefined) throw new AppletError(`bad address '${server}'`);
    let answer: Answer | undefined;
    try {
      answer = yield* ask(call.self, server, name);
    } catch (thrown) {
      if (!isRefusal(thrown)) throw thrown;
      call.fail(`write to '${server}': ${errnoMessage(thrown)}`);
      continue;
    }
    if (answer === undefined) continue;
    const { addresses, isUnknown } = answer;
    call.print(`Server:\t\t${server}\nAddress:\t${server}:53\n\n`);
    if (isUnknown) {
      call.print(`** server can't find ${name}: NXDOMAIN\n\n`);
      return 1;
    }
    call.print("Non-authoritative answer:\n");
    for (const address of addresses) call.print(`Name:\t${name}\nAddress: ${address}\n`);
    call.print("\n");
    return 0;
  }
  call.print(";; connection timed out; no servers could be reached\n\n");
  return 1;
}

export const pingApplets: AppletTable = { ping, nslookup };
