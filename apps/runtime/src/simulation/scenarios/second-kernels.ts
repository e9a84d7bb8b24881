/** Runtimes with a second kernel: gVisor's in user space, Kata's in a virtual machine. */
import { imageSpec } from "../../actors/pod-messages.ts";
import type { ImageRecord } from "../../engine/images/image-record.ts";
import { attribute } from "../../trace/attribute.ts";
import { type Context, step } from "../../trace/tracer.ts";
import { expectThat } from "../look-inside.ts";
import { shellImage } from "../pods.ts";
import type { Scenario } from "../scenario.ts";
import { LoneContainer } from "../stacks/lone-container.ts";
import { Sentry } from "../stacks/sentry.ts";
import { Stage } from "../stage.ts";

const script = "uname -r; cat /etc/hostname; ls /";
const name = "app";

async function pull(stage: Stage, context: Context): Promise<ImageRecord> {
  await stage.engine.pullImage(context, { image: imageSpec(shellImage) });
  return stage.engine.parts.images.resolve(shellImage);
}

function newId(stage: Stage): string {
  const bytes = stage.world.random.bytes(32);
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** A machine inside the stage's machine, with its own kernel, drawn in the same recording. */
async function openGuest(
  stage: Stage,
  guest: {
    readonly release: string;
    readonly hostname: string;
    readonly cast: "kataGuest" | "gvisorGuest";
  },
): Promise<Stage> {
  const { seed, host } = stage.options;
  return Stage.openGuest(stage, {
    seed: (seed ^ 0x8000_0000) >>> 0,
    host,
    cast: guest.cast,
    ...(stage.options.scenario === undefined ? {} : { scenario: stage.options.scenario }),
    simulation: {
      release: guest.release,
      hostname: guest.hostname,
      memoryTotalBytes: 512 * 1024 ** 2,
      cgroups: "v2",
    },
  });
}

/** What a container wrote to its log, without the prefixes. */
function logOf(stage: Stage, path: string): Promise<string> {
  return stage.world.kernel.files.read(path, 1 << 20).then((bytes) =>
    new TextDecoder()
      .decode(bytes)
      .split("\n")
      .map((line) => line.split(" ").slice(3).join(" "))
      .join("\n"),
  );
}

export const kata: Scenario = {
  id: "kata",
  title: "Kata Containers: a guest kernel for each pod",
  summary:
    "The shim starts a virtual machine; an agent inside makes the container, on a kernel of its own.",
  shows: ["Common Container Runtime Implementations"],
  cast: "kata",
  narration: {
    "kata.boot": "Another kernel boots: this is the boundary.",
    "kata.agent": "What runc does on the host, the agent does in the guest.",
    "kata.uname": "Not the host's release: the container has never spoken to the host's kernel.",
  },
  async run(stage) {
    const { machine } = stage.simulation;
    const release = "6.12.8-kata";
    const guest = await step(stage.context, "kata.boot", {}, async (_context, span) => {
      const opened = await openGuest(stage, { release, hostname: "kata-guest", cast: "kataGuest" });
      span.set({ "vitrine.kernel.release": release });
      return opened;
    });
    const agent = <T>(rpc: string, work: (context: Context) => Promise<T>) =>
      step(stage.context, "kata.agent", { "rpc.method": rpc }, work);
    const image = await agent("PullImage", (context) => pull(guest, context));
    const logPath = "/var/log/app.log";
    const container = new LoneContainer(guest, {
      id: newId(guest),
      name,
      image,
      args: ["sh", "-c", script],
      logPath,
    });
    await agent("CreateContainer", (context) => container.create(context));
    await agent("StartContainer", (context) => container.start(context));
    const exit = await container.wait();
    const said = await logOf(guest, logPath);
    await step(stage.context, "kata.uname", {}, async (_context, span) => {
      span.set({ "vitrine.kernel.release": said.split("\n")[0] });
    });
    expectThat(exit?.exitCode === 0 && said.startsWith(release), `it ran on ${said}`);
    expectThat(machine.options.release !== release, "the host has another kernel");
    await agent("RemoveContainer", (context) => container.remove(context));
    guest.simulation.crashDaemon();
  },
};

export const gvisor: Scenario = {
  id: "gvisor",
  title: "gVisor: system calls that never reach the host",
  summary:
    "A kernel in user space answers the container; count which of its calls the host's kernel hears of.",
  shows: ["Common Container Runtime Implementations"],
  cast: "gvisor",
  narration: {
    "gvisor.start":
      "The sentry is a process like any other, with a filter that lets few calls through.",
    "gvisor.syscall": "Answered in the sentry: getpid, uname, mmap and most others end here.",
    "gvisor.gofer": "Only the gofer may open files.",
    "gvisor.host": "These few calls reach the host.",
    "gvisor.summary":
      "Everything that is not in the second number is kernel code nobody inside can attack.",
  },
  async run(stage) {
    const guest = await openGuest(stage, {
      release: "4.4.0",
      hostname: "gvisor",
      cast: "gvisorGuest",
    });
    const image = await pull(guest, guest.context);
    const sentry = await step(stage.context, "gvisor.start", {}, async (_context, span) => {
      const started = new Sentry(stage);
      span.set({ "vitrine.gvisor.pids": started.pids.join(" and ") });
      return started;
    });
    const logPath = "/var/log/app.log";
    const container = new LoneContainer(guest, {
      id: newId(guest),
      name,
      image,
      args: ["sh", "-c", script],
      logPath,
    });
    await container.create(guest.context);
    const { machine } = guest.simulation;
    const init = machine.process(container.pid);
    const attributes = { [attribute.containerName]: name };
    await step(stage.context, "gvisor.summary", attributes, async (context, span) => {
      if (init !== undefined) sentry.watch(context, machine, init);
      await container.start(guest.context);
      const exit = await container.wait();
      sentry.unwatch(machine);
      const { answered, passed } = sentry;
      span.set({ "vitrine.syscall.answered": answered, "vitrine.syscall.passed": passed });
      const said = await logOf(guest, logPath);
      expectThat(exit?.exitCode === 0 && said.startsWith("4.4.0"), `it ran: ${said}`);
      expectThat(passed > 0 && passed < answered, `${passed} of ${answered} calls reach the host`);
    });
    await container.remove(guest.context);
    sentry.stop();
    guest.simulation.crashDaemon();
  },
};
