/* Walls around the writer, before it reads the first byte that a stranger wrote. */
#ifndef VITRINE_UNPACK_CONFINE_H
#define VITRINE_UNPACK_CONFINE_H

/*
 * Enters a mount namespace of its own whose root is `target` and where nothing else is mounted, gives
 * up every capability the work does not need, new privileges, core dumps and most system calls.
 * Fds that are open stay; the caller has opened only directories it needs.
 */
void confine(const char *target);

/* Sets trusted.overlay.opaque on a directory: the only thing that wants CAP_SYS_ADMIN, which is raised for it alone. */
int set_opaque(int directory);

#endif
