/* Unit tests of the Plan decoder: every op it takes, and everything around them that it must refuse. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../exec/plan-op.h"

static uint8_t buffer[PLAN_SIZE_MAX + 64];
static size_t used;
static unsigned checks;

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        checks++;                                                                                  \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

static void put(uint64_t value, unsigned width)
{
    for (unsigned i = 0; i < width; i++)
        buffer[used++] = (uint8_t)(value >> (8 * i));
}

static void put_string(const char *text)
{
    size_t length = strlen(text);
    put(length, 4);
    memcpy(buffer + used, text, length + 1);
    used += length + 1;
}

static void patch(size_t at, uint64_t value, unsigned width)
{
    size_t end = used;
    used = at;
    put(value, width);
    used = end;
}

static void begin(uint16_t count)
{
    used = 0;
    put(PLAN_MAGIC, 4);
    put(PLAN_VERSION, 2);
    put(count, 2);
    put(0, 4);
}

static size_t begin_op(uint16_t code)
{
    put(code, 2);
    put(PROCESS_OCI, 1);
    put(0, 1);
    size_t at = used;
    put(0, 4);
    return at;
}

static void end_op(size_t at)
{
    patch(at, used - at - 4, 4);
    patch(8, used, 4);
}

static struct plan plan;
static uint16_t bad;

/* On an exact copy on the heap, so that ASan sees every byte read past the end. */
static bool decode(size_t size)
{
    static uint8_t *copy;
    free(copy);
    copy = malloc(size ? size : 1);
    memcpy(copy, buffer, size);
    return plan_decode(copy, size, &plan, &bad);
}

static void one_mkdir(const char *path)
{
    begin(1);
    size_t op = begin_op(OP_MKDIR);
    put(PLAN_SLOT_NONE, 2);
    put_string(path);
    put(0755, 4);
    put(1, 1);
    put(0xffffffff, 4);
    put(7, 4);
    end_op(op);
}

static void test_frame(void)
{
    begin(0);
    patch(8, used, 4);
    CHECK(decode(used));
    CHECK(plan.count == 0);
    for (size_t size = 0; size < used; size++)
        CHECK(!decode(size));
    buffer[used++] = 0; /* a byte left over */
    CHECK(!decode(used));
    begin(0);
    patch(8, used, 4);
    patch(0, 0x12345678, 4);
    CHECK(!decode(used));
    begin(0);
    patch(8, used, 4);
    patch(4, PLAN_VERSION + 1, 2);
    CHECK(!decode(used));
    begin(1); /* fewer ops than counted */
    patch(8, used, 4);
    CHECK(!decode(used));
    begin(PLAN_OPS_MAX + 1);
    patch(8, used, 4);
    CHECK(!decode(used));
}

static void test_mkdir(void)
{
    struct op op;
    one_mkdir("/a/b");
    CHECK(decode(used));
    plan_op(&plan, 0, &op);
    CHECK(op.code == OP_MKDIR && op.process == PROCESS_OCI && op.at == PLAN_SLOT_NONE);
    CHECK(strcmp(op.path, "/a/b") == 0 && op.mode == 0755 && op.on);
    CHECK(op.uid == 0xffffffff && op.gid == 7);
    for (size_t size = 0; size < used; size++)
        CHECK(!decode(size));
}

static void test_strings(void)
{
    one_mkdir("/a/b");
    size_t text = PLAN_HEADER_SIZE + PLAN_OP_HEADER_SIZE + 2 + 4;
    buffer[text + 1] = 0; /* a NUL inside */
    CHECK(!decode(used));
    one_mkdir("/a/b");
    buffer[text + 4] = 'x'; /* none at the end */
    CHECK(!decode(used));
    one_mkdir("/a/b");
    patch(text - 4, 0xffffffff, 4); /* longer than the plan */
    CHECK(!decode(used));
    one_mkdir("/a/b");
    patch(text - 4, 3, 4); /* shorter than it is */
    CHECK(!decode(used));
    static char path[PLAN_PATH_MAX + 2];
    memset(path, 'a', sizeof path - 1);
    one_mkdir(path);
    CHECK(!decode(used)); /* longer than a path can be */
    path[PLAN_PATH_MAX] = 0;
    one_mkdir(path);
    CHECK(decode(used));
}

