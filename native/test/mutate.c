/*
 * A small fuzzer for compilers without libFuzzer: mutates Plans, with the lengths of their frame mended
 * half of the time, so that mutations reach the bodies. It starts from Plans of its own and from one that
 * has every op (every-op.plan, kept up to date by a test). Usage: decode-fuzz SECONDS SEED_FILE [SEED].
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../exec/plan-op.h"

#define SIZE_MAX_FUZZ 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t state;

static uint32_t next_random(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 16);
}

static uint8_t input[SIZE_MAX_FUZZ];
static size_t size;

static void put(uint64_t value, unsigned width)
{
    for (unsigned i = 0; i < width && size < sizeof input; i++)
        input[size++] = (uint8_t)(value >> (8 * i));
}

/* A body of random fields of the sorts that bodies are made of. */
static void random_body(void)
{
    unsigned fields = next_random() % 8;
    for (unsigned i = 0; i < fields; i++) {
        switch (next_random() % 5) {
        case 0: { /* a string */
            uint32_t length = next_random() % 12;
            put(length, 4);
            for (uint32_t k = 0; k < length; k++)
                put('a' + next_random() % 26, 1);
            put(0, 1);
            break;
        }
        case 1:
            put(next_random() % 3 ? next_random() % 16 : PLAN_SLOT_NONE, 2);
            break;
        case 2:
            put(next_random() % 5, 1);
            break;
        case 3:
            put(next_random() % 1024, 4);
            break;
        default:
            put(next_random(), 8);
        }
    }
}

static void random_plan(void)
{
    uint16_t count = (uint16_t)(next_random() % 6);
    size = 0;
    put(PLAN_MAGIC, 4);
    put(PLAN_VERSION, 2);
    put(count, 2);
    put(0, 4);
    for (uint16_t i = 0; i < count && size + 64 < sizeof input; i++) {
        put(next_random() % 81, 2);
        put(next_random() % PLAN_PROCESSES, 1);
        put(0, 1);
        size_t length_at = size;
        put(0, 4);
        random_body();
        uint32_t length = (uint32_t)(size - length_at - 4);
        memcpy(input + length_at, &length, 4);
    }
    uint32_t total = (uint32_t)size;
    memcpy(input + 8, &total, 4);
}

static uint8_t corpus[SIZE_MAX_FUZZ];
static size_t corpus_size;

static void read_corpus(const char *path)
{
    FILE *file = fopen(path, "re");
    corpus_size = file ? fread(corpus, 1, sizeof corpus, file) : 0;
    if (corpus_size == 0 || corpus_size == sizeof corpus) {
        fprintf(stderr, "fuzz: %s is missing, empty or too long\n", path);
        exit(1);
    }
    fclose(file);
    memcpy(input, corpus, corpus_size);
    if (LLVMFuzzerTestOneInput(input, corpus_size) != 0)
        exit(1);
}

static void plan_of_corpus(void)
{
    memcpy(input, corpus, corpus_size);
    size = corpus_size;
}

static void mutate(void)
{
    unsigned count = 1 + next_random() % 4;
    for (unsigned i = 0; i < count && size > 0; i++) {
        size_t at = next_random() % size;
        switch (next_random() % 4) {
        case 0:
            input[at] ^= (uint8_t)(1u << next_random() % 8);
            break;
        case 1:
            input[at] = (uint8_t)next_random();
            break;
        case 2:
            input[at] = next_random() % 2 ? 0xff : 0;
            break;
        default:
            size = at;
        }
    }
    if (size >= 12 && next_random() % 2) {
        uint32_t total = (uint32_t)size;
        memcpy(input + 8, &total, 4);
    }
}

int main(int argc, char *argv[])
{
    if (argc < 3)
        return 2;
    time_t seconds = atoi(argv[1]);
    uint64_t seed = argc > 3 ? strtoull(argv[3], NULL, 10) : (uint64_t)time(NULL);
    state = seed * 2654435761u + 1;
    read_corpus(argv[2]);
    printf("fuzz: seed %llu, %ld s\n", (unsigned long long)seed, (long)seconds);
    unsigned long runs = 0;
    for (time_t end = time(NULL) + seconds; time(NULL) < end;) {
        for (int i = 0; i < 2000; i++, runs++) {
            if (next_random() % 2)
                plan_of_corpus();
            else
                random_plan();
            if (next_random() % 8)
                mutate();
            LLVMFuzzerTestOneInput(input, size);
        }
    }
    printf("fuzz: %lu inputs, nothing found\n", runs);
    return 0;
}
