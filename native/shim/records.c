#include "records.h"

#include <string.h>

/* How long the record that has begun is; as long as that is unknown, the length field itself. */
static size_t wanted(const struct records *records)
{
    if (records->length < 2)
        return 2;
    return (size_t)(records->partial[0] | records->partial[1] << 8);
}

bool records_feed(struct records *records, const uint8_t *data, size_t length,
                  void (*take)(struct records *records, const struct report_header *header,
                               const uint8_t *record))
{
    while (length > 0) {
        size_t want = wanted(records);
        if (records->length >= 2 && (want < REPORT_HEADER_SIZE || want > REPORT_SIZE_MAX))
            return false;
        size_t missing = want - records->length;
        size_t taken = missing < length ? missing : length;
        memcpy(records->partial + records->length, data, taken);
        records->length = (uint16_t)(records->length + taken);
        data += taken;
        length -= taken;
        if (records->length < REPORT_HEADER_SIZE || records->length < wanted(records))
            continue;
        struct report_header header;
        memcpy(&header, records->partial, sizeof header);
        records->length = 0;
        take(records, &header, records->partial);
    }
    return true;
}
