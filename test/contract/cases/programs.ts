/** What programs say: sh and the usual applets, of busybox on the real kernel. */

import { container } from "../container-case.ts";
import type { ContractCase } from "../contract-case.ts";
import { capBounding, capset, file, setattr, setgid, setuid } from "../op-words.ts";

export const programCases: readonly ContractCase[] = [
  {
    name: "sh: variables, quotes and substitution",
    run: container({ sh: 'a=one; b="$a two"; echo $b "$b" \'$b\' "$a"x $(echo three)' }),
    expect: ["one two one two $b onex three"],
  },
  {
    name: "sh: if, for, while, case",
    run: container({
      sh: "for i in 1 2 3; do if [ $i = 2 ]; then echo two; else echo $i; fi; done; n=0; while [ $n -lt 2 ]; do n=$((n+1)); echo n$n; done; case abc in a*) echo starts;; *) echo no;; esac",
    }),
    expect: ["1", "two", "3", "n1", "n2", "starts"],
  },
  {
    name: "sh: && and || and ;",
    run: container({
      sh: "true && echo a; false && echo b; false || echo c; true || echo d; false; echo $?",
    }),
    expect: ["a", "c", "1"],
  },
  {
    name: "sh: pipes",
    run: container({ sh: 'echo b a c | tr " " "\\n" | sort | head -n 2' }),
    expect: ["a", "b"],
  },
  {
    name: "sh: redirection to, from and of descriptors",
    run: container({
      sh: "echo one > /tmp/f; echo two >> /tmp/f; cat < /tmp/f; ls /none 2>/dev/null; echo $?; echo err >&2",
    }),
    expect: ["one", "two", "1", "stderr: err"],
  },
  {
    name: "sh: a here document",
    run: container({ sh: "cat <<EOF\nline $((1+1))\nEOF" }),
    expect: ["line 2"],
  },
  {
    name: "sh: subshells keep their variables",
    run: container({ sh: "a=1; (a=2; echo $a); echo $a; { a=3; }; echo $a" }),
    expect: ["2", "1", "3"],
  },
  {
    name: "sh: functions and arguments",
    run: container({ sh: "f() { echo $1 $#; return 3; }; f x y; echo $?" }),
    expect: ["x 2", "3"],
  },
  {
    name: "sh: set -e ends at the first failure",
    run: container({ sh: "set -e; echo a; false; echo b" }),
    expect: ["a", "exit 1"],
  },
  {
    name: "sh: background, wait and its code",
    run: container({ sh: 'sh -c "exit 4" & wait $!; echo $?' }),
    expect: ["4"],
  },
  {
    name: "sh: the environment reaches children",
    run: container({ sh: "A=1; export A; sh -c 'echo $A'; B=2 sh -c 'echo $B'; echo [$B]" }),
    expect: ["1", "2", "[]"],
  },
  {
    name: "sh: exec replaces the shell",
    run: container({ sh: "echo $$; exec sh -c 'echo $$'" }),
    expect: ["1", "1"],
  },
  {
    name: "sh: names with * and ?",
    run: container({ sh: "cd /tmp; touch a1 a2 b1; echo a* ?1 z*" }),
    expect: ["a1 a2 a1 b1 z*"],
  },
  {
    name: "sh: cd and pwd",
    run: container({
      sh: "cd /plain/inner; pwd; cd ..; pwd; cd /none 2>/dev/null || echo failed; pwd",
    }),
    expect: ["/plain/inner", "/plain", "failed", "/plain"],
  },
  {
    name: "sh: a redirection that fails",
    run: container({ sh: "echo x > /none/f; echo $?; echo x > /etc; echo $?" }),
    expect: [
      "1",
      "1",
      "stderr: sh: can't create /none/f: nonexistent directory",
      "stderr: sh: can't create /etc: Is a directory",
    ],
  },
  {
    name: "sh: a syntax error is 2",
    run: container({ sh: "if true; then echo" }),
    expect: ['stderr: sh: syntax error: unexpected end of file (expecting "fi")', "exit 2"],
  },
  {
    name: "ls: names, hidden ones, one a line",
    run: container({ sh: "cd /tmp; touch b a .h; mkdir d; ls; ls -a; ls -1 /plain" }),
    expect: ["a", "b", "d", ".", "..", ".h", "a", "b", "d", "inner"],
  },
  {
    name: "ls: what is not there",
    run: container({ sh: "ls /none; echo $?" }),
    expect: ["1", "stderr: ls: /none: No such file or directory"],
  },
  {
    name: "ls -l: mode, owner and size",
    run: container({
      sh: 'cd /tmp; echo 12345 > f; chmod 640 f; chown 1000:1000 f; mkdir -m 700 d; ln -s f l; ls -l f l | cut -c1-10; ls -ld d | cut -c1-10; ls -ln f | tr -s " " | cut -d" " -f1-5',
    }),
    expect: ["-rw-r-----", "lrwxrwxrwx", "drwx------", "-rw-r----- 1 1000 1000 6"],
  },
  {
    name: "cat: files, stdin and what is not there",
    run: container({
      sh: "echo a > /tmp/a; echo b > /tmp/b; cat /tmp/a /tmp/b; echo c | cat; cat /none; echo $?",
    }),
    expect: ["a", "b", "c", "1", "stderr: cat: can't open '/none': No such file or directory"],
  },
  {
    name: "echo: -n and -e",
    run: container({ sh: 'echo -n a; echo b; echo -e "x\\ty"' }),
    expect: ["ab", "x\ty"],
  },
  {
    name: "id and whoami",
    run: container({ sh: "id; id -u; id -g; whoami" }),
    expect: ["uid=0(root) gid=0(root)", "0", "0", "root"],
  },
  {
    name: "id of a user",
    run: container({
      sh: "id; id -un",
      last: [setgid(1000), { op: "setgroups", groups: [1000] }, setuid(1000)],
    }),
    expect: ["uid=1000(user) gid=1000(user) groups=1000(user)", "user"],
  },
  {
    name: "id of nobody known",
    run: container({ sh: "id; whoami; echo $?", last: [setgid(4444), setuid(4444)] }),
    expect: ["uid=4444 gid=4444", "1", "stderr: whoami: unknown uid 4444"],
  },
  {
    name: "hostname",
    run: container({
      sh: "hostname; hostname other; hostname",
      inside: [{ op: "sethostname", name: "box" }],
    }),
    expect: ["box", "other"],
  },
  {
    name: "ps shows the container's processes only",
    run: container({ sh: 'sleep 7 & ps | grep -v grep | grep -v "sh -c" | grep -c "sleep 7"' }),
    expect: ["1"],
  },
  {
    name: "kill and what it says",
    run: container({ sh: "sleep 100 & kill $!; wait $!; echo $?; kill 4444; echo $?" }),
    expect: ["143", "1", "stderr: Terminated", "stderr: sh: can't kill pid 4444: No such process"],
  },
  {
    name: "mkdir, rmdir, rm, mv, cp, ln",
    run: container({
      sh: "cd /tmp; mkdir -p a/b; mkdir a; echo $?; echo x > a/f; cp a/f a/g; mv a/g a/b/h; ln -s f a/l; ls a a/b; rmdir a; echo $?; rm -r a; ls",
    }),
    expect: [
      "1",
      "a:",
      "b",
      "f",
      "l",
      "a/b:",
      "h",
      "1",
      "stderr: mkdir: can't create directory 'a': File exists",
      "stderr: rmdir: 'a': Directory not empty",
    ],
  },
  {
    name: "touch, chmod, chown and stat",
    run: container({
      sh: 'cd /tmp; touch f; chmod 4755 f; chown 1000:50 f; stat -c "%a %u %g %s %F" f; stat -c "%a %F" /tmp',
    }),
    expect: ["755 1000 50 0 regular empty file", "1777 directory"],
  },
  {
    name: "grep, wc, head, tail, cut, sort, uniq",
    run: container({
      sh: 'printf "b 2\\na 1\\nb 2\\n" > /tmp/f; grep a /tmp/f; grep -c b /tmp/f; grep -v b /tmp/f; wc -l < /tmp/f; head -n 1 /tmp/f; tail -n 1 /tmp/f; cut -d" " -f2 /tmp/f; sort /tmp/f | uniq',
    }),
    expect: ["a 1", "2", "a 1", "3", "b 2", "b 2", "2", "1", "2", "a 1", "b 2"],
  },
  {
    name: "grep finds nothing: 1",
    run: container({ sh: "echo a | grep b; echo $?" }),
    expect: ["1"],
  },
  {
    name: "seq, test, expr, true, false",
    run: container({
      sh: "seq 3; test -f /etc/passwd; echo $?; [ -d /etc ] && echo dir; test 1 -gt 2; echo $?; expr 2 + 3; false; echo $?",
    }),
    expect: ["1", "2", "3", "0", "dir", "1", "5", "1"],
  },
  {
    name: "basename, dirname, readlink, printf",
    run: container({
      sh: 'basename /a/b.c; dirname /a/b.c; ln -s /etc/passwd /tmp/l; readlink /tmp/l; printf "%s-%d\\n" a 5',
    }),
    expect: ["b.c", "/a", "/etc/passwd", "a-5"],
  },
  {
    name: "env and its variables",
    run: container({
      sh: "env | grep -v -e SHLVL -e PWD | sort",
      env: ["PATH=/bin", "B=2", "A=1"],
    }),
    expect: ["A=1", "B=2", "PATH=/bin"],
  },
  {
    name: "mount without the right is refused",
    run: container({
      sh: "mount -t tmpfs none /mnt; echo $?",
      last: [capBounding("chown"), capset({})],
    }),
    expect: ["1", "stderr: mount: permission denied (are you root?)"],
  },
  {
    name: "mount and umount of a tmpfs",
    run: container({
      sh: "mount -t tmpfs none /mnt && echo x > /mnt/f && ls /mnt && umount /mnt && ls /mnt",
    }),
    expect: ["f"],
  },
  {
    name: "mount without arguments lists the mounts",
    run: container({ sh: 'mount | grep -v bin | cut -d" " -f3,5 | sort' }),
    expect: ["/ tmpfs", "/dev tmpfs", "/proc proc", "/sys sysfs"],
  },
  {
    name: "umount of no mount",
    run: container({ sh: "umount /mnt; echo $?" }),
    expect: ["1", "stderr: umount: can't unmount /mnt: Invalid argument"],
  },
  {
    name: "dd copies and counts",
    run: container({ sh: "dd if=/dev/zero of=/tmp/z bs=1024 count=4 2>/dev/null; wc -c < /tmp/z" }),
    expect: ["4096"],
  },
  {
    name: "/dev/null, /dev/zero and /dev/full",
    run: container({
      sh: "echo x > /dev/null; cat /dev/null; head -c 3 /dev/zero | wc -c; echo x > /dev/full; echo $?",
    }),
    expect: ["3", "1", "stderr: sh: write error: No space left on device"],
  },
  {
    name: "/proc/self and /proc/mounts",
    run: container({
      sh: "readlink /proc/self/exe; cat /proc/self/comm; grep -c . /proc/self/mounts; readlink /proc/self/cwd",
    }),
    expect: ["/bin/busybox", "cat", "5", "/"],
  },
  {
    name: "/proc/1/cmdline and status",
    run: container({
      sh: 'tr "\\0" " " < /proc/1/cmdline | cut -c1-5; echo; grep -E "^(Name|Pid|PPid|Uid)" /proc/1/status',
    }),
    expect: ["sh -c", "Name grep", "Pid 1", "PPid 0", "Uid 0\t0\t0\t0"],
  },
  {
    name: "/proc/sys is read-only when it is made so",
    run: container({
      sh: "echo x > /proc/sys/kernel/hostname; echo $?",
      inside: [{ op: "readonlyPath", path: "/proc/sys" }],
    }),
    expect: ["1", "stderr: sh: can't create /proc/sys/kernel/hostname: Read-only file system"],
  },
  {
    name: "writing to the read-only root",
    run: container({
      sh: "echo x > /f; echo $?; touch /g; mkdir /d",
      mounts: [setattr("rootfs", ["rdonly"])],
    }),
    expect: [
      "1",
      "stderr: sh: can't create /f: Read-only file system",
      "stderr: touch: /g: Read-only file system",
      "stderr: mkdir: can't create directory '/d': Read-only file system",
      "exit 1",
    ],
  },
  {
    name: "a user reads and writes what is allowed",
    run: container({
      sh: "cat /etc/secret; echo x > /etc/f; echo mine > /tmp/f; cat /tmp/f",
      mounts: [file("~/root/etc/secret", "s", 0o600)],
      last: [setgid(1000), setuid(1000)],
    }),
    expect: [
      "mine",
      "stderr: cat: can't open '/etc/secret': Permission denied",
      "stderr: sh: can't create /etc/f: Permission denied",
    ],
  },
  {
    name: "date, uname and sleep work",
    run: container({ sh: "sleep 0.01 && uname -s && date +%s | wc -l" }),
    expect: ["Linux", "1"],
  },
  {
    name: "yes is ended by a closed pipe",
    run: container({ sh: "yes | head -n 2" }),
    expect: ["y", "y"],
  },
  {
    name: "xargs, tee and find",
    run: container({
      sh: "cd /tmp; mkdir d; touch d/a d/b; find d -type f | sort | xargs echo; echo t | tee x; cat x",
    }),
    expect: ["d/a d/b", "t", "t"],
  },
  {
    name: "sed and awk",
    run: container({ sh: 'echo "a b c" | sed s/b/X/; echo "a b c" | awk \'{ print $2 }\'' }),
    expect: ["a X c", "b"],
  },
  {
    name: "a script in a file",
    run: container({
      sh: 'printf "#!/bin/sh\\necho script \\$1\\nexit 3\\n" > /tmp/s; /tmp/s; chmod +x /tmp/s; /tmp/s arg; echo $?',
    }),
    expect: ["script arg", "3", "stderr: sh: /tmp/s: Permission denied"],
  },
  {
    name: "a directory is not executable",
    run: container({ sh: "/tmp; echo $?" }),
    expect: ["126", "stderr: sh: /tmp: Permission denied"],
  },
];
