/* Splits what comes out of a report pipe into the executor's records (report.h). Pure. */
#ifndef VITRINE_SHIM_RECORDS_H
#define VITRINE_SHIM_RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "report.h"

struct records {
    uint8_t partial[REPORT_SIZE_MAX]; /* a record that has not come whole */
    uint16_t length;
};

/*
 * Calls `take` for each record that is whole now, `length` bytes of `record` long. Returns false
 * for bytes that are no records.
 */
bool records_feed(struct records *records, const uint8_t *data, size_t length,
                  void (*take)(struct records *records, const struct report_header *header,
                               const uint8_t *record));

#endif
