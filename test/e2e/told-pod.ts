/**
 * Spans of a pod's life as the daemon tells them, made here so that tests of the page can say exactly
 * what must be seen: a sandbox, two containers, their stop, and one failure on request. Test data, not
 * a recording; real recordings lie in traces/real/.
 */
import { attribute, entryOf, resourceAttribute } from "../../apps/runtime/src/trace/index.ts";
import type { ResourceRecord, SpanRecord } from "../../apps/runtime/src/trace/span-record.ts";
import type { AttributeValue } from "../../apps/runtime/src/trace/tracer.ts";

type Told = Readonly<Record<string, AttributeValue>>;

export const toldResource: ResourceRecord = {
  attributes: new Map<string, AttributeValue>([
    [resourceAttribute.serviceName, "vitrine"],
    [resourceAttribute.mode, "real"],
    [resourceAttribute.kernelRelease, "6.18.0-test"],
  ]),
};

/** Makes spans with growing times; ids are counted, so that every run is the same. */
export class Teller {
  readonly spans: SpanRecord[] = [];
  readonly #resource: ResourceRecord;
  #nowNs: bigint;
  #ids = 0;
  readonly #trace: string;
  #traces = 0;

  /** Tellers with different `digit` make different trace ids. */
  constructor(startNs: bigint, digit = "a", resource: ResourceRecord = toldResource) {
    this.#nowNs = startNs;
    this.#trace = digit;
    this.#resource = resource;
  }

