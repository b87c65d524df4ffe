/* python_file: a Python file as a kind of handler that a route may have. What `make` makes is what answers
 * until the file is loaded (python_routes). */
#ifndef TOW_PROGRAM_PYTHON_FILE_H
#define TOW_PROGRAM_PYTHON_FILE_H

#include "handler/kind.h"

typedef struct tow_python_file_settings {
    const char *file;
} tow_python_file_settings;

extern const tow_handler_kind tow_python_file_kind;

#endif
