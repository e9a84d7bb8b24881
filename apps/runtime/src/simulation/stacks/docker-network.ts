/**
 * libnetwork's part of docker run: docker0, a veth pair, an address, masquerading. The work itself is done by
 * the bridge plugin that the machine has, because a bridge is a bridge; only who asks for it is dockerd.
 */
import { PlanBuilder } from "../../kernel/plan.ts";
import type { Context } from "../../trace/tracer.ts";
import { step } from "../../trace/tracer.ts";
import type { Stage } from "../stage.ts";

const plugin = "/opt/cni/bin/bridge";
const config = {
  cniVersion: "1.0.0",
  name: "docker0",
  type: "bridge",
  bridge: "docker0",
  isGateway: true,
  ipMasq: true,
  ipam: {
    type: "host-local",
    ranges: [[{ subnet: "172.17.0.0/16" }]],
    routes: [{ dst: "0.0.0.0/0" }],
    dataDir: "/var/lib/docker/network",
  },
};

function programOf(command: "ADD" | "DEL", id: string, netnsPath: string) {
  return {
    path: plugin,
    argv: ["bridge"],
    env: [
      `CNI_COMMAND=${command}`,
      `CNI_CONTAINERID=${id}`,
      `CNI_NETNS=${netnsPath}`,
      "CNI_IFNAME=eth0",
      "CNI_PATH=/opt/cni/bin",
    ],
    stdin: new TextEncoder().encode(JSON.stringify(config)),
    stdoutBytesMax: 1 << 20,
    stderrBytesMax: 1 << 16,
    timeoutMs: 10_000,
  };
}

/** Joins the namespace to docker0; the address it got. */
export async function connectToBridge(
  stage: Stage,
  context: Context,
  id: string,
  netnsPath: string,
): Promise<string> {
  return step(
    context,
    "docker.network",
    { "vitrine.docker.network": "docker0" },
    async (inner, span) => {
      const result = await stage.world.kernel.exec(inner, programOf("ADD", id, netnsPath));
      const said = new TextDecoder().decode(result.stdout);
      const { ips } = JSON.parse(said) as {
        readonly ips?: readonly { readonly address: string }[];
      };
      const ip = ips?.[0]?.address ?? "";
      span.set({ "vitrine.docker.ip": ip });
      return ip;
    },
  );
}

export async function disconnectFromBridge(
  stage: Stage,
  context: Context,
  id: string,
  netnsPath: string,
): Promise<void> {
  await step(
    context,
    "docker.network",
    { "vitrine.docker.network": "docker0, leave" },
    async (inner) => {
      await stage.world.kernel.exec(inner, programOf("DEL", id, netnsPath));
    },
  );
}

/** dockerd keeps docker0 for the next container; when there is none, the machine is left as it was found. */
export async function removeBridge(stage: Stage): Promise<void> {
  const context = stage.silent();
  const { kernel } = stage.world;
  const argv = ["ip", "link", "del", config.bridge];
  await kernel.exec(context, {
    path: "/bin/ip",
    argv,
    env: [],
    stdin: new Uint8Array(),
    stdoutBytesMax: 1 << 16,
    stderrBytesMax: 1 << 16,
    timeoutMs: 10_000,
  });
  const path = config.ipam.dataDir;
  await kernel.run(
    context,
    new PlanBuilder("remove leases").add("host", { op: "removeTree", path }).build(),
  );
}
