/** What a program sees of a terminal: whether an fd is one, and its name (isatty(3), ttyname(3)). */
import { ptyOf } from "../fs/pty.ts";
import type { Process } from "../process/process.ts";
import { isRefusal } from "../refusal.ts";
import { enter } from "../syscall/enter.ts";
import { fstat, type Stat } from "../syscall/file.ts";

/** Majors of pty slaves (136 to 143), of /dev/tty and /dev/console (5) and of virtual consoles (4). */
function isTerminalDevice(stat: Stat): boolean {
  if (stat.type !== "char") return false;
  return (
    (stat.major >= 136 && stat.major <= 143) ||
    stat.major === 4 ||
    (stat.major === 5 && stat.minor !== 2)
  );
}

export function isTerminal(self: Process, fd: number): boolean {
  try {
    return isTerminalDevice(fstat(self, fd));
  } catch (thrown) {
    if (isRefusal(thrown)) return false;
    throw thrown;
  }
}

/** Width of the window (TIOCGWINSZ); 0 when nobody has set it. */
export function terminalColumns(self: Process, fd: number): number {
  enter(self, "ioctl", fd, 0x5413);
  return ptyOf(self.fds.get(fd))?.columns ?? 0;
}

/** "/dev/pts/0"; undefined when the fd is no terminal. */
export function terminalName(self: Process, fd: number): string | undefined {
  if (!isTerminal(self, fd)) return undefined;
  const { major, minor } = fstat(self, fd);
  if (major >= 136) return `/dev/pts/${minor + (major - 136) * 256}`;
  return major === 5 ? (minor === 1 ? "/dev/console" : "/dev/tty") : `/dev/tty${minor}`;
}
