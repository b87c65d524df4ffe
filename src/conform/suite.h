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
    conform_suite_options options;
    bool tests_client;
    case_list list;
    conform_result *results; /* of the cases that apply */
    size_t count;
    conversation_settings settings;
    tow_address address;
    size_t next;
    size_t done;
    int under_way;
    int error;
};

/* "pass", "not strict", …: as reports have it. */
const char *conform_verdict_word(case_verdict verdict);

/* Keeps a conversation's result and frees it. */
void conform_suite_take(conform_suite *suite, conversation *talk);

#endif
