/* embedded_text: texts that are compiled in by script/embed-texts. The arrays end with a name that is NULL.
 */
#ifndef TOW_CONFORM_EMBEDDED_TEXT_H
#define TOW_CONFORM_EMBEDDED_TEXT_H

typedef struct embedded_text {
    const char *name;
    const char *text;
} embedded_text;

extern const embedded_text conform_case_texts[]; /* the files of cases/ */
extern const embedded_text conform_page_texts[]; /* report.html, alone */

#endif
