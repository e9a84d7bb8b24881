/**
 * A whole machine in a process: qemu computes every instruction itself, so it needs no rights and no
 * hardware. The program inside writes JSON, one line each, to the second serial port.
 */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { VirtualMachineKernel } from "./virtual-machine-kernel.ts";

export const qemu = "/usr/bin/qemu-system-x86_64";

const memoryMegabytes = 1536;

const commandLine = [
  "console=ttyS0 quiet panic=-1 mitigations=off random.trust_cpu=on",
  "root=/dev/nvme0n1 rootfstype=ext4 rw init=/sbin/init",
  "apparmor=1 security=apparmor",
].join(" ");

export interface VirtualMachineOptions {
  readonly kernel: VirtualMachineKernel;
  readonly disk: string;
  /** For the console's file. */
  readonly directory: string;
  /** The machine is switched off after so many milliseconds. */
  readonly timeoutMs: number;
  /** Every line as it comes. */
  readonly line: (text: string) => void;
}

/** Runs the machine until it is off. The console's text: kernel, init, and what the program writes to stderr. */
export async function runVirtualMachine(options: VirtualMachineOptions): Promise<string> {
  const { kernel, disk, directory } = options;
  const console = join(directory, "console");
  const machine = spawn(
    qemu,
    [
      ...["-nodefaults", "-no-reboot", "-display", "none", "-nic", "none"],
      ...["-machine", "q35", "-accel", "tcg,thread=multi", "-cpu", "max"],
      ...["-smp", "2", "-m", `${memoryMegabytes}`],
      ...["-kernel", kernel.image, "-append", commandLine],
      ...["-drive", `file=${disk},if=none,id=disk,format=raw,cache=unsafe`],
      ...["-device", "nvme,drive=disk,serial=vitrine"],
      ...["-serial", `file:${console}`, "-serial", "stdio"],
    ],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  let complaints = "";
  machine.stderr.on("data", (chunk: Buffer) => {
    complaints += chunk.toString();
  });
  const impatience = setTimeout(() => machine.kill("SIGKILL"), options.timeoutMs);
  const ended = new Promise((resolve, reject) => {
    machine.once("close", resolve);
    machine.once("error", reject);
  });
  try {
    for await (const text of createInterface({ input: machine.stdout })) options.line(text);
    await ended;
  } finally {
    clearTimeout(impatience);
    machine.kill("SIGKILL");
  }
  return `${complaints}${readFileSync(console, "utf8")}`;
}
