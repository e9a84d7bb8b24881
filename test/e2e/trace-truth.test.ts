/**
 * What is traced is true and whole: a recording of everything the runtime does has every step of the
 * catalogue, breaks no predicate, and tells no secret.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startPrivateDaemon } from "../../apps/runtime/src/cli/private-daemon.ts";
import { methods } from "../../apps/runtime/src/cri/methods.ts";
import { rpcs } from "../../apps/runtime/src/cri/service/rpc-table.ts";
import { attribute } from "../../apps/runtime/src/trace/attribute.ts";
import { catalogue, entryOf } from "../../apps/runtime/src/trace/catalogue.ts";
import { parseRecording } from "../../apps/runtime/src/trace/otlp.ts";
import { breaksOf } from "../../apps/runtime/src/trace/predicates.ts";
import { type SpanRecord, stringAttribute } from "../../apps/runtime/src/trace/span-record.ts";
import { secrets, tellWholeStory } from "../harness/whole-story.ts";

const directory = mkdtempSync("/tmp/vt-truth-");
let text: string;
let spans: readonly SpanRecord[];

beforeAll(async () => {
  const recordPath = join(directory, "run.jsonl");
  const daemon = await startPrivateDaemon({ recordPath, config: "poll_ratio = 1" });
  try {
    await tellWholeStory(daemon);
  } finally {
    await daemon.stop();
  }
  text = readFileSync(recordPath, "utf8");
  const recording = parseRecording(text);
  expect(recording.problems).toEqual([]);
  spans = recording.spans;
});

afterAll(() => {
  rmSync(directory, { recursive: true });
});

function stepsOf(all: readonly SpanRecord[]): ReadonlySet<string> {
  return new Set(all.map((span) => stringAttribute(span.attributes, attribute.step) ?? ""));
}

/** Steps of lessons: nobody takes them on a real node, and simulation/scenarios.test.ts sees that each is shown. */
const lessons = /^(?:attack|cluster|containerd|ctr|docker|dockershim|gvisor|kata|storage)\./;

/** Steps that this test cannot see, each with the reason. */
function exemptions(): ReadonlyMap<string, string> {
  const implemented = new Set<string>(rpcs.map(({ name }) => name));
  const missing = [...methods.keys()].filter((name) => !implemented.has(name));
  const exempt = new Map(missing.map((name) => [`cri.${name}`, "the RPC is not implemented yet"]));
  for (const op of [
    "setdomainname",
    "dumpable",
    "parentDeathSignal",
    "rename",
    "copyTree",
    "idMap",
    "await",
    "release",
    "chroot",
  ]) {
    exempt.set(`op.${op}`, "the executor has it, tested in native/test; no Plan needs it yet");
  }
  for (const id of Object.keys(catalogue)) {
    if (lessons.test(id)) exempt.set(id, "a step of lessons");
  }
  exempt.set("op.rlimit", "no setting of the daemon limits resources of a single process yet");
  const lsm = "/sys/kernel/security";
  if (!existsSync(`${lsm}/apparmor`)) exempt.set("op.apparmor", "this kernel has no AppArmor");
  if (!existsSync("/sys/fs/selinux")) exempt.set("op.selinux", "this kernel has no SELinux");
  if (existsSync("/sys/fs/cgroup/devices")) {
    exempt.set("op.deviceFilter", "devices are a controller of cgroup v1 here");
  }
  return exempt;
}

describe("the catalogue", () => {
  test("has every step of it traced, but those that cannot be", () => {
    const seen = stepsOf(spans);
    const exempt = exemptions();
    const unseen = Object.keys(catalogue).filter((id) => !seen.has(id) && !exempt.has(id));
    expect(unseen).toEqual([]);
    // An exemption that is none any more, or is of nothing, is to be taken out.
    expect([...exempt.keys()].filter((id) => seen.has(id))).toEqual([]);
    expect([...exempt.keys()].filter((id) => entryOf(id) === undefined)).toEqual([]);
  });

  test("names every attribute that its steps carry", () => {
    // What every step may have, and every op, is told of in attribute.ts.
    const common = new Set<string>(Object.values(attribute));
    common.add("vitrine.level").add("vitrine.op");
    const unnamed = new Set<string>();
    for (const span of spans) {
      const id = stringAttribute(span.attributes, attribute.step) ?? "";
      const known = entryOf(id)?.attributes ?? {};
      for (const key of span.attributes.keys()) {
        if (!common.has(key) && !Object.hasOwn(known, key)) unnamed.add(`${id} ${key}`);
      }
    }
    expect([...unnamed].sort()).toEqual([]);
  });
});

test("every predicate holds", () => {
  expect(breaksOf(spans)).toEqual([]);
});

test("the environment is traced by its names", () => {
  const names = ["API_KEY", "TOKEN"];
  expect(names.filter((name) => !text.includes(name))).toEqual([]);
});

test.each(Object.entries(secrets))("no secret is told: %s", (_way, secret) => {
  const forms = [secret, ...[secret, `ann:${secret}`].map((form) => btoa(form))];
  expect(forms.filter((form) => text.includes(form))).toEqual([]);
});
