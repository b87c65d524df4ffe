/* elf: whether a shared library is there as a whole. The loader maps what a file's head promises, and who
 * touches what is behind the file's end is killed by the system: so that is asked before (elf(5)). */
#ifndef TOW_HANDLER_MODULE_ELF_H
#define TOW_HANDLER_MODULE_ELF_H

#include <stddef.h>
#include <stdint.h>

/* NULL, or in a few words what is wrong with the file of these bytes. */
const char *tow_elf_problem(const uint8_t *bytes, size_t length);

#endif
