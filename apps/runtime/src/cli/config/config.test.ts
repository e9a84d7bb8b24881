import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { configurationPage, defaultConfig } from "./default-config.ts";
import { ConfigError, parseConfig } from "./parse-config.ts";

const defaults = parseConfig("", "none");

function problemsOf(text: string): readonly string[] {
  try {
    parseConfig(text, "config.toml");
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe("a configuration file", () => {
  test("the commented default file gives the defaults", () => {
    expect(parseConfig(defaultConfig(), "default")).toEqual(defaults);
    expect(defaults).toMatchObject({
      root: "/var/lib/vitrine",
      address: "/run/vitrine/vitrine.sock",
      runtimes: { vitrine: { podAnnotations: [] } },
    });
  });

  test("the reference page is up to date", () => {
    const page = fileURLToPath(new URL("../../../../../docs/configuration.md", import.meta.url));
    expect(readFileSync(page, "utf8")).toBe(configurationPage());
  });

  test("containerd's version 3 names", () => {
    const settings = parseConfig(
      `version = 3
      [plugins.'io.containerd.cri.v1.images'.pinned_images]
      sandbox = "registry.k8s.io/pause:3.10"
      [plugins.'io.containerd.cri.v1.runtime'.containerd]
      default_runtime_name = "other"
      [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.other]
      runtime_type = "io.vitrine.oci.v1"
      pod_annotations = ["io.example/*"]
      [plugins.'io.containerd.cri.v1.runtime'.cni]
      bin_dirs = ["/a", "/b"]`,
      "config.toml",
    );
    expect(settings).toMatchObject({
      sandboxImage: "registry.k8s.io/pause:3.10",
      defaultRuntimeName: "other",
      cniBinDirs: ["/a", "/b"],
    });
    expect(Object.keys(settings.runtimes)).toEqual(["other"]);
    expect(settings.runtimes["other"]?.podAnnotations).toEqual(["io.example/*"]);
  });

  test("containerd's version 2 names", () => {
    const settings = parseConfig(
      `version = 2
      [plugins."io.containerd.grpc.v1.cri"]
      sandbox_image = "registry.k8s.io/pause:3.9"
      [plugins."io.containerd.grpc.v1.cri".registry]
      config_path = "/etc/containerd/certs.d"
      [plugins."io.containerd.grpc.v1.cri".cni]
      bin_dir = "/usr/lib/cni"
      conf_dir = "/etc/cni/other.d"`,
      "config.toml",
    );
    expect(settings).toMatchObject({
      sandboxImage: "registry.k8s.io/pause:3.9",
      registryConfigPath: "/etc/containerd/certs.d",
      cniBinDirs: ["/usr/lib/cni"],
      cniConfDir: "/etc/cni/other.d",
    });
  });

  test("a file of containerd's that adds runc: read, and the default runtime stays", () => {
    const settings = parseConfig(
      `version = 2
      [plugins."io.containerd.grpc.v1.cri"]
        sandbox_image = "registry.k8s.io/pause:3.9"
        [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
          runtime_type = "io.containerd.runc.v2"`,
      "config.toml",
    );
    expect(settings.defaultRuntimeName).toBe("vitrine");
    expect(Object.keys(settings.runtimes).sort()).toEqual(["runc", "vitrine"]);
    expect(settings.runtimes["vitrine"]).toEqual(defaults.runtimes["vitrine"]);
  });
});

describe("what is wrong is named", () => {
  test.each([
    ["a misspelt key", 'rot = "/x"', ["unknown key rot; did you mean root?"]],
    ["a misspelt table", '[grcp]\naddress = "/x"', ["unknown key grcp; did you mean grpc?"]],
    [
      "a misspelt key deep inside",
      '[plugins."io.containerd.cri.v1.runtime".cni]\nconfdir = "/x"',
      ['unknown key plugins."io.containerd.cri.v1.runtime".cni.confdir; did you mean conf_dir?'],
    ],
    [
      "a misspelt key of a runtime",
      '[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.vitrine]\npod_anotations = []',
      [
        'unknown key plugins."io.containerd.cri.v1.runtime".containerd.runtimes.vitrine.pod_anotations; did you mean pod_annotations?',
      ],
    ],
    ["a key like nothing", "[grpc]\nzzz = 1", ["unknown key grpc.zzz; known here: address, gid"]],
    ["a prototype", '["__proto__"]\nx = 1', [expect.stringContaining("unknown key __proto__")]],
    ["a relative path", 'root = "var"', ["root: must be an absolute path"]],
    ["a wrong type", "root = 3", [expect.stringMatching(/^root: .*expected string/)]],
    ["a value where a table belongs", "grpc = 1", ["grpc must be a table"]],
    [
      "a runtime that is not there",
      '[plugins."io.containerd.cri.v1.runtime".containerd]\ndefault_runtime_name = "kata"',
      [expect.stringContaining("there is no runtime kata; there are: vitrine")],
    ],
    ["a version nobody has", "version = 7", ["version must be 2 or 3, not 7"]],
    ["TOML that is none", "a = \n", [expect.stringMatching(/^line 1, column \d+: /)]],
    [
      "several things at once",
      'rot = "/x"\nstate = "run"',
      ["unknown key rot; did you mean root?", "state: must be an absolute path"],
    ],
    [
      "a socket path that fits no socket",
      `[grpc]\naddress = "/${"x".repeat(100)}"`,
      ["grpc.address: must be at most 95 bytes long, because it names a socket"],
    ],
  ])("%s", (_what, text, problems) => {
    expect(problemsOf(text)).toEqual(problems);
  });

  test("the message has the file on every line", () => {
    expect(() => parseConfig('rot = ""\nstat = ""', "/etc/x.toml")).toThrow(
      "/etc/x.toml: unknown key rot; did you mean root?\n/etc/x.toml: unknown key stat; did you mean state?",
    );
  });
});
