/** What programs there are, with one line each: for `help`, for --help, for lessons. */
import type { Machine } from "../machine.ts";

export interface CatalogueEntry {
  readonly name: string;
  /** What comes behind the name: "[-1AaCdFhilnRrSt] [FILE]...". */
  readonly usage: string;
  /** "List directory contents". */
  readonly about: string;
}

const rows: readonly (readonly [name: string, usage: string, about: string])[] = [
  ["[", "EXPRESSION ]", "Check file types and compare values"],
  [
    "awk",
    "[-F SEP] [-v VAR=VAL] PROGRAM [FILE]...",
    "Scan lines for patterns and print parts of them",
  ],
  ["basename", "FILE [SUFFIX]", "Strip directory path and SUFFIX from FILE"],
  ["bridge", "< CONFIGURATION", "CNI plugin: puts a pod on a bridge"],
  ["busybox", "[APPLET [ARG...]]", "All applets in one executable"],
  ["capsh", "--print", "Show the capabilities of this process"],
  ["cat", "[-n] [FILE]...", "Print FILEs to stdout"],
  ["chmod", "[-R] MODE FILE...", "Change the mode of FILEs"],
  ["chown", "[-Rh] OWNER[:GROUP] FILE...", "Change the owner of FILEs"],
  ["chroot", "NEWROOT [PROG ARGS]", "Run PROG with another root directory"],
  ["clear", "", "Clear the screen"],
  ["cp", "[-arRf] SOURCE... DEST", "Copy files"],
  ["cut", "-c|-f LIST [-d SEP] [-s] [FILE]...", "Print selected fields of each line"],
  ["date", "[-u] [-d @SECONDS] [+FORMAT]", "Show the virtual time of this machine"],
  [
    "dd",
    "[if=FILE] [of=FILE] [bs=N] [count=N] [skip=N] [seek=N] [conv=notrunc]",
    "Copy a file; bs is memory that it takes",
  ],
  ["df", "[-hkT] [FILESYSTEM]...", "Show used and free space of file systems"],
  ["dirname", "FILE", "Strip the last component of FILE"],
  ["dmesg", "", "Show messages of the kernel (for CAP_SYSLOG)"],
  ["du", "[-shka] [FILE]...", "Show the space files use"],
  ["eat-memory", "BYTES [SECONDS]", "Take memory step by step, hold it, and say how far it got"],
  ["echo", "[-neE] [ARG]...", "Print ARGs"],
  [
    "env",
    "[-i] [-u NAME] [NAME=VALUE]... [PROG ARGS]",
    "Run PROG in a changed environment, or print it",
  ],
  ["expr", "EXPRESSION", "Print the value of EXPRESSION"],
  ["false", "", "Return failure"],
  ["find", "[PATH]... [-name P] [-type T] [-maxdepth N] [-print]", "Find files"],
  ["free", "[-bkmgh]", "Show memory of the machine"],
  ["grep", "[-HhnlLoqvsriwFEcx] [-m N] PATTERN [FILE]...", "Search for PATTERN in FILEs"],
  ["groups", "", "Print the groups of this user"],
  ["head", "[-n N] [-c N] [FILE]...", "Print the first lines of FILEs"],
  ["host-local", "< CONFIGURATION", "CNI plugin: leases addresses"],
  ["hostname", "[NAME]", "Show or set the host name"],
  ["httpd", "[-f] [-p PORT] [-h DIRECTORY]", "Serve files over HTTP"],
  ["id", "[-ugGn]", "Show user and groups"],
  ["ip", "[link|addr|route|netns] ...", "Show and change network devices, addresses, routes"],
  ["kill", "[-SIGNAL] PID...", "Send a signal"],
  ["ln", "[-sfn] TARGET... LINK", "Make links"],
  ["loopback", "< CONFIGURATION", "CNI plugin: brings lo up"],
  ["ls", "[-1AaCdFhilnpRrSst] [FILE]...", "List directory contents"],
  ["mkdir", "[-p] [-m MODE] DIRECTORY...", "Make directories"],
  ["mkfifo", "[-m MODE] NAME", "Make a named pipe"],
  ["mknod", "[-m MODE] NAME TYPE [MAJOR MINOR]", "Make a device node or a named pipe"],
  [
    "mount",
    "[-t TYPE] [-o OPTIONS] [--bind|--rbind|--make-...] SOURCE TARGET",
    "Mount a file system, or list the mounts",
  ],
  ["mv", "[-fn] SOURCE... DEST", "Rename files"],
  ["nc", "[-l -p PORT] | HOST PORT", "A connection from and to stdio"],
  ["nohup", "PROG ARGS", "Run PROG immune to hangups"],
  ["nproc", "", "Print how many CPUs there are"],
  ["nsenter", "[-t PID] [-muinpUC] [PROG ARGS]", "Run PROG in namespaces of a process"],
  ["pgrep", "[-lfx] PATTERN", "Find processes by name"],
  ["pidof", "NAME...", "Pids of processes of that name"],
  ["ping", "[-c COUNT] HOST", "Ask HOST for an echo"],
  ["pivot_root", "NEW_ROOT PUT_OLD", "Make NEW_ROOT the root file system"],
  ["portmap", "< CONFIGURATION", "CNI plugin: maps ports of the host"],
  ["printenv", "[NAME]...", "Print environment variables"],
  ["printf", "FORMAT [ARG]...", "Print ARGs according to FORMAT"],
  ["ps", "[-ef] [-o COL1,COL2]", "Show processes"],
  ["pwd", "", "Print the working directory"],
  ["readlink", "[-fn] FILE", "Print what a symlink points to"],
  ["realpath", "FILE...", "Print the absolute path of FILE"],
  ["rm", "[-rfi] FILE...", "Remove files"],
  ["rmdir", "[-p] DIRECTORY...", "Remove empty directories"],
  ["sed", "[-n] [-e SCRIPT] [SCRIPT] [FILE]...", "Edit a stream: s, p, d, q with addresses"],
  ["seq", "[FIRST [INC]] LAST", "Print numbers"],
  [
    "setpriv",
    "[--dump] [--reuid ID] [--regid ID] [--no-new-privs] [--bounding-set SET] PROG ARGS",
    "Run PROG with other privileges, or show them",
  ],
  ["setsid", "PROG ARGS", "Run PROG in a session of its own"],
  ["sh", "[-ceux] [-o OPTION] [SCRIPT [ARGS]] | -c COMMAND [NAME [ARGS]]", "The shell"],
  ["sleep", "SECONDS...", "Wait; time is virtual"],
  ["sort", "[-nrufk] [FILE]...", "Sort lines"],
  ["spin", "SECONDS", "Burn CPU time"],
  ["stat", "[-c FORMAT] [-L] [-f] FILE...", "Show what the kernel knows of a file"],
  [
    "stress",
    "[--cpu N] [--vm N] [--vm-bytes BYTES] [--timeout SECONDS]",
    "Burn CPU time and take memory",
  ],
  ["stty", "size", "Show the size of the terminal"],
  ["su", "[-] [-c COMMAND] [USER]", "Run a shell as another user"],
  ["sync", "", "Write buffers to disk"],
  ["sysctl", "[-nw] KEY[=VALUE]...", "Show or set kernel parameters"],
  ["tac", "[FILE]...", "Print lines in reverse"],
  ["tail", "[-f] [-n N] [-c N] [FILE]...", "Print the last lines of FILEs"],
  ["tee", "[-a] [FILE]...", "Copy stdin to stdout and FILEs"],
  ["test", "EXPRESSION", "Check file types and compare values"],
  [
    "timeout",
    "[-s SIGNAL] [-k SECONDS] SECONDS PROG ARGS",
    "Run PROG, and kill it when it takes too long",
  ],
  ["top", "[-b] [-n COUNT]", "Show processes by the memory they have (one frame)"],
  ["touch", "[-c] FILE...", "Make files, or set their time to now"],
  ["tr", "[-cds] STRING1 [STRING2]", "Replace, delete or squeeze characters"],
  ["true", "", "Return success"],
  ["truncate", "[-c] -s SIZE FILE...", "Set the size of FILEs"],
  ["tty", "[-s]", "Print the name of the terminal"],
  ["umount", "[-lrf] TARGET...", "Take mounts away"],
  ["uname", "[-asnrvm]", "Show the system"],
  ["uniq", "[-cdu] [FILE]", "Drop repeated lines"],
  ["unlink", "FILE", "Remove one name"],
  ["unshare", "[-muinpUCr] [-f] [--mount-proc] [PROG ARGS]", "Run PROG in new namespaces"],
  ["uptime", "", "Show how long the machine is up"],
  ["usleep", "MICROSECONDS", "Wait; time is virtual"],
  [
    "vitrine-probe",
    "COMMAND [ARG...] [+ COMMAND...]",
    "Say what the inside of a container looks like",
  ],
  ["watch", "[-n SECONDS] PROG ARGS", "Run PROG again and again"],
  ["wc", "[-clw] [FILE]...", "Count lines, words and bytes"],
  ["wget", "[-qO FILE] URL", "Fetch a file over HTTP"],
  ["which", "COMMAND...", "Find a program in PATH"],
  ["whoami", "", "Print the name of the effective user"],
  ["xargs", "[-n N] [-I STR] [PROG ARGS]", "Run PROG with arguments from stdin"],
  ["yes", "[STRING]", "Print a line until killed"],
];

