/** The pause container, and two containers that share one sandbox. */
import { expectThat, shellIn } from "../look-inside.ts";
import { idle, podOf, shell } from "../pods.ts";
import type { Scenario } from "../scenario.ts";

export const pause: Scenario = {
  id: "pause",
  title: "One sandbox, two containers",
  summary:
    "They have one network, one host name, one shared memory, and each its own files and processes.",
  shows: ["The Sandbox Concept"],
  narration: {
    "pod.pause_create":
      "A process that does nothing holds the namespaces, so that containers may come and go.",
    "op.setns": "A container of the pod enters the namespaces that pause keeps.",
    "container.exec": "Both see the same address; neither sees the other's files.",
  },
  async run(stage) {
    const pods = stage.pods();
    const serve = shell(
      "serve",
      "mkdir /www; echo shared >/www/index.html; httpd -f -p 80 -h /www",
    );
    const pod = podOf("pair", [serve, idle("look")]);
    const { sandboxId, containers } = await pods.runPod(stage.context, pod);
    const look = containers.find(({ name }) => name === "look")?.id ?? "";
    const served = containers.find(({ name }) => name === "serve")?.id ?? "";
    const fetched = await shellIn(stage, look, "wget -q -O - http://127.0.0.1/");
    expectThat(fetched.stdout === "shared\n", "localhost of one is localhost of the other");
    const names = await shellIn(stage, look, "hostname; ls /www");
    expectThat(
      names.stdout === "pair\n" && names.exitCode !== 0,
      "the name is shared, files are not",
    );
    const processes = await shellIn(stage, served, "ps");
    expectThat(!processes.stdout.includes("sleep 3600"), "each has its own process ids");
    await pods.stopPod(stage.context, sandboxId, 2);
    await pods.removePod(stage.context, sandboxId);
  },
};
