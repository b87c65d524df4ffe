/* suite: the inside of a run, for the reports. */
#ifndef TOW_CONFORM_SUITE_INSIDE_H
#define TOW_CONFORM_SUITE_INSIDE_H

#include "conform/suite.h"
#include "conversation.h"

typedef struct conform_result {
    const conform_case *one;
    bool ran;
    case_verdict verdict;
    int64_t microseconds;
    char why[200];
    transcript transcript;
} conform_result;

struct conform_suite {
    tow_stream stream; /* of the probe; first */
    conform_suite_options options;
    bool tests_client;
    case_list list;
    conform_result *results; /* of the cases that apply */
    size_t count;
    conversation_settings settings;
    conversation *under_way;
    conform_target target;
    tow_address address;
    size_t probed; /* of the target's addresses */
    size_t next;
    size_t done;
    int running;
    int error;
    char failure_text[TOW_TLS_TEXT_MAX];   /* more about the error; "": nothing */
    void (*on_stop)(conform_suite *suite); /* what the run does besides when it is stopped; may be NULL */
    void *run;
};

/* "pass", "not strict", …: as reports have it. */
const char *tow_conform_verdict_word(case_verdict verdict);

/* Keeps a conversation's result and frees it. */
void tow_conform_suite_take(conform_suite *suite, conversation *talk);

/* The result is there: counts it. */
void tow_conform_suite_note(conform_suite *suite, conform_result *result);

#endif
