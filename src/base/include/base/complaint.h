/* complaint: what is wrong with options, in words for a log. */
#ifndef TOW_BASE_COMPLAINT_H
#define TOW_BASE_COMPLAINT_H

typedef struct tow_complaint { /* zeroed: there is none */
    char text[256];
} tow_complaint;

/* Answers ARGUMENT, and sets the text where `complaint` is not NULL. */
__attribute__((format(printf, 2, 3))) int tow_complain(tow_complaint *complaint, const char *format, ...);

#endif
