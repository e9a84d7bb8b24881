/** A machine with a daemon and a few programs, for tests of shims and Plans. */
import type { Context, Span } from "../../../trace/tracer.ts";
import type { CreateOptions, Shim } from "../../kernel.ts";
import type { Op, ProcessName } from "../../op.ts";
import type { Plan } from "../../plan.ts";
import type { World } from "../../world.ts";
import { executableContent, type Program } from "../program/program.ts";
import { read, write } from "../syscall/file.ts";
import { burn, nanosleep, sigaction } from "../syscall/process.ts";
import { putFile } from "../vfs/put-file.ts";
import { Simulation, type SimulationOptions } from "../world/simulation.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** What a span said when it failed, and which there were. */
export class NotedSpans {
  readonly names: string[] = [];
  readonly failures: string[] = [];

  get context(): Context {
    const start = (step: string): Span => {
      this.names.push(step);
      return {
        traceId: "0".repeat(32),
        spanId: "0".repeat(16),
        set: () => undefined,
        event: () => undefined,
        fail: (type, message) => void this.failures.push(`${step} ${type}: ${message}`),
        link: () => undefined,
        end: () => undefined,
      };
    };
    return { tracer: { start }, span: undefined, signal: undefined };
  }
}

/** say TEXT..., each argument written by itself. */
const say: Program = function* (self) {
  for (const text of self.argv.slice(1)) yield* write(self, 1, encoder.encode(text));
  return 0;
};

/** exit N, after SECONDS. */
const exit: Program = function* (self) {
  yield* nanosleep(self, BigInt(Math.round(Number(self.argv[2] ?? 0) * 1e9)));
  return Number(self.argv[1] ?? 0);
};

/** Waits for ever, deaf to TERM. */
const deaf: Program = function* (self) {
  sigaction(self, 15, "ignore");
  for (;;) yield* nanosleep(self, 3_600_000_000_000n);
};

/** Burns CPU for ever. */
const busy: Program = function* (self) {
  for (;;) yield* burn(self, 1_000_000);
};

/** cat of stdin. */
const copy: Program = function* (self) {
  for (;;) {
    const data = yield* read(self, 0, 4096);
    if (data.length === 0) return 0;
    yield* write(self, 1, data);
  }
};

const programs: Readonly<Record<string, Program>> = { say, exit, deaf, busy, copy };

export function bed(options: Partial<SimulationOptions> & Pick<SimulationOptions, "host">): {
  readonly simulation: Simulation;
  readonly world: World;
} {
  const simulation = new Simulation({
    seed: 1,
    driveLimitMs: 600_000,
    ...options,
  });
  const { machine } = simulation;
  const disk = machine.init.root.mount.fileSystem;
  for (const [name, program] of Object.entries(programs)) {
    machine.programs.set(`test-${name}`, program);
    putFile(disk, `/usr/bin/test-${name}`, executableContent(`test-${name}`), 0o755);
  }
  return { simulation, world: simulation.startDaemon() };
}

export function planOf(...ops: readonly (readonly [ProcessName, Op])[]): Plan {
  return { name: "test", steps: ops.map(([process, op]) => ({ process, op })) };
}

/** A Plan that makes a container of `command` in namespaces of its own, on the host's files. */
export function containerPlan(command: readonly string[]): Plan {
  return planOf(
    ["oci", { op: "clone3", child: "init", namespaces: ["pid", "mnt"] }],
    ["init", { op: "awaitStart" }],
    ["init", { op: "execve", path: command[0] ?? "", argv: command, env: ["PATH=/usr/bin"] }],
  );
}

export function execPlan(command: readonly string[]): Plan {
  return planOf(
    ["oci", { op: "clone3", child: "exec", namespaces: [] }],
    ["exec", { op: "execve", path: command[0] ?? "", argv: command, env: ["PATH=/usr/bin"] }],
  );
}

export const logPath = "/var/log/pods/test/0.log";

export function container(
  id: string,
  plan: Plan,
  cgroupPaths: readonly string[] = [],
): CreateOptions {
  const io = { logPath, logLineBytesMax: 0, terminal: false, stdin: false, stdinOnce: false };
  return { containerId: id, plan, io, cgroupPaths };
}

/** A shim in a directory of its own. */
export async function shimOf(simulation: Simulation, world: World): Promise<Shim> {
  const { context } = new NotedSpans();
  const directory = "/run/shim";
  const made = planOf(["host", { op: "mkdir", path: directory, mode: 0o700 }]);
  await simulation.drive(world.kernel.run(context, made));
  return simulation.drive(world.kernel.startShim(context, "pod", directory));
}

/** The log without its stamps. */
export async function logOf(simulation: Simulation, world: World): Promise<string[]> {
  const bytes = await simulation.drive(world.kernel.files.read(logPath, 1 << 20));
  const lines = decoder.decode(bytes).split("\n").slice(0, -1);
  return lines.map((line) => line.slice(line.indexOf(" ") + 1));
}
