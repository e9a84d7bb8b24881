/** Signals, init of a pid namespace, exit codes (signal(7), pid_namespaces(7)). */

import { container, containerWith, sayEnd } from "../container-case.ts";
import type { ContractCase } from "../contract-case.ts";
import { mkdir } from "../op-words.ts";

/** An endless program that says when it runs. */
const sleeper = "echo ready; while true; do sleep 0.05; done";
const trapper = "trap 'echo got; exit 5' TERM; echo ready; while true; do sleep 0.02; done";

export const signalCases: readonly ContractCase[] = [
  {
    name: "init is killed by SIGKILL from outside: 137",
    run: containerWith({ sh: sleeper }, async (run, created) => {
      await run.until(created, "ready");
      await run.kill(created.containerId, 9, false);
      await sayEnd(run, created);
    }),
    expect: ["ready", "exit 137"],
  },
  {
    name: "init without a handler ignores SIGTERM",
    run: containerWith({ sh: sleeper }, async (run, created) => {
      await run.until(created, "ready");
      await run.kill(created.containerId, 15);
      await run.bed.place.sleep(100);
      await run.kill(created.containerId, 9);
      await sayEnd(run, created);
    }),
    expect: ["ready", "exit 137"],
  },
  {
    name: "init with a handler takes SIGTERM",
    run: containerWith({ sh: trapper }, async (run, created) => {
      await run.until(created, "ready");
      await run.kill(created.containerId, 15, false);
      await sayEnd(run, created);
    }),
    expect: ["ready", "got", "exit 5"],
  },
  {
    name: "without a pid namespace SIGTERM ends it: 143",
    run: containerWith({ bare: true, namespaces: ["mnt"], sh: sleeper }, async (run, created) => {
      await run.until(created, "ready");
      await run.kill(created.containerId, 15, false);
      await sayEnd(run, created);
    }),
    expect: ["ready", "exit 143"],
  },
  {
    name: "SIGINT and SIGHUP likewise: 130",
    run: containerWith(
      { bare: true, namespaces: ["mnt"], sh: "echo ready; exec sleep 10" },
      async (run, created) => {
        await run.until(created, "ready");
        await run.kill(created.containerId, 2, false);
        await sayEnd(run, created);
      },
    ),
    expect: ["ready", "exit 130"],
  },
  {
    name: "SIGUSR1 ends it: 138",
    run: containerWith(
      { bare: true, namespaces: ["mnt"], sh: "echo ready; exec sleep 10" },
      async (run, created) => {
        await run.until(created, "ready");
        await run.kill(created.containerId, 10, false);
        await sayEnd(run, created);
      },
    ),
    expect: ["ready", "exit 138"],
  },
  {
    name: "SIGCHLD, SIGURG and SIGWINCH are ignored by default",
    run: containerWith(
      { bare: true, namespaces: ["mnt"], sh: "echo ready; exec sleep 10" },
      async (run, created) => {
        await run.until(created, "ready");
        for (const signal of [17, 23, 28]) await run.kill(created.containerId, signal);
        await run.bed.place.sleep(50);
        await run.kill(created.containerId, 15);
        await sayEnd(run, created);
      },
    ),
    expect: ["ready", "exit 143"],
  },
  {
    name: "with init all of the pid namespace dies",
    run: containerWith({ sh: "sleep 100 & sleep 100 & echo ready; wait" }, async (run, created) => {
      await run.until(created, "ready");
      await run.kill(created.containerId, 9);
      await sayEnd(run, created);
    }),
    expect: ["ready", "exit 137"],
  },
  {
    name: "init that ends takes its children along",
    run: container({ sh: "sleep 100 & echo over; exit 3" }),
    expect: ["over", "exit 3"],
  },
  {
    name: "kill all reaches every process of the container",
    run: containerWith(
      {
        sh: "sleep 100 & echo ready; wait",
        host: [mkdir("#pids")],
        first: [{ op: "cgroupJoin", path: "#pids" }],
        cgroups: ["pids"],
      },
      async (run, created) => {
        await run.until(created, "ready");
        await run.kill(created.containerId, 9, true);
        await sayEnd(run, created);
      },
    ),
    expect: ["ready", "exit 137"],
  },
  {
    name: "kill of a container that has ended is no error",
    run: containerWith({ sh: "exit 4" }, async (run, created) => {
      await sayEnd(run, created);
      await run.kill(created.containerId, 9);
    }),
    expect: ["exit 4"],
  },
  {
    name: "a child's signal is its exit code in the shell",
    run: container({ sh: "sh -c 'kill -9 $$'; echo $?; sh -c 'kill -15 $$'; echo $?" }),
    expect: ["137", "143", "stderr: Killed", "stderr: Terminated"],
  },
  {
    name: "init cannot kill itself with SIGKILL",
    run: container({ sh: "kill -9 $$; echo alive; kill -15 1; echo still" }),
    expect: ["alive", "still"],
  },
  {
    name: "kill of a process that is not there",
    run: container({ sh: "kill -0 99; echo $?; kill -0 1; echo $?" }),
    expect: ["1", "0", "stderr: sh: can't kill pid 99: No such process"],
  },
  {
    name: "an orphan becomes init's child",
    run: container({ sh: "sh -c 'sh -c \"sleep 0.1; grep PPid /proc/self/status\" &'; sleep 0.3" }),
    expect: ["PPid 1"],
  },
  {
    name: "exit codes of a shell: 0, 1, 126, 127",
    run: container({ sh: "true; echo $?; false; echo $?; /etc/passwd; echo $?; /none; echo $?" }),
    expect: [
      "0",
      "1",
      "126",
      "127",
      "stderr: sh: /etc/passwd: Permission denied",
      "stderr: sh: /none: not found",
    ],
  },
  {
    name: "the exit code of the last command is the container's",
    run: container({ sh: "exit 42" }),
    expect: ["exit 42"],
  },
  {
    name: "127 from the shell itself",
    run: container({ sh: "no-such-command" }),
    expect: ["stderr: sh: no-such-command: not found", "exit 127"],
  },
  {
    name: "stderr is kept apart",
    run: container({ sh: "echo out; echo err >&2" }),
    expect: ["out", "stderr: err"],
  },
  {
    name: "a line without its end",
    run: container({ sh: "printf 'no end'" }),
    expect: ["no end"],
  },
  {
    name: "wait tells the code more than once",
    run: containerWith({ sh: "exit 9" }, async (run, created) => {
      await sayEnd(run, created);
      run.say(`${(await run.wait(created.containerId)).exitCode}`);
    }),
    expect: ["exit 9", "9"],
  },
  {
    name: "list shows containers and their states",
    run: containerWith({ sh: sleeper }, async (run, created) => {
      const shim = await run.bed.shim();
      const state = async () =>
        (await shim.list()).find(({ containerId }) => containerId === created.containerId)?.state;
      await run.until(created, "ready");
      run.say(`${await state()}`);
      await run.kill(created.containerId, 9);
      await sayEnd(run, created);
      run.say(`${await state()}`);
      await shim.remove(created.containerId);
      run.say(`${await state()}`);
    }),
    expect: ["running", "ready", "exit 137", "exited", "undefined"],
  },
];
