/* The error object of a CNI plugin (fail.h). */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "fail.h"
#include "json-write.h"

static const char *spoken_version = "1.1.0";
static void (*undo_work)(void *);
static void *undo_argument;

void fail_version(const char *version)
{
    spoken_version = version;
}

void fail_undo(void (*undo)(void *), void *argument)
{
    undo_work = undo;
    undo_argument = argument;
}

static _Noreturn void print_error(enum cni_code code, const char *message)
{
    static struct json_text out;
    put_text(&out, "{");
    put_member(&out, "cniVersion", spoken_version);
    put_text(&out, ",\"code\":");
    put_uint(&out, (uint32_t)code);
    put_text(&out, ",");
    put_member(&out, "msg", message);
    put_text(&out, "}");
    print_json(&out);
    exit(1);
}

_Noreturn void fail(enum cni_code code, const char *format, ...)
{
    static char message[1024];
    static enum cni_code first_code;
    if (message[0] == '\0') {
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(message, sizeof message, format, arguments);
        va_end(arguments);
        first_code = code;
        /* What fails inside the undo comes back here: the first cause is what the caller must hear.
         */
        if (undo_work != NULL)
            undo_work(undo_argument);
    }
    print_error(first_code, message);
}
