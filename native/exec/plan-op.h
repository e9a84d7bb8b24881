/*
 * A decoded Plan. Strings, bytes and lists point into the encoded Plan, which must outlive them; the
 * decoder has checked every one of them, so that reading them afterwards cannot fail.
 */
#ifndef VITRINE_PLAN_OP_H
#define VITRINE_PLAN_OP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plan.h"

struct op_bytes {
    const uint8_t *data;
    uint32_t size;
};

/* The elements of a list, still encoded; read them with list_string() and list_u32(). */
struct op_list {
    const uint8_t *at;
    uint32_t count;
};

struct op {
    uint16_t index;
    uint16_t code; /* enum plan_opcode */
    uint8_t process;
    uint8_t ignore_count;
    const uint8_t *ignore; /* u16 each */

    /* Fields that many ops share. */
    uint16_t at; /* slot or PLAN_SLOT_NONE */
    uint16_t fd; /* the slot an op works on */
    uint16_t as; /* the slot an op fills */
    const char *path;
    const char *text; /* the second string: target, source, value, data */
    uint32_t mode;
    uint32_t uid;
    uint32_t gid;
    uint32_t flags; /* a set of bits, or an enum of plan.h */
    bool on;        /* parents, clone, detach, create, clamp, ordinary */

    /* Fields of few. */
    union {
        struct {
            uint8_t child;
            uint16_t cgroup;
        } clone;
        struct {
            int32_t pid;
            uint64_t start_time;
        } pidfd;
        struct {
            uint8_t child;
            struct op_list uid;
            struct op_list gid;
        } id_map;
        uint8_t barrier;
        struct {
            uint16_t width;
            uint16_t height;
        } console;
        struct {
            uint32_t from;
            struct op_list keep;
        } close_range;
        struct {
            struct op_list argv;
            struct op_list env;
        } execve;
        struct {
            uint8_t type;
            uint32_t major;
            uint32_t minor;
        } mknod;
        struct op_bytes data;
        struct {
            const char *fstype;
            struct op_list options;
        } mount;
        struct {
            bool recursive;
            uint8_t propagation;
            uint32_t clear;
            uint16_t idmap;
        } attr;
        uint8_t create;
        struct {
            uint8_t type;
            uint64_t soft;
            uint64_t hard;
        } rlimit;
        int32_t number; /* signal, oom_score_adj */
        struct op_list groups;
        struct {
            uint64_t effective; /* also the set that capBounding keeps */
            uint64_t permitted;
            uint64_t inheritable;
            uint64_t ambient;
        } caps;
    } u;
};

struct plan {
    const uint8_t *bytes;
    uint32_t size;
    uint16_t count;
    uint32_t offset[PLAN_OPS_MAX]; /* of each op's header */
};

/*
 * Checks the whole of `bytes` and fills `plan`. False for anything that plan.h does not allow; then
 * `*bad` is the index of the op that is wrong, or the count of ops when it is the frame.
 */
bool plan_decode(const uint8_t *bytes, size_t size, struct plan *plan, uint16_t *bad);

/* The op at `index` < plan->count of a Plan that plan_decode() accepted. */
void plan_op(const struct plan *plan, uint16_t index, struct op *op);

/* Decodes one op's body; false when it is not exactly what its opcode demands. */
bool op_decode(const uint8_t *body, size_t size, struct op *op);

/* The next element of a list, and one element fewer in it. Only while count > 0. */
const char *list_string(struct op_list *list);
uint32_t list_u32(struct op_list *list);
uint16_t list_u16(struct op_list *list);

/* The op's name as TypeScript spells it; "?" for a number that is none. */
const char *op_name(uint16_t code);

#endif
