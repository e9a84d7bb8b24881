/** Compiled Plans on the real kernel: mounts that travel or do not, and images that try to get out. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Workbench, waitFor } from "../../../../test/harness/workbench.ts";
import { mount } from "./fixture/requests.ts";

let bench: Workbench;

beforeEach(async () => {
  bench = await Workbench.open();
});

afterEach(() => {
  bench.end();
});

describe("mounts", () => {
  beforeEach(() => {
    const shared = join(bench.directory, "shared");
    mkdirSync(shared);
    execFileSync("mount", ["-t", "tmpfs", "vt-shared", shared]);
    execFileSync("mount", ["--make-shared", shared]);
    for (const name of ["a", "sub"]) mkdirSync(join(shared, name));
    execFileSync("mount", ["-t", "tmpfs", "vt-sub", join(shared, "sub")]);
  });

  afterEach(() => {
    execFileSync("umount", ["-R", join(bench.directory, "shared")]);
  });

  const wait = "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do [ -e /s/go ] && break; sleep 0.2; done";
  const admin = {
    addCapabilities: ["SYS_ADMIN"],
    dropCapabilities: [],
    addAmbientCapabilities: [],
  };

  it.each([
    ["PROPAGATION_PRIVATE", "host no", "container no"],
    ["PROPAGATION_HOST_TO_CONTAINER", "host yes", "container no"],
    ["PROPAGATION_BIDIRECTIONAL", "host yes", "container yes"],
  ] as const)("with %s travel as promised", async (propagation, fromHost, fromContainer) => {
    const shared = join(bench.directory, "shared");
    const { running } = await bench.create({
      security: { capabilities: admin },
      config: { mounts: [mount({ containerPath: "/s", hostPath: shared, propagation })] },
      script: `mount -t tmpfs vt-inside /s/sub; mkdir /s/sub/seen; touch /s/ready; ${wait}; ls -d /s/a/new || true`,
    });
    running.start();
    await waitFor(() => existsSync(join(shared, "ready")));
    execFileSync("mount", ["-t", "tmpfs", "vt-late", join(shared, "a")]);
    mkdirSync(join(shared, "a/new"));
    writeFileSync(join(shared, "go"), "");
    const seen = existsSync(join(shared, "sub/seen"));
    const output = await running.output;
    expect(output.trim() === "/s/a/new" ? "host yes" : "host no").toBe(fromHost);
    expect(seen ? "container yes" : "container no").toBe(fromContainer);
  });

  it("are read-only at the top, or all the way down", async () => {
    const shared = join(bench.directory, "shared");
    const script =
      "touch /s/x 2>/dev/null && echo top; touch /s/sub/x 2>/dev/null && echo below; true";
    const one = { containerPath: "/s", hostPath: shared, readonly: true };
    expect(await bench.outputOf({ config: { mounts: [mount(one)] }, script })).toBe("below\n");
    const all = mount({ ...one, recursiveReadOnly: true });
    expect(await bench.outputOf({ config: { mounts: [all] }, script })).toBe("");
  });

  it("of a path in an image never lead out of it", async () => {
    const image = join(bench.directory, "image");
    mkdirSync(join(image, "etc"), { recursive: true });
    writeFileSync(join(image, "etc/marker"), "of the image\n");
    symlinkSync("/etc", join(image, "link"));
    symlinkSync("../../../../etc", join(image, "up"));
    for (const imageSubPath of ["link", "up"]) {
      const spec = {
        image: "i",
        annotations: {},
        userSpecifiedImage: "",
        runtimeHandler: "",
        imageRef: "",
      };
      const mounts = [mount({ containerPath: "/m", readonly: true, image: spec, imageSubPath })];
      const imageMounts = new Map([["/m", image]]);
      const output = await bench.outputOf({
        config: { mounts },
        request: { imageMounts },
        script: "cat /m/marker",
      });
      expect(output).toBe("of the image\n");
    }
  });
});

describe("a hostile image", () => {
  const canary = () => join(bench.directory, "canary");

  beforeEach(() => {
    mkdirSync(canary());
    writeFileSync(join(canary(), "ptmx"), "mine\n");
  });

  function replace(name: string, target: string): void {
    rmSync(join(bench.rootfs, name), { recursive: true, force: true });
    symlinkSync(target, join(bench.rootfs, name));
  }

  it.each(["/proc", "/sys"])("whose %s is a symlink is refused (CVE-2019-19921)", async (path) => {
    mkdirSync(join(bench.directory, "rootfs/bad"));
    replace(path, "/bad");
    await expect(bench.create({})).rejects.toMatchObject({ op: "moveMount" });
  });

  it("whose /dev leads out gets its devices inside (CVE-2026-47766)", async () => {
    replace("dev", canary());
    await bench.outputOf({ script: "true" });
    expect(execFileSync("ls", [canary()]).toString()).toBe("ptmx\n");
    expect(readFileSync(join(canary(), "ptmx"), "utf8")).toBe("mine\n");
  });

  it("whose /etc leads out gets its files inside (crun CVE-2025-24965)", async () => {
    replace("etc", `../../../../../../..${canary()}`);
    expect(await bench.outputOf({ script: "cat /etc/hostname" })).toBe("hostname\n");
    expect(execFileSync("ls", [canary()]).toString()).toBe("ptmx\n");
  });

  it.each([3, 4, 5, 6, 7, 8, 9, 10, 11, 12])(
    "whose working directory is fd %i of the runtime stays inside (CVE-2024-21626)",
    async (fd) => {
      symlinkSync(`/proc/self/fd/${fd}`, join(bench.directory, "rootfs/cwd"));
      const output = async (workingDir: string) => {
        try {
          return await bench.outputOf({
            config: { workingDir },
            script: "ls ../../../../../../../../run",
          });
        } catch (error) {
          return String(error);
        }
      };
      for (const path of [`/proc/self/fd/${fd}`, "/cwd"]) {
        expect(await output(path)).toMatch(/KernelError|No such file/);
      }
    },
  );
});
