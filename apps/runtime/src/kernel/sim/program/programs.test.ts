/** Programs on a booted machine: what only the model can show, since a real busybox here would answer about the real host. */
import { describe, expect, it } from "vitest";
import { AT_FDCWD, O_NOCTTY, O_RDWR } from "../abi.ts";
import { PtyMaster, ptyOf } from "../fs/pty.ts";
import type { Machine } from "../machine.ts";
import { spawnProcess } from "../process/spawn.ts";
import { fileOf, openat2, readNow } from "../syscall/file.ts";
import { execve, setsid } from "../syscall/process.ts";
import { applets } from "./applet-table.ts";
import { catalogueEntry } from "./catalogue.ts";
import { bytesOf, textOf } from "./file-text.ts";
import { programBed, runProgram, runShell } from "./program-bed.ts";

function cgroup(machine: Machine, limits: string): void {
  const made = runShell(
    machine,
    `cd /sys/fs/cgroup; mkdir t; echo "+cpu +memory +pids" > cgroup.subtree_control; ${limits}`,
  );
  expect(made).toEqual({ stdout: "", stderr: "", code: 0 });
}

const inside = (text: string): string => `(echo 0 > /sys/fs/cgroup/t/cgroup.procs; ${text})`;

describe("limits bite", () => {
  it("eat-memory is killed by the OOM killer", () => {
    const machine = programBed();
    cgroup(machine, "echo 20M > t/memory.max");
    const ran = runShell(
      machine,
      `${inside("eat-memory 64M")}; echo $?; grep oom_kill /sys/fs/cgroup/t/memory.events | head -1`,
    );
    expect(ran).toEqual({ stdout: "137\noom_kill 1\n", stderr: "Killed\n", code: 0 });
  });

  it("dd needs its block in memory", () => {
    const machine = programBed();
    cgroup(machine, "echo 20M > t/memory.max");
    const script = (size: string): string =>
      inside(`exec dd if=/dev/zero of=/dev/null bs=${size} count=1`);
    expect(runShell(machine, script("8M")).code).toBe(0);
    expect(runShell(machine, script("64M")).code).toBe(137);
  });

  it("spin takes five times as long with a fifth of a CPU", () => {
    const machine = programBed();
    cgroup(machine, 'echo "20000 100000" > t/cpu.max');
    const { stdout } = runShell(machine, inside("spin 1"));
    const seconds = Number(/in ([0-9.]+) s/.exec(stdout)?.[1]);
    expect(seconds).toBeGreaterThan(4.5);
    expect(seconds).toBeLessThan(5.5);
  });

  it("a fork bomb meets pids.max", () => {
    const machine = programBed();
    cgroup(machine, "echo 8 > t/pids.max");
    const ran = runShell(
      machine,
      `${inside("f() { f | f & }; f; wait")}; sleep 1; grep max /sys/fs/cgroup/t/pids.events; cat /sys/fs/cgroup/t/pids.current`,
    );
    expect(ran.stderr).toContain("sh: can't fork: Resource temporarily unavailable\n");
    expect(ran.stdout).toMatch(/^max [1-9][0-9]*\n0\n$/);
  });
});

