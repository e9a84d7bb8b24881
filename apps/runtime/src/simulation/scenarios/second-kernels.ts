/** Runtimes with a second kernel: gVisor's in user space, Kata's in a virtual machine. */
import { imageSpec } from "../../actors/pod-messages.ts";
import type { ImageRecord } from "../../engine/images/image-record.ts";
import { type Context, step } from "../../trace/tracer.ts";
import { expectThat } from "../look-inside.ts";
import { shellImage } from "../pods.ts";
import type { Scenario } from "../scenario.ts";
import { HostSide } from "../stacks/host-side.ts";
import { LoneContainer } from "../stacks/lone-container.ts";
import { Sentry } from "../stacks/sentry.ts";
import { Stage } from "../stage.ts";

const script = "uname -r; cat /etc/hostname; ls /";
const name = "app";

/** The image as the guest has it: its files come from the host, shared or through a gofer. */
async function sharedImage(guest: Stage): Promise<ImageRecord> {
  await guest.engine.pullImage(guest.silent(), { image: imageSpec(shellImage) });
  return guest.engine.parts.images.resolve(shellImage);
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

const logPath = "/var/log/app.log";

function bootGuest(stage: Stage, context: Context, release: string): Promise<Stage> {
  return step(context, "kata.boot", {}, async (_context, span) => {
    const opened = await openGuest(stage, { release, hostname: "kata-guest", cast: "kataGuest" });
    span.set({ "vitrine.kernel.release": release });
    return opened;
  });
}

/** What a container wrote to its log, without the prefixes. */
function logOf(stage: Stage): Promise<string> {
  return stage.world.kernel.files.read(logPath, 1 << 20).then((bytes) =>
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
    const release = "6.12.8-kata";
    const id = newId(stage);
    const outside = new HostSide(stage, id, name);
    let guest: Stage | undefined;
    let container: LoneContainer | undefined;
    /** In the guest, below a span of the host. */
    const inGuest = (context: Context): Context => ({
      ...(guest ?? stage).context,
      span: context.span,
    });
    const agent = <T>(context: Context, rpc: string, work: (context: Context) => Promise<T>) =>
      step(context, "kata.agent", { "rpc.method": rpc }, (inner) => work(inGuest(inner)));
    await outside.runPodSandbox(async (context) => {
      guest = await bootGuest(stage, context, release);
    });
    await outside.pullImage(shellImage);
    await outside.createContainer(shellImage, async (context) => {
      if (guest === undefined) return 0;
      const image = await sharedImage(guest);
      const args = ["sh", "-c", script];
      const made = new LoneContainer(guest, { id, name, image, args, logPath });
      container = made;
      const quiet = guest.silent();
      await agent(context, "CreateContainer", (inner) => made.create(inner, quiet));
      return made.pid;
    });
    await outside.startContainer((context) =>
      agent(context, "StartContainer", async (inner) => container?.start(inner)),
    );
    const exit = await container?.wait();
    const said = guest === undefined ? "" : await logOf(guest);
    await step(stage.context, "kata.uname", {}, async (_context, span) => {
      span.set({ "vitrine.kernel.release": said.split("\n")[0] });
    });
    expectThat(exit?.exitCode === 0 && said.startsWith(release), `it ran on ${said}`);
    expectThat(stage.world.kernel.facts.release !== release, "the host has another kernel");
    await outside.removePodSandbox(async (context) => {
      const quiet = guest?.silent() ?? context;
      await agent(context, "RemoveContainer", async () => container?.remove(quiet));
      guest?.simulation.crashDaemon();
    });
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
    "gvisor.file": "The gofer's calls reach the host: it is a process like any other.",
    "gvisor.host": "And these few of the sentry's own.",
    "gvisor.summary":
      "Everything that is not in the second number is kernel code nobody inside can attack.",
  },
  async run(stage) {
    const id = newId(stage);
    const outside = new HostSide(stage, id, name);
    const guest = await openGuest(stage, {
      release: "4.4.0",
      hostname: "gvisor",
      cast: "gvisorGuest",
    });
    // How the sentry makes a container of a specification is its own business: no call of it is one of Linux.
    const quiet = guest.silent();
    const sentry = new Sentry(stage);
    await outside.runPodSandbox((context) =>
      step(context, "gvisor.start", {}, async (_context, span) => {
        sentry.start();
        span.set({ "vitrine.gvisor.pids": sentry.pids.join(" and ") });
      }),
    );
    await outside.pullImage(shellImage);
    const image = await sharedImage(guest);
    const args = ["sh", "-c", script];
    const container = new LoneContainer(guest, { id, name, image, args, logPath });
    await outside.createContainer(shellImage, async () => {
      await container.create(quiet);
      return sentry.pids[0] ?? 0;
    });
    const { machine } = guest.simulation;
    const init = machine.process(container.pid);
    await outside.startContainer(async () => {
      if (init !== undefined) sentry.watch(stage.context, machine, init, name);
      await container.start(quiet);
    });
    const exit = await container.wait();
    sentry.unwatch(machine);
    const said = await logOf(guest);
    const { answered, passed } = sentry;
    expectThat(exit?.exitCode === 0 && said.startsWith("4.4.0"), `it ran: ${said}`);
    expectThat(passed > 0 && passed < answered, `${passed} of ${answered} calls reach the host`);
    await outside.removePodSandbox(async () => {
      await container.remove(quiet);
      sentry.stop();
      guest.simulation.crashDaemon();
    });
  },
};
