/*
 * Paths inside the target. Every one is resolved by openat2(2) below the target's own fd, so that
 * neither "..", nor a symlink, nor a magic link leads out of it, even without the mount namespace.
 */
#ifndef VITRINE_UNPACK_TREE_H
#define VITRINE_UNPACK_TREE_H

#include <stdbool.h>
#include <stddef.h>

struct tree {
    int root;
    /* Unpacked layers below, topmost first: implied directories look like theirs. */
    const int *lower;
    size_t lower_count;
};

/*
 * The directory that holds the last part of `path`, made with its parents when it is missing. Symlinks
 * on the way are followed inside the target. Returns an O_PATH fd that stays ours: not to be closed,
 * good until the next call. `*base` points at the last part.
 */
int tree_parent(struct tree *tree, const char *path, const char **base);

/* The same for a whole path; "" is the target. The caller closes the fd. */
int tree_directory(struct tree *tree, const char *path);

/* Opens the directory of an existing path without making anything; -errno when it is not there. */
int tree_existing(const struct tree *tree, const char *path);

/*
 * Whether the layers below show something at `path`. Also true when that cannot be told, because the way
 * leads through a symlink of this layer.
 */
bool tree_below_shows(const struct tree *tree, const char *path);

/* Forgets the parent kept from the last call: something on its way may have been replaced. */
void tree_forget_parent(void);

/* Removes `base` in `parent`, whatever it is, with all that is in it, following nothing. */
void tree_remove(int parent, const char *base, const char *path);

/* Called for each implied directory made, so that its time can be set at the end. */
void tree_on_implied(void (*made)(const char *path, long long mtime_s, unsigned mtime_ns));

#endif
