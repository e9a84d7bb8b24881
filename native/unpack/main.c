/*
 * vitrine-unpack TARGET [LOWER...]
 *
 * Writes one image layer into the empty directory TARGET. The archive is parsed elsewhere; here come
 * records (record.h) on standard input. Works with nothing but TARGET in sight (confine.h), so that no
 * archive, however it is made, changes anything outside. LOWER are the unpacked layers below, topmost
 * first. Exit status 0 means: everything is written and synced to disk. On failure one line on stderr.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "confine.h"
#include "entry.h"
#include "fail.h"
#include "record.h"
#include "tree.h"

#define LOWER_MAX 512

int main(int argc, char **argv)
{
    static struct record record;
    static int lower[LOWER_MAX];
    struct tree tree = {.root = -1, .lower = lower, .lower_count = 0};

    if (argc < 2 || argc - 2 > LOWER_MAX)
        fail(EINVAL, "usage: vitrine-unpack TARGET [LOWER...]", "");
    if (close_range(3, ~0u, 0) < 0)
        fail(errno, "close_range", "");
    for (int i = 2; i < argc; i++) {
        int fd = open(argv[i], O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
            fail(errno, "open the layer below", argv[i]);
        lower[tree.lower_count++] = fd;
    }
    umask(0);
    confine(argv[1]);
    tree.root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (tree.root < 0)
        fail(errno, "open", argv[1]);
    for (;;) {
        record_read(STDIN_FILENO, &record);
        if (record.type == RECORD_END)
            break;
        entry_write(&tree, &record, STDIN_FILENO);
    }
    entry_finish(&tree);
    if (syncfs(tree.root) < 0)
        fail(errno, "syncfs", argv[1]);
    return 0;
}
