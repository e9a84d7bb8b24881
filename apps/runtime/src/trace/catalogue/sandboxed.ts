/** Steps of runtimes with a second kernel: gVisor's in user space, Kata's in a virtual machine. */
import type { CatalogueEntry } from "./entry.ts";

const gvisor = "https://gvisor.dev/docs/architecture_guide/intro/";
const kata =
  "https://github.com/kata-containers/kata-containers/tree/main/docs/design/architecture";

export const sandboxedSteps = {
  "gvisor.start": {
    level: 2,
    from: "runsc",
    to: "sentry",
    label: "start a sentry and its gofer",
    reply: "pids {vitrine.gvisor.pids}",
    attributes: { "vitrine.gvisor.pids": "pids of the two on the host" },
    why: "runsc makes no container: it starts a program that is a kernel, locked in by a filter of its own.",
    link: gvisor,
  },
  "gvisor.syscall": {
    level: 3,
    oneWay: true,
    from: "container",
    to: "sentry",
    label: "{vitrine.syscall.name} {vitrine.syscall.detail}",
    attributes: {
      "vitrine.syscall.name": "the call, by its name",
      "vitrine.syscall.detail": "what it was about",
    },
    why: "The call is trapped and answered in user space; unless an arrow to the kernel follows, the host never heard of it.",
    link: gvisor,
  },
  "gvisor.gofer": {
    level: 3,
    oneWay: true,
    from: "sentry",
    to: "gofer",
    label: "look up {vitrine.path}",
    attributes: { "vitrine.path": "path in the container" },
    why: "The sentry's filter has no open: a process beside it opens files and hands the descriptor over.",
    link: gvisor,
  },
  "gvisor.file": {
    level: 3,
    from: "gofer",
    to: "kernel",
    label: "{vitrine.syscall.name}",
    attributes: { "vitrine.syscall.name": "the call that reached the host" },
    why: "The gofer sees the container's files and nothing else, and nothing but files: two programs would have to be taken over.",
    link: gvisor,
  },
  "gvisor.host": {
    level: 3,
    from: "sentry",
    to: "kernel",
    label: "{vitrine.syscall.name}",
    attributes: { "vitrine.syscall.name": "the call that reached the host" },
    why: "Of some 350 system calls the sentry may make about 70: these are what an attacker inside could reach.",
    link: gvisor,
  },
  "gvisor.summary": {
    level: 1,
    oneWay: true,
    from: "container",
    to: "sentry",
    label:
      "{vitrine.syscall.answered} calls answered, {vitrine.syscall.passed} host calls made for them",
    attributes: {
      "vitrine.syscall.answered": "calls of the container, all answered by the sentry",
      "vitrine.syscall.passed": "calls the host's kernel saw for them",
    },
    why: "The fewer calls reach the host, the less of it there is to attack; each one that does not costs time.",
    link: gvisor,
  },
  "kata.boot": {
    level: 2,
    from: "kataShim",
    to: "hypervisor",
    label: "start a virtual machine",
    reply: "guest kernel {vitrine.kernel.release}",
    attributes: { "vitrine.kernel.release": "uname -r inside" },
    why: "The pod is a machine: from here on there are two kernels, and a bug in the inner one is not one in the outer.",
    link: kata,
  },
  "kata.agent": {
    level: 2,
    from: "kataShim",
    to: "agent",
    label: "{rpc.method}",
    attributes: { "rpc.method": "method of the agent's ttrpc API, over vsock" },
    why: "The shim cannot make a container in the guest; it asks the agent, which is the guest's pid 1.",
    link: kata,
  },
  "kata.uname": {
    level: 1,
    from: "container",
    to: "guestKernel",
    label: "uname -r",
    reply: "{vitrine.kernel.release}",
    attributes: { "vitrine.kernel.release": "what it answers" },
    why: "The container's system calls end here; the host sees a hypervisor that computes.",
    link: kata,
  },
} as const satisfies Record<string, CatalogueEntry>;