/** Names that are another way to call a program above, and what is no applet. */
const variants: typeof rows = [
  ["time", "[-p] PROG ARGS", "Run PROG and say how long it took"],
  ["ash", "[-ceux] [SCRIPT [ARGS]]", "The shell"],
  ["demo", "serve PORT | fetch URL", "The program of the demo image"],
  ["nginx", "[-g DIRECTIVES]", "A web server that answers with a page"],
  ["nslookup", "HOST", "Ask the resolver for the addresses of HOST"],
  ["pause", "", "Wait, and reap who is left: the first process of a pod"],
  [
    "vitrine-bridge",
    "< CONFIGURATION",
    "CNI plugin of the project: a pod's veth, address, routes and ports",
  ],
  ["chgrp", "[-Rh] GROUP FILE...", "Change the group of FILEs"],
  [
    "egrep",
    "[-HhnlLoqvsriwcx] [-m N] PATTERN [FILE]...",
    "Search for an extended pattern in FILEs",
  ],
  ["fgrep", "[-HhnlLoqvsriwcx] [-m N] TEXT [FILE]...", "Search for a text in FILEs"],
  ["killall", "[-SIGNAL] NAME...", "Send a signal to processes of that name"],
  ["mountpoint", "[-q] DIRECTORY", "Say whether DIRECTORY is a mount point"],
  ["pkill", "[-SIGNAL] [-fx] PATTERN", "Send a signal to processes found by name"],
];

const entries: ReadonlyMap<string, CatalogueEntry> = new Map(
  [...rows, ...variants]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, usage, about]) => [name, { name, usage, about }]),
);

/** Every program with a line, by name. */
export function catalogue(): readonly CatalogueEntry[] {
  return [...entries.values()];
}

export function catalogueEntry(name: string): CatalogueEntry | undefined {
  return entries.get(name);
}

/** The text of `help`: what this machine has, one line each. */
export function catalogueText(machine: Machine): string {
  let text = "Programs of this simulated machine (NAME --help says more):\n";
  for (const { name, about } of entries.values())
    if (machine.programs.has(name)) text += `  ${name.padEnd(14)} ${about}\n`;
  return text;
}
