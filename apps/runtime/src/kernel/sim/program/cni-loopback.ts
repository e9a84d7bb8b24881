/** The CNI plugin "loopback": brings lo up. */
import { isRefusal } from "../refusal.ts";
import { close } from "../syscall/file.ts";
import { linkOf, linkSet } from "../syscall/socket.ts";
import { type CniCall, CniError, cniCode, cniPlugin, type JsonObject } from "./cni-call.ts";
import { inNetns, openNetns } from "./cni-netns.ts";
import { type CniIp, prevResultOf, writeResult } from "./cni-result.ts";
import { errnoMessage } from "./errno-message.ts";

/** Opens the namespace in the words of the containernetworking library. */
export function openPodNetns(call: CniCall, prefix = ""): number {
  try {
    return openNetns(call.self, call.netns);
  } catch (thrown) {
    if (!isRefusal(thrown)) throw thrown;
    const why = isRefusal(thrown, "EINVAL")
      ? `unknown FS magic on ${JSON.stringify(call.netns)}`
      : `failed to Statfs ${JSON.stringify(call.netns)}: ${errnoMessage(thrown).toLowerCase()}`;
    throw new CniError(cniCode.internal, `${prefix}${why}`);
  }
}

function add(call: CniCall): JsonObject {
  const { self } = call;
  const fd = openPodNetns(call);
  const addresses = inNetns(self, fd, () => {
    linkSet(self, "lo", { up: true });
    return linkOf(self, "lo")?.addresses ?? [];
  });
  close(self, fd);
  const before = prevResultOf(call.config);
  if (before !== undefined) return writeResult(before, call.version);
  const ips = addresses.map(
    ({ ip, prefixLength }): CniIp => ({ interface: 0, address: `${ip}/${prefixLength}` }),
  );
  const lo = { name: "lo", mac: "00:00:00:00:00:00", sandbox: call.netns };
  return writeResult({ interfaces: [lo], ips }, call.version);
}

function del({ self, netns }: CniCall): void {
  if (netns === "") return;
  let fd: number;
  try {
    fd = openNetns(self, netns);
  } catch (thrown) {
    // The namespace is gone, and lo with it.
    if (isRefusal(thrown)) return;
    throw thrown;
  }
  inNetns(self, fd, () => linkSet(self, "lo", { up: false }));
  close(self, fd);
}

function check(call: CniCall): void {
  const { self } = call;
  const fd = openPodNetns(call);
  const isUp = inNetns(self, fd, () => linkOf(self, "lo")?.up === true);
  close(self, fd);
  if (!isUp) throw new CniError(cniCode.internal, "loopback interface is down");
}

export const loopbackPlugin = cniPlugin("loopback", { add, del, check });
