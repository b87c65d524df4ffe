/* telling: what the log and the Python process are told. */
#ifndef TOW_HANDLER_PYTHON_TELLING_H
#define TOW_HANDLER_PYTHON_TELLING_H

#include "host.h"

/* A line for the log; any thread. */
__attribute__((format(printf, 3, 4))) void tow_python_say(
    const tow_python *python, int level, const char *format, ...);

/* An operation for the process, with a number and a file; on a version. What finds no room is not said. */
void tow_python_tell(tow_python *python, uint8_t operation, uint64_t number, const char *file);
void tow_python_tell_of(tow_python *python, uint8_t operation, const tow_python_version *version);

/* What is not written yet, as far as the process takes it. */
void tow_python_write_unsaid(tow_python *python);

/* The process is as good as dead: what follows is its exit. */
void tow_python_give_up(tow_python *python);

#endif
