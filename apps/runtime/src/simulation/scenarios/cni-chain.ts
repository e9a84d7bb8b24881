/** The CNI chain: bridge, veth, addresses, a host port, and two pods that reach each other. */
import { expectThat, shellIn } from "../look-inside.ts";
import { idle, podOf, shell } from "../pods.ts";
import type { Scenario } from "../scenario.ts";

const serveScript = "mkdir /www; echo hello >/www/index.html; httpd -f -p 8080 -h /www";

export const cniChain: Scenario = {
  id: "cni-chain",
  title: "The CNI chain",
  summary:
    "A bridge on the host, a pair of interfaces a pod, an address from the pool, a host port: plugin by plugin.",
  shows: ["Networking via CNI in Runtime"],
  narration: {
    "network.namespace": "A namespace of its own, with nothing in it but lo.",
    "cni.plugin": "A plugin is a program: JSON in, JSON out, exit code.",
    "network.detach": "What ADD took, DEL gives back: the address is free again.",
  },
  async run(stage) {
    const pods = stage.pods();
    const a = await pods.runPod(
      stage.context,
      podOf("a", [shell("serve", serveScript)], {
        portMappings: [{ containerPort: 8080, hostPort: 30080 }],
      }),
    );
    const b = await pods.runPod(stage.context, podOf("b", [idle("look")]));
    const look = b.containers[0]?.id ?? "";
    const ping = await shellIn(stage, look, `ping -c 1 ${a.ip}`);
    expectThat(ping.exitCode === 0, `b reaches a: ${ping.stdout}${ping.stderr}`);
    const page = await shellIn(stage, look, `wget -q -O - http://${a.ip}:8080/`);
    expectThat(page.stdout === "hello\n", `b fetches from a: ${page.stderr}`);
    for (const { sandboxId } of [a, b]) {
      await pods.stopPod(stage.context, sandboxId, 2);
      await pods.removePod(stage.context, sandboxId);
    }
  },
};