describe("looking around", () => {
  const machine = programBed();

  it("ps has busybox's columns", () => {
    const { stdout } = runShell(machine, "ps; true");
    expect(stdout.split("\n")[0]).toBe("PID   USER     TIME  COMMAND");
    expect(stdout).toMatch(/^ {4}1 root {6}0:00 \/sbin\/init$/m);
    expect(stdout).toMatch(/^ *[0-9]+ root {6}0:00 ps$/m);
  });

  it("a shell's last command takes its place", () => {
    const { stdout } = runShell(machine, 'echo $$; exec sh -c "ps -o pid,args | tail -1"');
    const [pid] = stdout.split("\n");
    expect(runShell(machine, "ps -o pid,comm").stdout).toMatch(/ ps\n$/);
    expect(Number(pid)).toBeGreaterThan(1);
  });

  it("mount lists, binds, remounts read-only, and says why not", () => {
    const ran = runShell(
      machine,
      "mkdir -p /tmp/a /tmp/b; mount --bind /tmp/a /tmp/b; mount -o remount,bind,ro /tmp/b; touch /tmp/b/x; mount | grep /tmp/b; umount /tmp/b",
    );
    expect(ran.stdout).toBe("tmpfs on /tmp/b type tmpfs (ro,relatime)\n");
    expect(ran.stderr).toBe("touch: /tmp/b/x: Read-only file system\n");
  });

  it("an unprivileged user may not mount, chown or read shadow", () => {
    const ran = runShell(
      machine,
      "su nobody -s /bin/sh -c 'id -u; mount -t tmpfs x /mnt; cat /etc/shadow; chown 0 /etc/passwd; hostname x; kill 1; dmesg'",
    );
    expect(ran.stdout).toBe("65534\n");
    expect(ran.stderr.split("\n")).toEqual([
      "mount: permission denied (are you root?)",
      "cat: can't open '/etc/shadow': Permission denied",
      "chown: /etc/passwd: Operation not permitted",
      "hostname: sethostname: Operation not permitted",
      "sh: can't kill pid 1: Operation not permitted",
      "dmesg: klogctl: Operation not permitted",
      "",
    ]);
  });

  it("unshare -r makes a root that is none outside, unshare -p a pid 1", () => {
    const ran = runShell(
      machine,
      "su nobody -s /bin/sh -c 'unshare -r sh -c \"id -u; cat /proc/self/uid_map; hostname x\"'; unshare -pf --mount-proc sh -c 'echo $$; ps | wc -l'; unshare -u sh -c 'hostname inner; hostname'; hostname",
    );
    expect(ran.stdout).toBe("0\n         0      65534          1\n1\n4\ninner\nvitrine-sim\n");
    expect(ran.stderr).toBe("hostname: sethostname: Operation not permitted\n");
  });

  it("every applet is in the catalogue and answers --help", () => {
    const plain = ["echo", "printf", "test", "[", "true", "false"];
    for (const name of Object.keys(applets)) {
      const entry = catalogueEntry(name);
      expect(entry, name).toBeDefined();
      if (plain.includes(name)) continue;
      const ran = runProgram(machine, [name, "--help"]);
      expect(ran.stderr, name).toContain(entry?.about);
    }
    for (const name of machine.programs.keys()) expect(catalogueEntry(name), name).toBeDefined();
    expect(runShell(machine, "help").stdout).toContain(
      "  ls             List directory contents\n",
    );
  });
});

describe("time passes", () => {
  it.each([
    ["a loop that never waits", "while :; do :; done"],
    ["an endless copy", "cat /dev/zero > /dev/null"],
    ["an endless line", "yes > /dev/null"],
    ["dd without an end", "dd if=/dev/zero of=/dev/null bs=1M 2>/dev/null"],
  ])("%s can be ended by a timeout", (_name, script) => {
    expect(runShell(programBed(), `timeout 0.2 sh -c '${script}'; echo $?`).stdout).toBe("143\n");
  });

  it("sleeps in virtual time, and says so", () => {
    const ran = runShell(programBed(), "date +%T; sleep 3600; date +%T; time -p sleep 2");
    expect(ran.stdout).toMatch(/^00:00:00\n01:00:0[0-9]\n$/);
    expect(ran.stderr).toBe("real 2.00\nuser 0.00\nsys 0.00\n");
  });

  it("the same commands take the same time, twice", () => {
    const run = (): readonly unknown[] => {
      const machine = programBed();
      const ran = runShell(
        machine,
        "ls -lR /etc | sort | md5 2>&1; for i in 1 2 3; do echo $i $RANDOM; done | tac",
      );
      return [ran, machine.scheduler.nowNs];
    };
    expect(run()).toEqual(run());
  });
});

