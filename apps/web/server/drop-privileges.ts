/**
 * Root is given up before the first request is answered. The user is a bare number from the range that
 * systemd keeps for dynamic users: no entry in /etc/passwd is needed, and no other service shares it.
 * The daemon gives its trace socket the same group.
 */

/** Default user and group of the dashboard; the trace socket is root's with this group, mode 0660. */
export const dashboardId = 65_432;

/** Becomes `id` for good and checks that there is no way back. Does nothing for other users than root. */
export function dropPrivileges(id: number): boolean {
  if (process.getuid?.() !== 0) return false;
  process.setgroups?.([]);
  process.setgid?.(id);
  process.setuid?.(id);
  try {
    process.setuid?.(0);
  } catch {
    return true;
  }
  throw new Error("root could be taken back after setuid; refusing to serve");
}
