/* batch: many publications in one JSON text, read whole before anything is done:
 *
 *     [{"channel": "news", "data": "hello"},
 *      {"channel": "rates", "event": "rate", "key": "EUR", "data": {"EUR": 1.08}},
 *      {"channel": "photos", "base64": "/9j/4A=="}]
 *
 * Data that is a string is a text; any other value goes on as the JSON that it is. */
#ifndef TOW_HANDLER_PUBLISH_BATCH_H
#define TOW_HANDLER_PUBLISH_BATCH_H

#include "base/buffer.h"
#include "hub/published.h"

enum { TOW_BATCH_MAX = 1000, TOW_BATCH_TEXT_MAX = 120 };

typedef struct tow_batch_item {
    tow_slice channel;
    tow_draft draft;
} tow_batch_item;

typedef struct tow_batch {
    tow_batch_item *items; /* their slices lie in the JSON text and in `texts` */
    size_t count;
    tow_buffer texts;
} tow_batch;

/* Errors: ARGUMENT, MEMORY; `why` then says what is wrong, with the number of the item. In any case the batch
 * is to be cleared. */
int tow_batch_read(tow_batch *batch, tow_slice json, char why[TOW_BATCH_TEXT_MAX]);
void tow_batch_clear(tow_batch *batch);

#endif
