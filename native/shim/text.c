#include "text.h"

#include <string.h>

size_t text_join(char *to, size_t size, const char *const *parts)
{
    size_t length = 0;
    for (; *parts != NULL; parts++) {
        size_t part = strlen(*parts);
        if (part > size - 1 - length)
            part = size - 1 - length;
        memcpy(to + length, *parts, part);
        length += part;
    }
    to[length] = '\0';
    return length;
}

const char *text_of_number(uint64_t number)
{
    static char buffers[8][21];
    static unsigned int turn;
    char *at = buffers[turn++ % 8] + 20;
    *at = '\0';
    do {
        *--at = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    return at;
}