static void test_numbers(void)
{
    size_t body = PLAN_HEADER_SIZE + PLAN_OP_HEADER_SIZE;
    one_mkdir("/a");
    patch(body, PLAN_SLOTS_MAX, 2); /* no such slot */
    CHECK(!decode(used));
    one_mkdir("/a");
    patch(body + 2 + 4 + 3 + 4, 2, 1); /* a bool that is none */
    CHECK(!decode(used));
    one_mkdir("/a");
    patch(PLAN_HEADER_SIZE + 2, PLAN_PROCESSES, 1);
    CHECK(!decode(used));
    one_mkdir("/a");
    patch(PLAN_HEADER_SIZE + 3, PLAN_IGNORE_MAX + 1, 1);
    CHECK(!decode(used));
    one_mkdir("/a");
    patch(PLAN_HEADER_SIZE + 4, used - body + 1, 4); /* a body past the end */
    CHECK(!decode(used));
    one_mkdir("/a");
    buffer[used++] = 0; /* a byte left over in the body */
    patch(PLAN_HEADER_SIZE + 4, used - body, 4);
    patch(8, used, 4);
    CHECK(!decode(used));
    for (unsigned code = 0; code < 256; code++) { /* the body of a mkdir fits no other op */
        one_mkdir("/a");
        patch(PLAN_HEADER_SIZE, code, 2);
        CHECK(decode(used) == (code == OP_MKDIR));
    }
}

static void test_lists(void)
{
    struct op op;
    begin(1);
    size_t at = begin_op(OP_EXECVE);
    put_string("sh");
    put(2, 2);
    put_string("sh");
    put_string("-c");
    put(1, 2);
    put_string("A=B");
    end_op(at);
    CHECK(decode(used));
    plan_op(&plan, 0, &op);
    CHECK(op.u.execve.argv.count == 2 && op.u.execve.env.count == 1);
    CHECK(strcmp(list_string(&op.u.execve.argv), "sh") == 0);
    CHECK(strcmp(list_string(&op.u.execve.argv), "-c") == 0);
    CHECK(op.u.execve.argv.count == 0);
    CHECK(strcmp(list_string(&op.u.execve.env), "A=B") == 0);
    for (size_t size = 0; size < used; size++)
        CHECK(!decode(size));

    begin(1);
    at = begin_op(OP_SETGROUPS);
    put(3, 2);
    put(0, 4);
    put(65534, 4);
    put(0xfffffffe, 4);
    end_op(at);
    CHECK(decode(used));
    plan_op(&plan, 0, &op);
    CHECK(list_u32(&op.u.groups) == 0 && list_u32(&op.u.groups) == 65534);
    CHECK(list_u32(&op.u.groups) == 0xfffffffe && op.u.groups.count == 0);
    patch(PLAN_HEADER_SIZE + PLAN_OP_HEADER_SIZE, 4, 2); /* one more than there is */
    CHECK(!decode(used));

    begin(1);
    at = begin_op(OP_ID_MAP);
    put(PROCESS_INIT, 1);
    put(PLAN_MAPPINGS_MAX + 1, 2);
    for (int i = 0; i < 3 * (PLAN_MAPPINGS_MAX + 1); i++)
        put(1, 4);
    put(0, 2);
    end_op(at);
    CHECK(!decode(used));
}

static void test_children(void)
{
    for (unsigned child = 0; child < 5; child++) {
        begin(1);
        size_t at = begin_op(OP_CLONE3);
        put(child, 1);
        put(PLAN_NS_MNT, 4);
        put(PLAN_SLOT_NONE, 2);
        end_op(at);
        CHECK(decode(used) == (child == PROCESS_INIT || child == PROCESS_EXEC));
    }
    begin(1);
    size_t at = begin_op(OP_UNSHARE);
    put(PLAN_NS_ALL + 1, 4);
    end_op(at);
    CHECK(!decode(used));
}

static void test_limits(void)
{
    begin(PLAN_OPS_MAX);
    for (int i = 0; i < PLAN_OPS_MAX; i++)
        end_op(begin_op(OP_SETSID));
    CHECK(decode(used));
    CHECK(plan.count == PLAN_OPS_MAX);
    CHECK(!plan_decode(buffer, PLAN_SIZE_MAX + 1, &plan, &bad));
    begin(1);
    size_t at = begin_op(OP_SECCOMP);
    put(8 * PLAN_FILTER_MAX + 1, 4);
    used += 8 * PLAN_FILTER_MAX + 1;
    put(0, 4);
    end_op(at);
    CHECK(!decode(used));
    begin(2);
    end_op(begin_op(OP_SETSID));
    end_op(begin_op(99));
    CHECK(!decode(used) && bad == 1); /* says which op it was */
}

int main(void)
{
    test_frame();
    test_mkdir();
    test_strings();
    test_numbers();
    test_lists();
    test_children();
    test_limits();
    printf("decoder: %u checks passed\n", checks);
    return 0;
}
