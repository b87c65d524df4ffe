/* python_routes: routes whose handler is a Python file: its process says later whether it is one, so until
 * then such a route has what it had before, or answers 503: always where others may come in than before. */
#ifndef TOW_PROGRAM_PYTHON_ROUTES_H
#define TOW_PROGRAM_PYTHON_ROUTES_H

#include "handler/python.h"
#include "serve_reload.h"

/* Has those loaded that are not: what becomes of them, the log tells. */
void tow_python_routes_load(tow_served_config *served, tow_serving *serving, tow_python *python);

/* Only tells the log which of them can't be compiled. */
void tow_python_routes_compile(const tow_served_config *served, tow_serving *serving);

#endif