describe("the probe", () => {
  it("says what the C one says", () => {
    const ran = runProgram(programBed(), [
      "/usr/libexec/vitrine/vitrine-probe",
      ...[
        "say",
        "a",
        "b",
        "+",
        "stat",
        "/dev/null",
        "+",
        "cat",
        "/nope",
        "+",
        "nope",
        "+",
        "umask",
        "+",
        "fds",
      ],
      ...[
        "+",
        "try",
        "getpid",
        "+",
        "readlink",
        "/bin",
        "+",
        "stat",
        "+",
        "exit",
        "5",
        "+",
        "say",
        "x",
      ],
    ]);
    expect(ran).toEqual({
      stdout:
        "a b\nstat /dev/null 20666 0:0 1:3 0\nerror cat /nope 2\nunknown nope\numask 0022\nfd 0 pipe\nfd 1 pipe\nfd 2 pipe\ntry getpid 0\nlink /bin usr/bin\nerror stat - 22\n",
      stderr: "",
      code: 5,
    });
  });

  it("becomes a program for which a call does not exist", () => {
    // 83 is mkdir on x86-64, 258 mkdirat.
    const ran = runProgram(programBed(), [
      "/usr/libexec/vitrine/vitrine-probe",
      "nosys",
      "258",
      "/bin/mkdir",
      "/tmp/x",
    ]);
    expect(ran).toEqual({
      stdout: "",
      stderr: "mkdir: can't create directory '/tmp/x': Function not implemented\n",
      code: 1,
    });
  });
});

describe("a shell on a terminal", () => {
  function terminal(): { type: (text: string) => string } {
    const machine = programBed();
    const { init } = machine;
    const master = openat2(init, AT_FDCWD, "/dev/ptmx", { flags: O_RDWR | O_NOCTTY });
    const file = fileOf(init, master);
    const pty = ptyOf(file);
    if (!(file.stream instanceof PtyMaster) || pty === undefined) throw new Error("no pty");
    const slave = openat2(init, AT_FDCWD, `/dev/pts/${pty.number}`, { flags: O_RDWR | O_NOCTTY });
    const env = ["PATH=/bin", "HOME=/root", "PS1=$ "];
    const shell = spawnProcess(init, {
      comm: "sh",
      argv: ["sh"],
      env,
      // biome-ignore lint/correctness/useYield: it becomes the shell at once
      *body(self) {
        setsid(self);
        self.tty = fileOf(self, 0);
        return execve(self, "/bin/sh", ["sh"], env);
      },
    });
    for (let fd = 0; fd < 3; fd++) {
      const end = fileOf(init, slave);
      end.references++;
      shell.fds.set(fd, end);
    }
    const settle = (): string => {
      machine.scheduler.settle();
      let text = "";
      while (pty.output.size > 0) text += textOf(readNow(init, master, 4096));
      return text.replaceAll("\r\n", "\n");
    };
    settle();
    return {
      type: (text) => {
        pty.type(bytesOf(text));
        return settle();
      },
    };
  }

  it("prompts, echoes, runs, and goes on after a mistake", () => {
    const { type } = terminal();
    expect(type("echo hi\n")).toBe("echo hi\nhi\n$ ");
    expect(type("nope\n")).toBe("nope\nsh: nope: not found\n$ ");
    expect(type("if true\n")).toBe("if true\n> ");
    expect(type("then echo yes; fi\n")).toBe("then echo yes; fi\nyes\n$ ");
    expect(type(")\n")).toBe(')\nsh: syntax error: unexpected ")"\n$ ');
    expect(type("x=5; tty\n")).toMatch(/\/dev\/pts\/0\n\$ $/);
    expect(type("echo $x\n")).toBe("echo $x\n5\n$ ");
  });

  it("^C ends what runs in front, and the line that is typed, but not the shell", () => {
    const { type } = terminal();
    expect(type("sleep 1000\n")).toBe("sleep 1000\n");
    expect(type("\x03")).toBe("^C\n$ ");
    expect(type("echo $?\n")).toBe("echo $?\n130\n$ ");
    expect(type("half a line\x03")).toContain("^C\n$ ");
    expect(type("echo still\n")).toBe("echo still\nstill\n$ ");
  });
});