  /** One step that takes `micros` besides what happens inside. */
  step(
    id: string,
    parent: SpanRecord | undefined,
    attributes: Told,
    micros: number,
    inside: (span: SpanRecord) => void = () => undefined,
    error?: readonly [type: string, message: string],
  ): SpanRecord {
    const startNs = this.#nowNs;
    const spanId = (++this.#ids).toString(16).padStart(16, "0");
    const told = new Map<string, AttributeValue>([
      [attribute.step, id],
      ...Object.entries(attributes),
    ]);
    if (error) told.set(attribute.errorType, error[0]);
    const open: SpanRecord = {
      traceId: parent?.traceId ?? (++this.#traces).toString(16).padStart(32, this.#trace),
      spanId,
      parentSpanId: parent?.spanId ?? "",
      name: entryOf(id)?.span ?? id,
      kind: id.startsWith("cri.") ? "server" : "internal",
      startNs,
      endNs: undefined,
      attributes: told,
      events: [],
      links: [],
      status: "unset",
      statusMessage: "",
      scope: "vitrine",
      resource: this.#resource,
    };
    const place = this.spans.push(open) - 1;
    this.#nowNs += BigInt(Math.round(micros * 300));
    inside(open);
    this.#nowNs += BigInt(Math.round(micros * 700));
    const ended: SpanRecord = {
      ...open,
      endNs: this.#nowNs,
      status: error ? "error" : "unset",
      statusMessage: error?.[1] ?? "",
    };
    this.spans[place] = ended;
    this.#nowNs += 4_000n;
    return ended;
  }

  op(
    name: string,
    process: string,
    parent: SpanRecord,
    text: string,
    micros: number,
    more: Told = {},
  ): void {
    const index = this.spans.filter((span) => span.parentSpanId === parent.spanId).length;
    const attributes = {
      [attribute.process]: process,
      [attribute.opIndex]: index,
      [attribute.plan]: "create container",
      [attribute.op]: text,
      ...more,
    };
    this.step(`op.${name}`, parent, attributes, micros);
  }

  pause(ms: number): void {
    this.#nowNs += BigInt(ms) * 1_000_000n;
  }
}

const hex = (digit: string) => digit.repeat(64);

function containerOps(teller: Teller, parent: SpanRecord): void {
  teller.op("openTree", "oci", parent, "openTree rootfs clone recursive", 12);
  teller.op("clone3", "oci", parent, "clone3 init mount pid ipc uts cgroup", 310);
  teller.op("setns", "init", parent, "setns network ipc uts", 14);
  teller.op("propagate", "init", parent, "propagate / slave recursive", 6);
  teller.op("fsmount", "init", parent, "fsmount proc nosuid nodev noexec", 21);
  teller.op("moveMount", "init", parent, "moveMount proc -> /proc", 9);
  teller.op("fsmount", "init", parent, "fsmount tmpfs size=64k nosuid", 18);
  teller.op("moveMount", "init", parent, "moveMount tmpfs -> /dev", 8);
  teller.op("mknod", "init", parent, "mknod /dev/null c 1:3 0666", 7);
  teller.op("mknod", "init", parent, "mknod /dev/zero c 1:5 0666", 5);
  teller.op("mountSetattr", "init", parent, "mountSetattr /sys ro nosuid nodev noexec", 6);
  teller.op("pivotRoot", "init", parent, "pivotRoot rootfs", 44);
  teller.op("maskPath", "init", parent, "maskPath /proc/kcore", 9);
  teller.op("readonlyPath", "init", parent, "readonlyPath /proc/sys", 8);
  teller.op("capBounding", "init", parent, "capBounding keep 14", 11);
  teller.op("setresuid", "init", parent, "setresuid 0", 2);
  teller.op("seccomp", "init", parent, "seccomp filter 2832 bytes", 95);
  teller.op("awaitStart", "init", parent, "awaitStart", 30);
}

export interface ToldPod {
  readonly name?: string;
  readonly containers?: readonly string[];
  /** Fails the start of the last container with ENOENT. */
  readonly failing?: boolean;
  readonly stopped?: boolean;
  readonly startNs?: bigint;
  readonly digit?: string;
  readonly resource?: ResourceRecord;
}

function sandbox(teller: Teller, pod: Told, sandboxId: string): void {
  const id = { [attribute.sandboxId]: sandboxId };
  teller.step("cri.RunPodSandbox", undefined, { ...pod, ...id }, 900, (run) => {
    teller.step(
      "pod.reserve",
      run,
      { "vitrine.reserved_name": String(pod[attribute.podName]) },
      180,
    );
    teller.step(
      "network.namespace",
      run,
      { "vitrine.netns.path": `/run/netns/vitrine-${sandboxId.slice(0, 12)}` },
      340,
      (made) => {
        teller.op("unshare", "oci", made, "unshare network", 240);
        teller.op("linkUp", "oci", made, "linkUp lo", 30);
      },
    );
    teller.step(
      "network.attach",
      run,
      { "vitrine.cni.network": "vitrine", [attribute.podIp]: "10.88.0.7" },
      500,
      (attach) => {
        teller.step(
          "cni.plugin",
          attach,
          {
            "vitrine.cni.command": "ADD",
            "vitrine.cni.plugin": "bridge",
            "vitrine.cni.ips": "10.88.0.7/16",
            [attribute.exitCode]: 0,
          },
          17_400,
        );
        teller.step(
          "cni.plugin",
          attach,
          {
            "vitrine.cni.command": "ADD",
            "vitrine.cni.plugin": "portmap",
            [attribute.exitCode]: 0,
          },
          8_100,
        );
      },
    );
    teller.step("pod.files", run, { "vitrine.pod.hostname": String(pod[attribute.podName]) }, 410);
    teller.step(
      "pod.cgroup",
      run,
      { "vitrine.cgroup.parent": `/kubepods/${sandboxId.slice(0, 12)}` },
      220,
    );
    teller.step("pod.shim", run, { [attribute.pid]: 4711 }, 1_300);
    teller.step("pod.pause_create", run, {}, 400, (created) => containerOps(teller, created));
    teller.step("pod.pause_start", run, {}, 260, (started) =>
      teller.op("execve", "init", started, "execve /pause", 210),
    );
  });
}

function container(teller: Teller, pod: Told, name: string, id: string, failing: boolean): void {
  const told = { ...pod, [attribute.containerId]: id, [attribute.containerName]: name };
  const image = { [attribute.imageName]: "registry.example/demo:1" };
  teller.step("cri.CreateContainer", undefined, { ...told, ...image }, 600, (create) => {
    teller.step("container.reserve", create, {}, 120);
    teller.step("container.spec", create, told, 900);
    teller.step("snapshot.prepare", create, {}, 300);
    teller.step("container.cgroup", create, told, 240);
    teller.step("container.create", create, { ...told, [attribute.pid]: 4720 }, 500, (created) =>
      containerOps(teller, created),
    );
  });
  const refusal = ["ENOENT", 'execve "/bin/servr": no such file or directory'] as const;
  const refused = failing ? refusal : undefined;
  teller.step(
    "cri.StartContainer",
    undefined,
    told,
    300,
    (start) => {
      teller.step(
        "container.start",
        start,
        { ...told, [attribute.pid]: 4720 },
        240,
        (started) => {
          teller.step(
            "op.execve",
            started,
            {
              [attribute.process]: "init",
              [attribute.opIndex]: 18,
              [attribute.op]: "execve /bin/server",
            },
            260,
            undefined,
            refused,
          );
        },
        refused,
      );
    },
    refused && ["NOT_FOUND", refusal[1]],
  );
}

/** The spans of one pod, whole, by start. */
export function toldPod(options: ToldPod = {}): SpanRecord[] {
  const teller = new Teller(
    options.startNs ?? 1_795_475_000_000_000_000n,
    options.digit,
    options.resource,
  );
  const sandboxId = hex(options.digit ?? "a");
  const pod = {
    [attribute.podName]: options.name ?? "web",
    [attribute.podNamespace]: "default",
    [attribute.podUid]: `uid-${options.name ?? "web"}`,
    [attribute.sandboxId]: sandboxId,
  };
  const names = options.containers ?? ["server", "fetcher"];
  sandbox(teller, pod, sandboxId);
  for (const [index, name] of names.entries()) {
    teller.pause(2);
    const failing = options.failing === true && index === names.length - 1;
    container(teller, pod, name, `${index}${sandboxId.slice(1)}`, failing);
  }
  if (options.stopped) {
    teller.pause(400);
    teller.step("cri.StopPodSandbox", undefined, pod, 400, (stop) => {
      teller.step("network.detach", stop, {}, 200, (detach) =>
        teller.step(
          "cni.plugin",
          detach,
          { "vitrine.cni.command": "DEL", "vitrine.cni.plugin": "bridge" },
          9_000,
        ),
      );
    });
  }
  return teller.spans;
}
