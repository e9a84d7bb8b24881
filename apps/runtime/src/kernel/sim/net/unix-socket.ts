/** Stream sockets with a path (unix(7)). */
import { AT_FDCWD, O_PATH } from "../abi.ts";
import type { Process } from "../process/process.ts";
import { isRefusal, refuse } from "../refusal.ts";
import { close, fileOf, mknodat, openat2, statat } from "../syscall/file.ts";
import type { Inode } from "../vfs/inode.ts";
import type { Socket } from "./socket.ts";
import { join, TcpEndpoint } from "./tcp-endpoint.ts";

const bound = new WeakMap<Inode, Socket>();

function inodeAt(caller: Process, path: string): Inode {
  const fd = openat2(caller, AT_FDCWD, path, { flags: O_PATH });
  try {
    return fileOf(caller, fd).inode ?? refuse("ECONNREFUSED");
  } finally {
    close(caller, fd);
  }
}

/** Makes the socket file. EADDRINUSE when something is there, as bind(2) says it of EEXIST. */
export function bindPath(caller: Process, socket: Socket, path: string): void {
  if (socket.path !== "") refuse("EINVAL");
  try {
    mknodat(caller, AT_FDCWD, path, "socket", 0o777);
  } catch (thrown) {
    if (isRefusal(thrown, "EEXIST")) refuse("EADDRINUSE");
    throw thrown;
  }
  socket.path = path;
  socket.inode = inodeAt(caller, path);
  bound.set(socket.inode, socket);
  const { inode } = socket;
  socket.onClose(() => bound.delete(inode));
}

/** ECONNREFUSED when nobody listens, EACCES without write permission, EAGAIN when the backlog is full. */
export function connectPath(caller: Process, socket: Socket, path: string): void {
  if (socket.endpoint !== undefined) refuse("EISCONN");
  const stat = statat(caller, AT_FDCWD, path);
  if (stat.type !== "socket") refuse("ECONNREFUSED");
  const listener = bound.get(inodeAt(caller, path));
  if (listener?.backlog === undefined) refuse("ECONNREFUSED");
  const near = new TcpEndpoint({ ip: "", port: 0 }, { ip: path, port: 0 });
  const far = new TcpEndpoint({ ip: path, port: 0 }, { ip: "", port: 0 });
  join(near, far);
  if (!listener.offer(far)) refuse("EAGAIN");
  socket.endpoint = near;
}
