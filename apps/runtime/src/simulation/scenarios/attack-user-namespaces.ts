/**
 * User namespaces: root inside is nobody outside. The same container twice, without a pod, because no engine
 * that speaks CRI of ours makes one; its Plan is the runtime's own, with a user namespace and its id maps.
 */
import { PlanBuilder } from "../../kernel/plan.ts";
import { attribute } from "../../trace/attribute.ts";
import { type Context, step } from "../../trace/tracer.ts";
import { expectThat, refusalOf } from "../look-inside.ts";
import type { Scenario } from "../scenario.ts";
import type { LoneContainer } from "../stacks/lone-container.ts";
import { idMappings, makeShared, removeShared, shellContainer } from "../stacks/user-namespace.ts";
import type { Stage } from "../stage.ts";

interface Attack {
  readonly command: string;
  /** Prints what it got and ends with 0, or fails. */
  readonly script: string;
  /** What it has to meet with the user namespace: this errno and no other reason. */
  readonly refusal: RegExp;
}

const attacks: readonly Attack[] = [
  {
    command: "read a file of the host's root, bind-mounted into the container",
    script: "cat /shared/admin.key",
    refusal: /Permission denied/,
  },
  {
    command: "give itself a file of the host, set-user-id",
    script:
      "cp /bin/busybox /shared/rootkit && chmod 4755 /shared/rootkit && ls -l /shared/rootkit",
    refusal: /Permission denied/,
  },
  {
    command: "make a device, to read the host's disk",
    script: "mknod /disk b 8 0 && echo made",
    refusal: /Operation not permitted/,
  },
];

const logPath = "/var/log/attack.log";

async function logOf(stage: Stage): Promise<string> {
  const bytes = await stage.world.kernel.files.read(logPath, 1 << 16);
  const lines = new TextDecoder().decode(bytes).trim().split("\n");
  return lines.map((line) => line.split(" ").slice(3).join(" ")).join("\n");
}

/** A container whose program is the attack; `context` is where its making is drawn. */
async function makeAttacker(
  stage: Stage,
  context: Context,
  attack: Attack,
  mapped: boolean,
): Promise<Attacker> {
  const container = await shellContainer(stage, stage.silent(), {
    args: ["sh", "-c", attack.script],
    logPath,
    ...(mapped ? { idMappings } : {}),
  });
  await container.create(context);
  const hostUid = stage.simulation.machine.process(container.pid)?.credentials.euid;
  await container.start(context);
  return { container, hostUid };
}

interface Attacker {
  readonly container: LoneContainer;
  /** Of its first process, as the host sees it. */
  readonly hostUid: number | undefined;
}

/** What the attack printed, and whether it got what it wanted. */
async function attackOnce(
  stage: Stage,
  { container, hostUid }: Attacker,
  attack: Attack,
  mapped: boolean,
): Promise<void> {
  const attributes = {
    [attribute.containerName]: "inside",
    "vitrine.attack.command": attack.command,
  };
  await step(stage.context, "attack.try", attributes, async (_inner, span) => {
    const exit = await container.wait();
    const said = await logOf(stage);
    const exitCode = exit?.exitCode ?? 255;
    const succeeded = exitCode === 0;
    const who = `as uid ${hostUid} of the host: `;
    span.set({ "vitrine.attack.result": who + (said.split("\n")[0] ?? "") });
    if (!succeeded) span.fail(refusalOf({ exitCode, stdout: said, stderr: "" }), who + said);
    const outcome = `${attack.command}, ${mapped ? "mapped" : "as root"}: ${said}`;
    expectThat(mapped ? !succeeded && attack.refusal.test(said) : succeeded, outcome);
    expectThat(hostUid === (mapped ? 100_000 : 0), `root inside is uid ${hostUid} outside`);
  });
  const quiet = stage.silent();
  await container.remove(quiet);
  const removeLog = new PlanBuilder("remove log").add("host", { op: "unlink", path: logPath });
  await stage.world.kernel.run(quiet, removeLog.build());
}

export const attackUserNamespaces: Scenario = {
  id: "attack-user-namespaces",
  title: "User namespaces: who root is",
  summary:
    "Root inside is uid 100000 outside: what it may do, it may do to its own; the host's files are somebody else's.",
  cast: "lone",
  shows: ["Security Model in Runtimes", "OCI Runtime (runc) Internals"],
  narration: {
    "attack.guard": "The same container twice: root inside, and once that is nobody outside.",
    "op.clone3": "One more flag: CLONE_NEWUSER.",
    "op.idMap":
      "Who is who is written from outside, once: 0 inside is 100000 outside, and 65,535 more after it.",
    "attack.try": "Look at the uid the host sees, and at the answer.",
  },
  async run(stage) {
    await makeShared(stage, stage.silent());
    for (const mapped of [true, false]) {
      const guard = mapped
        ? "with a user namespace: 0 inside is 100000 outside"
        : "without: root inside is root outside";
      // The first container is shown being made; the others are made in the same way.
      for (const attack of attacks) {
        const attributes = { "vitrine.attack.guard": guard };
        const make = (context: Context) => makeAttacker(stage, context, attack, mapped);
        const attacker =
          attack === attacks[0]
            ? await step(stage.context, "attack.guard", attributes, make)
            : await make(stage.silent());
        await attackOnce(stage, attacker, attack, mapped);
      }
    }
    await removeShared(stage, stage.silent());
  },
};
