/**
 * The six mechanisms of the security model, each shown by what an attack meets with it and without it. The
 * attacks are shell commands inside a container; what they meet is the simulated kernel's answer.
 */
import type { ContainerDescription, PodDescription } from "../../actors/pod-description.ts";
import { attribute } from "../../trace/attribute.ts";
import { step } from "../../trace/tracer.ts";
import { expectThat, refusalOf, type Said, shellIn } from "../look-inside.ts";
import { idle, podOf } from "../pods.ts";
import type { Scenario } from "../scenario.ts";
import type { Stage } from "../stage.ts";

const mebibyte = 1 << 20;

interface Side {
  /** "with seccomp", "without seccomp". */
  readonly guard: string;
  readonly container?: Partial<ContainerDescription>;
  readonly pod?: Partial<PodDescription>;
}

interface Attack {
  /** What people call it, and the script that does it. */
  readonly command: string;
  readonly script: string;
  /** Whether the attack got what it wanted. */
  readonly succeeded: (said: Said) => boolean;
}

interface Lesson {
  readonly id: string;
  readonly title: string;
  readonly summary: string;
  readonly guarded: Side;
  readonly open: Side;
  readonly attacks: readonly Attack[];
}

function resultOf({ exitCode, stdout, stderr }: Said): string {
  const [first = ""] = (exitCode === 0 ? stdout : stderr || stdout).trim().split("\n");
  return first === "" ? "nothing to be seen" : first;
}

async function attackOnce(stage: Stage, id: string, side: Side, lesson: Lesson, open: boolean) {
  const pods = stage.pods();
  const attributes = { "vitrine.attack.guard": side.guard };
  await step(stage.context, "attack.guard", attributes, async () => {});
  const name = `${lesson.id}-${open ? "open" : "guarded"}`;
  const { sandboxId, containers } = await pods.runPod(
    stage.context,
    podOf(name, [idle("inside", side.container)], side.pod),
  );
  const containerId = containers[0]?.id ?? "";
  for (const attack of lesson.attacks) {
    const tried = {
      [attribute.containerId]: containerId,
      "vitrine.attack.command": attack.command,
    };
    await step(stage.context, "attack.try", tried, async (_context, span) => {
      const said = await shellIn(stage, containerId, attack.script);
      const succeeded = attack.succeeded(said);
      span.set({ "vitrine.attack.result": resultOf(said) });
      if (!succeeded) span.fail(refusalOf(said), resultOf(said));
      const outcome = `${id}, ${side.guard}: ${attack.command}: ${said.stdout}${said.stderr}`;
      expectThat(succeeded === open, outcome);
    });
  }
  await pods.stopPod(stage.context, sandboxId, 0);
  await pods.removePod(stage.context, sandboxId);
}

function scenarioOf(lesson: Lesson): Scenario {
  return {
    id: lesson.id,
    title: lesson.title,
    summary: lesson.summary,
    shows: ["Security Model in Runtimes"],
    narration: {
      "attack.guard": "The same container twice; one thing differs.",
      "attack.try": "Look at the answer, and at which of the two it was.",
    },
    async run(stage) {
      await attackOnce(stage, lesson.id, lesson.guarded, lesson, false);
      await attackOnce(stage, lesson.id, lesson.open, lesson, true);
    },
  };
}

const wins = ({ exitCode }: Said) => exitCode === 0;

const lessons: readonly Lesson[] = [
  {
    id: "attack-namespaces",
    title: "Namespaces: what a process can see",
    summary:
      "With its own pid namespace a process sees its own; without it, it sees the host's and can kill them.",
    guarded: { guard: "with a pid namespace of its own" },
    open: {
      guard: "without: the host's pid namespace",
      pod: { hostNamespaces: ["pid"] },
      container: {
        security: { namespaceOptions: { network: "POD", pid: "NODE", ipc: "POD", targetId: "" } },
      },
    },
    attacks: [
      {
        command: "look for the runtime's processes",
        script: "ps | grep vitrined | grep -v grep",
        succeeded: wins,
      },
    ],
  },
  {
    id: "attack-cgroups",
    title: "Cgroups: what a process can use up",
    summary: "A limit makes hunger the container's own problem; without one it is everybody's.",
    guarded: {
      guard: "with a memory limit of 64 MiB",
      container: { resources: { memoryLimitInBytes: 64 * mebibyte } },
    },
    open: { guard: "without a limit" },
    attacks: [
      {
        command: "take 256 MiB of memory",
        script: "eat-memory 256M 0 && echo got 256 MiB",
        succeeded: wins,
      },
    ],
  },
  {
    id: "attack-capabilities",
    title: "Capabilities: what root may do",
    summary: "Root without CAP_NET_ADMIN and CAP_SYS_ADMIN is root in name.",
    // Without the filter on either side: it would refuse mount(2) before anybody asks for a capability.
    guarded: {
      guard: "with the default capabilities",
      container: { security: { seccomp: { profileType: "Unconfined", localhostRef: "" } } },
    },
    open: {
      guard: "with all capabilities added",
      container: {
        security: {
          capabilities: {
            addCapabilities: ["ALL"],
            dropCapabilities: [],
            addAmbientCapabilities: [],
          },
          seccomp: { profileType: "Unconfined", localhostRef: "" },
        },
      },
    },
    attacks: [
      {
        command: "mount a file system of its own",
        script: "mkdir /m && mount -t tmpfs none /m && echo mounted && umount /m",
        succeeded: wins,
      },
      {
        command: "give itself another address",
        script: "ip addr add 10.99.0.1/24 dev eth0 && echo added",
        succeeded: wins,
      },
    ],
  },
  {
    id: "attack-seccomp",
    title: "Seccomp: which system calls there are",
    summary: "A call that is filtered out cannot be used, whatever bug is behind it.",
    guarded: {
      guard: "with the runtime's default filter",
      container: { security: { seccomp: { profileType: "RuntimeDefault", localhostRef: "" } } },
    },
    open: {
      guard: "without a filter",
      container: {
        security: {
          seccomp: { profileType: "Unconfined", localhostRef: "" },
          apparmor: { profileType: "Unconfined", localhostRef: "" },
        },
      },
    },
    attacks: [
      {
        command: "make a user namespace, for more kernel to attack",
        script: "unshare -U id && echo made",
        succeeded: wins,
      },
    ],
  },
  {
    id: "attack-apparmor",
    title: "AppArmor: which files, whoever asks",
    summary:
      "A profile refuses by path, also to root with every capability; SELinux does it by label.",
    guarded: {
      guard: "with the AppArmor profile vitrine-default",
      container: {
        security: {
          capabilities: {
            addCapabilities: ["ALL"],
            dropCapabilities: [],
            addAmbientCapabilities: [],
          },
          seccomp: { profileType: "Unconfined", localhostRef: "" },
          apparmor: { profileType: "Localhost", localhostRef: "vitrine-default" },
          maskedPaths: [],
          readonlyPaths: [],
        },
      },
    },
    open: {
      guard: "unconfined",
      container: {
        security: {
          capabilities: {
            addCapabilities: ["ALL"],
            dropCapabilities: [],
            addAmbientCapabilities: [],
          },
          seccomp: { profileType: "Unconfined", localhostRef: "" },
          apparmor: { profileType: "Unconfined", localhostRef: "" },
          maskedPaths: [],
          readonlyPaths: [],
        },
      },
    },
    attacks: [
      {
        command: "write to /proc/sysrq-trigger",
        script: "echo h > /proc/sysrq-trigger && echo written",
        succeeded: wins,
      },
    ],
  },
];

export const attacks: readonly Scenario[] = lessons.map(scenarioOf);
