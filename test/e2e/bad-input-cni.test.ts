/** CNI plugins and configurations that misbehave: RunPodSandbox says which one and how, and takes everything back. */
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CriBed, everyTestLeavesNothing, refusal, refused } from "../harness/cri-bed.ts";
import { podConfig } from "../harness/cri-requests.ts";
import { goodResult, ScriptedCni } from "../harness/scripted-cni.ts";

const timeoutMs = 600;

let bed: CriBed;
let cni: ScriptedCni;

beforeAll(async () => {
  bed = await CriBed.start({
    config: `[vitrine.cni]\nadd_timeout_ms = ${timeoutMs}\ndel_timeout_ms = ${timeoutMs}`,
  });
  cni = await ScriptedCni.of(bed);
});

afterAll(async () => {
  await bed.end();
});

everyTestLeavesNothing(() => bed);

function run(): Promise<{ readonly podSandboxId: string }> {
  return bed.client.runPodSandbox(bed.context, { config: podConfig() });
}

/** Bytes of memory that the daemon has held at most so far. */
function peakMemory(): number {
  const status = readFileSync(`/proc/${bed.daemon.process.pid}/status`, "utf8");
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
}

test("the bed's own plugin works, so that what fails below fails for its reason", async () => {
  cni.configure(["good"]);
  cni.onAdd("good", `echo '${goodResult}'`);
  const made = await run();
  const { status } = await bed.client.podSandboxStatus(bed.context, made);
  expect(status?.network?.ip).toBe("10.9.8.7");
  await bed.client.removePodSandbox(bed.context, made);
  expect(cni.takeCalls()).toEqual(["ADD good", "DEL good"]);
});

