/**
 * Attribute names that the sequence model reads. Emitters put them on spans, so that a recording says by
 * itself what each step is and whom it concerns; other tools see ordinary OpenTelemetry attributes.
 */
export const attribute = {
  /** Id of the catalogue entry ("cri.RunPodSandbox", "op.mount"); on every span of ours. */
  step: "vitrine.step",
  /** CRI id of the pod sandbox a span belongs to; on the span itself or on any ancestor. */
  sandboxId: "vitrine.sandbox.id",
  podName: "k8s.pod.name",
  podNamespace: "k8s.namespace.name",
  podUid: "k8s.pod.uid",
  podIp: "k8s.pod.ip",
  containerId: "container.id",
  containerName: "container.name",
  imageName: "container.image.name",
  /** Errno or gRPC code name of a failed span (OpenTelemetry). */
  errorType: "error.type",
  exitCode: "process.exit.code",
  pid: "process.pid",
  /** Name of the Plan an op belongs to, its process (host, oci, init, exec) and its index in the Plan. */
  plan: "vitrine.plan",
  process: "vitrine.process",
  opIndex: "vitrine.op.index",
  /** The op as one line of the Plan's text. */
  op: "vitrine.op",
  /** Errno of an op that the Plan's `ignore` let pass; the span is not failed then. */
  ignoredErrno: "vitrine.op.ignored_errno",
  /** True on calls that poll (List, Status, Version), which diagrams leave out. */
  poll: "vitrine.poll",
} as const;

/** Resource attributes of a recording. */
export const resourceAttribute = {
  serviceName: "service.name",
  serviceVersion: "service.version",
  /** "real" or "sim". */
  mode: "vitrine.mode",
  /** uname -r of the kernel that ran it. */
  kernelRelease: "vitrine.kernel.release",
  /** Seed of a simulated run. */
  seed: "vitrine.seed",
  /** Scenario of a simulated run. */
  scenario: "vitrine.scenario",
  /** Which stack's lifelines the steps are drawn with (cast.ts); unset is Vitrine's own. */
  cast: "vitrine.cast",
} as const;
