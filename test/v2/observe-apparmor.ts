/** AppArmor, which the machine that tests run on may lack. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { containerSecurity } from "../harness/cri-requests.ts";
import type { CriPod } from "./cri-node.ts";
import { observe } from "./report.ts";

const parser = "/usr/sbin/apparmor_parser";
const profile = `profile vitrine-test flags=(attach_disconnected,mediate_deleted) {
  file,
  capability,
  network,
  signal,
  deny /secret w,
}
`;

/** A profile of the kernel that the CRI names by Localhost. */
export async function observeAppArmor(pod: CriPod): Promise<void> {
  await observe("AppArmor", async () => {
    if (!existsSync(parser)) return "no parser";
    writeFileSync("/root/profile", profile);
    execFileSync(parser, ["--replace", "--skip-cache", "/root/profile"]);
    const apparmor = { profileType: "Localhost" as const, localhostRef: "vitrine-test" };
    return {
      loaded: readFileSync("/sys/kernel/security/apparmor/profiles", "utf8").trim(),
      answer: await pod.answer(
        "cat /proc/self/attr/current; touch /other && echo written; touch /secret",
        {
          linux: { securityContext: { ...containerSecurity, apparmor } },
        },
      ),
    };
  });
}