describe("a plugin that", () => {
  test.each([
    ["crashes", "kill -SEGV $$", /CNI ADD by plugin bad of network scripted.*(?:139|SIGSEGV)/],
    [
      "fails with its own words",
      `echo '{"cniVersion":"1.0.0","code":11,"msg":"no more cake","details":"try tomorrow"}'; exit 1`,
      /plugin bad.*no more cake; try tomorrow/,
    ],
    [
      "fails with words on stderr",
      "echo 'the cake is a lie' >&2; exit 7",
      /exit code 7.*the cake is a lie/,
    ],
    ["fails silently", "exit 3", /exit code 3 and printed nothing/],
    ["prints garbage", "echo 'hello, world'", /plugin bad.*printed no JSON but "hello, world/],
    ["prints bytes", "head -c 4096 /dev/urandom", /plugin bad.*printed no JSON/],
    ["prints a list", "echo '[]'", /plugin bad.*no result/],
    ["prints null", "echo null", /plugin bad.*no result/],
    [
      "prints half a result",
      `printf '{"cniVersion":"1.0.0","ips":[{"addr'`,
      /plugin bad.*printed no JSON/,
    ],
    [
      "gives an address that is a number",
      `echo '{"cniVersion":"1.0.0","ips":[{"address":7}]}'`,
      /plugin bad.*addresses/,
    ],
    [
      "gives an address that is none",
      `echo '{"cniVersion":"1.0.0","ips":[{"address":"banana/24"}]}'`,
      /plugin bad.*banana/,
    ],
    [
      "gives no address",
      `echo '{"cniVersion":"1.0.0","ips":[]}'`,
      /scripted gave the pod no address/,
    ],
    ["exits 0 without output", "exit 0", /plugin bad.*printed no result/],
  ])("%s", async (_what, body, message) => {
    cni.configure(["bad"]);
    cni.onAdd("bad", body);
    expect(await refusal(run())).toEqual(refused("UNAVAILABLE", message));
    expect(cni.takeCalls()).toEqual(["ADD bad", "DEL bad"]);
  });

  test("prints control characters cannot write on the terminal of who reads the error", async () => {
    cni.configure(["bad"]);
    cni.onAdd("bad", `printf '{"code":9,"msg":"\\\\u001b[31mred\\\\u0007\\\\nline two"}'; exit 1`);
    const { code, message } = await refusal(run());
    expect(code).toBe("UNAVAILABLE");
    expect(message).toMatch(/red.*line two/);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there.
    expect(message).not.toMatch(/[\u0000-\u001f\u007f]/);
    cni.takeCalls();
  });

  test.each([
    ["stdout", "head -c 1073741824 /dev/zero"],
    ["stderr", "head -c 1073741824 /dev/zero >&2"],
  ])("prints 1 GiB to %s is refused without the daemon holding it", async (_stream, body) => {
    cni.configure(["bad"]);
    cni.onAdd("bad", `${body}; exit 1`);
    const before = peakMemory();
    const { code, message } = await refusal(run());
    expect(["UNAVAILABLE", "DEADLINE_EXCEEDED"]).toContain(code);
    expect(message).toMatch(/plugin bad/);
    expect(message.length).toBeLessThan(1000);
    expect(peakMemory() - before).toBeLessThan(64 << 20);
    cni.takeCalls();
  });

  test("prints more than a result may be, and says it went well, is not believed", async () => {
    cni.configure(["bad"]);
    cni.onAdd("bad", `echo '${goodResult}'; head -c 4194304 /dev/zero`);
    expect(await refusal(run())).toEqual(
      refused("UNAVAILABLE", /plugin bad.*printed more than 1048576 bytes/),
    );
    cni.takeCalls();
  });
});

test("a good result of a plugin that chatters on stderr is taken", async () => {
  cni.configure(["chatty"]);
  cni.onAdd("chatty", `head -c 1048576 /dev/zero >&2; echo '${goodResult}'`);
  await bed.client.removePodSandbox(bed.context, await run());
  cni.takeCalls();
});

describe("a plugin that hangs", () => {
  test.each([
    ["ignoring SIGTERM", "trap '' TERM; while :; do sleep 1000; done"],
    [
      "with children that ignore SIGTERM",
      "trap '' TERM; (sleep 1000)& (trap '' TERM; sleep 1000)& wait",
    ],
    ["with a child in a session of its own", "setsid sleep 1000 & sleep 1000"],
    [
      "with a grandchild whose parents have gone",
      "(setsid sh -c 'sleep 1000 & exec sleep 1000' &) ; sleep 1000",
    ],
    ["after it has printed a good result", `echo '${goodResult}'; sleep 1000`],
  ])("%s is killed at its timeout with all that it started", async (_what, body) => {
    cni.configure(["slow"]);
    cni.onAdd("slow", body);
    const began = performance.now();
    expect(await refusal(run())).toEqual(
      refused("DEADLINE_EXCEEDED", new RegExp(`plugin slow.*did not end within ${timeoutMs} ms`)),
    );
    expect(performance.now() - began).toBeLessThan(timeoutMs + 3000);
    expect(cni.takeCalls()).toEqual(["ADD slow", "DEL slow"]);
  });

  test("a good result of one that leaves a child behind with its output open is taken at once", async () => {
    cni.configure(["forking"]);
    cni.onAdd("forking", `sleep 1000 & echo '${goodResult}'`);
    const made = await run();
    await bed.client.removePodSandbox(bed.context, made);
    cni.takeCalls();
  });

  test("in DEL keeps the pod for another try, and is said; the next Remove takes it away", async () => {
    cni.configure(["slow"]);
    cni.plugin("slow", `[ "$CNI_COMMAND" = DEL ] && sleep 1000; echo '${goodResult}'`);
    const made = await run();
    expect(await refusal(bed.client.stopPodSandbox(bed.context, made))).toEqual(
      refused("DEADLINE_EXCEEDED", /CNI DEL by plugin slow.*did not end/),
    );
    const { status } = await bed.client.podSandboxStatus(bed.context, made);
    expect(status?.state).toBe("SANDBOX_NOTREADY");
    cni.onAdd("slow", "exit 1");
    await bed.client.removePodSandbox(bed.context, made);
    cni.takeCalls();
  });
});

describe("a plugin program", () => {
  test.each<[string, (path: string) => void, RegExp]>([
    ["that is missing", () => {}, /CNI plugin bad is in none of .*\/bin/],
    [
      "that may not be executed",
      (path) => writeFileSync(path, "#!/bin/sh\n"),
      /CNI plugin bad is in none of/,
    ],
    ["that is a directory", (path) => mkdirSync(path), /CNI plugin bad is in none of/],
    [
      "that is no program",
      (path) => writeFileSync(path, "\u007fELF nonsense", { mode: 0o755 }),
      /CNI plugin bad.*cannot be started.*ENOEXEC/,
    ],
    [
      "whose interpreter is missing",
      (path) => writeFileSync(path, "#!/no/such/shell\n", { mode: 0o755 }),
      /CNI plugin bad.*cannot be started.*ENOENT/,
    ],
  ])("%s: nothing was added, so nothing is kept for DEL", async (_what, make, message) => {
    cni.configure(["bad"]);
    const path = cni.path("bad");
    rmSync(path, { force: true, recursive: true });
    make(path);
    if (existsSync(path)) chmodSync(path, message.source.includes("cannot") ? 0o755 : 0o644);
    expect(await refusal(run())).toEqual(refused("UNAVAILABLE", message));
    rmSync(path, { force: true, recursive: true });
  });

  test("of the second in a chain that is missing: the first is not even asked", async () => {
    cni.configure(["first", "missing"]);
    cni.onAdd("first", `echo '${goodResult}'`);
    expect(await refusal(run())).toEqual(refused("UNAVAILABLE", /CNI plugin missing is in none/));
    expect(cni.takeCalls()).toEqual([]);
  });

  test("of the second in a chain that fails: DEL of both, last first", async () => {
    cni.configure(["first", "second"]);
    cni.onAdd("first", `echo '${goodResult}'`);
    cni.onAdd("second", "echo 'not me' >&2; exit 1");
    expect(await refusal(run())).toEqual(refused("UNAVAILABLE", /plugin second.*not me/));
    expect(cni.takeCalls()).toEqual(["ADD first", "ADD second", "DEL second", "DEL first"]);
  });
});

test("a plugin that crashes for ADD and for DEL: the pod is kept NOTREADY, and goes when DEL works again", async () => {
  cni.configure(["bad"]);
  cni.plugin("bad", "kill -SEGV $$");
  const config = podConfig();
  expect(await refusal(bed.client.runPodSandbox(bed.context, { config }))).toEqual(
    refused("UNAVAILABLE", /CNI ADD by plugin bad.*could not undo.*CNI DEL by plugin bad/),
  );
  const { items } = await bed.client.listPodSandbox(bed.context, {});
  expect(items).toMatchObject([{ state: "SANDBOX_NOTREADY", metadata: config.metadata }]);
  const podSandboxId = items[0]?.id ?? "";
  expect(await refusal(bed.client.removePodSandbox(bed.context, { podSandboxId }))).toEqual(
    refused("UNAVAILABLE", /CNI DEL by plugin bad/),
  );
  cni.onAdd("bad", "exit 1");
  await bed.client.removePodSandbox(bed.context, { podSandboxId });
  cni.takeCalls();
});

describe("a network configuration", () => {
  test.each([
    ["with a type that climbs", ["../evil"], /plugin type "\.\.\/evil" must be a plain file name/],
    ["with a type that is absolute", ["/bin/sh"], /plugin type "\/bin\/sh"/],
    ["with a type of dots", [".."], /plugin type "\.\."/],
    ["without plugins", '{"cniVersion":"1.0.0","name":"n","plugins":[]}', /plugins is empty/],
    ["without a name", '{"cniVersion":"1.0.0","plugins":[{"type":"good"}]}', /network name/],
    ["of the future", '{"cniVersion":"9.0.0","name":"n","plugins":[{"type":"good"}]}', /9\.0\.0/],
    ["that is no JSON", "{", /10-scripted\.conflist.*JSON/],
    ["that is empty", "", /10-scripted\.conflist/],
  ])(
    "%s: the node is not ready and says why, and so does RunPodSandbox",
    async (_what, chain, message) => {
      const evil = join(bed.directory, "evil");
      const mark = join(bed.directory, "evil-was-here");
      writeFileSync(evil, `#!/bin/sh\ntouch ${mark}\n`, { mode: 0o755 });
      cni.configure(chain);
      const { status } = await bed.client.status(bed.context, {});
      const ready = status?.conditions.find(({ type }) => type === "NetworkReady");
      expect(ready).toMatchObject({ status: false, message: expect.stringMatching(message) });
      expect(await refusal(run())).toEqual(refused("UNAVAILABLE", message));
      expect(existsSync(mark)).toBe(false);
      rmSync(evil);
    },
  );
});
