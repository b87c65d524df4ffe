/* question: what a part was asked and has not answered yet. */
#ifndef TOW_HUB_QUESTION_H
#define TOW_HUB_QUESTION_H

#include "part.h"

/* Answers what can be answered in this round. */
void tow_questions_answer(tow_hub_part *part);

/* The part ends: nobody is answered any more. */
void tow_questions_drop(tow_hub_part *part);

#endif
