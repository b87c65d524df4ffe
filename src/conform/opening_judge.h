/* opening_judge: whether the peer's part of an opening handshake is right (RFC 6455, section 4). */
#ifndef TOW_CONFORM_OPENING_JUDGE_H
#define TOW_CONFORM_OPENING_JUDGE_H

#include "agreement.h"
#include "cases.h"
#include "judged_head.h"

/* Whether a 101 answers our request: false with the reason. `agreement` is filled from it. */
bool tow_conform_opening_answer_judge(const conform_case *one, const judged_head *answer, const char *key,
    judged_agreement *agreement, char why[160]);

/* Whether a client's request is one. */
bool tow_conform_opening_request_judge(const judged_head *request, char why[160]);

#endif
