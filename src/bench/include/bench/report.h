/* report: a load's figures for people and for programs. */
#ifndef TOW_BENCH_REPORT_H
#define TOW_BENCH_REPORT_H

#include "base/buffer.h"
#include "bench/load.h"

/* A few lines of text. Errors: MEMORY. */
int tow_report_text(tow_buffer *out, const tow_load_options *options, const tow_load_figures *figures);

/* One JSON object and a line feed; what is not known is null. Errors: MEMORY. */
int tow_report_json(tow_buffer *out, const tow_load_options *options, const tow_load_figures *figures);

#endif
