/* report: a run's results as JSON, and one or more runs as a page.
 *
 * The page is one self-contained HTML file: a matrix of implementations and groups, and each case with its
 * requirement and what was sent and received. */
#ifndef TOW_CONFORM_REPORT_H
#define TOW_CONFORM_REPORT_H

#include "conform/suite.h"

/* Errors: MEMORY. */
int tow_conform_report_json(const conform_suite *suite, tow_buffer *out);

/* From the JSON texts of `count` runs. Errors: MEMORY, ARGUMENT (a text that is no report: `error` says which
 * and why). */
int tow_conform_report_html(const char *const *texts, size_t count, tow_buffer *out, tow_buffer *error);

#endif
