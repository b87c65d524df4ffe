/* version: the files that a Python process has loaded, each as often as it is another. */
#ifndef TOW_HANDLER_PYTHON_VERSION_H
#define TOW_HANDLER_PYTHON_VERSION_H

#include "host.h"

/* A file's next version, held by the caller; by its absolute name, as the process may run elsewhere. NULL
 * without memory. */
tow_python_version *tow_python_version_new(tow_python *python, const char *file);

/* Any thread: with the last who has it, it goes on the loop, and the process hears of it. */
void tow_python_version_retain(tow_python_version *version);
void tow_python_version_release(tow_python_version *version);

/* NULL: there is none of this number. */
tow_python_version *tow_python_version_find(const tow_python *python, uint64_t number);

#endif
