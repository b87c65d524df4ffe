/* editor_library: libedit, which is loaded when somebody edits lines and not before: a server that starts
 * would load it, and three libraries that it needs, for nothing. */
#ifndef TOW_PROGRAM_EDITOR_LIBRARY_H
#define TOW_PROGRAM_EDITOR_LIBRARY_H

#include <histedit.h>
#include <stdio.h>

/* What is used of it: F(result, name, parameters). */
#define TOW_EDITOR_LIBRARY(F)                                                                                \
    F(EditLine *, el_init, (const char *, FILE *, FILE *, FILE *))                                           \
    F(void, el_end, (EditLine *))                                                                            \
    F(int, el_get, (EditLine *, int, ...))                                                                   \
    F(int, el_set, (EditLine *, int, ...))                                                                   \
    F(int, el_wset, (EditLine *, int, ...))                                                                  \
    F(int, el_source, (EditLine *, const char *))                                                            \
    F(const char *, el_gets, (EditLine *, int *))                                                            \
    F(const LineInfoW *, el_wline, (EditLine *))                                                             \
    F(void, el_resize, (EditLine *))                                                                         \
    F(History *, history_init, (void))                                                                       \
    F(void, history_end, (History *))                                                                        \
    F(int, history, (History *, HistEvent *, int, ...))

typedef struct tow_editor_library {
// NOLINTNEXTLINE(bugprone-macro-parentheses): a declaration has none
#define FUNCTION(result, name, parameters) result(*name) parameters;
    TOW_EDITOR_LIBRARY(FUNCTION)
#undef FUNCTION
} tow_editor_library;

/* Loads it for as long as the process runs. Errors: UNSUPPORTED (it is not installed). */
int tow_editor_library_load(tow_editor_library *library);

#endif
