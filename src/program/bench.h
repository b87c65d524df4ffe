/* bench: `towline bench`, load on a WebSocket or raw TCP echo server, and its figures. */
#ifndef TOW_PROGRAM_BENCH_H
#define TOW_PROGRAM_BENCH_H

#include "bench/load.h"
#include "options.h"

typedef struct tow_bench_settings {
    tow_load_options load; /* all but `url`, `rate` and the callback */
    int64_t rate;          /* messages per second, 0 or TOW_OFF: as fast as they are answered */
    const char *json;      /* file for the figures, "-" for the output instead of text; NULL: none */
} tow_bench_settings;

int tow_bench(const tow_options *options);

#endif
