/* case_texts: the texts of cases/ as they were compiled in. */
#ifndef TOW_CONFORM_CASE_TEXTS_H
#define TOW_CONFORM_CASE_TEXTS_H

/* Ends with a NULL name. */
extern const struct conform_case_text {
    const char *name;
    const char *text;
} conform_case_texts[];

#endif
