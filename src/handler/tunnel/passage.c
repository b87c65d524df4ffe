#include "passage.h"

#include "base/text.h"
#include "transport/loop.h"

#include <stdarg.h>
#include <towline/error.h>
#include <towline/log.h>

enum { LINE_MAX_LENGTH = 512 };

void tow_passages_init(tow_passages *passages, tow_handler_log log) {
    *passages = (tow_passages){.log = log};
    pthread_mutex_init(&passages->mutex, NULL);
}

void tow_passages_clear(tow_passages *passages) {
    pthread_mutex_destroy(&passages->mutex);
}

/* The list. */

void tow_passage_begin(tow_passage *passage, tow_passages *passages, tow_loop *loop) {
    passage->passages = passages;
    passage->loop = loop;
    passage->began = tow_loop_now(loop);
    pthread_mutex_lock(&passages->mutex);
    passage->next = passages->first;
    passage->previous = &passages->first;
    if (passage->next != NULL)
        passage->next->previous = &passage->next;
    passages->first = passage;
    passages->count++;
    pthread_mutex_unlock(&passages->mutex);
    tow_passage_say(passage, TOW_LOG_DEBUG, " opened");
}

bool tow_passage_end(tow_passage *passage) {
    tow_passages *passages = passage->passages;
    pthread_mutex_lock(&passages->mutex);
    *passage->previous = passage->next;
    if (passage->next != NULL)
        passage->next->previous = passage->previous;
    bool is_last = --passages->count == 0 && passages->retired;
    pthread_mutex_unlock(&passages->mutex);
    return is_last;
}

bool tow_passages_retire(tow_passages *passages) {
    pthread_mutex_lock(&passages->mutex);
    passages->retired = true;
    bool is_empty = passages->count == 0;
    pthread_mutex_unlock(&passages->mutex);
    return is_empty;
}

/* The log. */

void tow_passages_say(const tow_passages *passages, int level, const char *format, ...) {
    char line[LINE_MAX_LENGTH];
    va_list arguments;
    if (passages->log.write == NULL)
        return;
    va_start(arguments, format);
    tow_text_format_list(line, sizeof(line), format, arguments);
    va_end(arguments);
    passages->log.write(passages->log.user, level, line);
}

void tow_passage_say(const tow_passage *passage, int level, const char *format, ...) {
    char text[LINE_MAX_LENGTH];
    va_list arguments;
    va_start(arguments, format);
    tow_text_format_list(text, sizeof(text), format, arguments);
    va_end(arguments);
    bool named = passage->target != NULL;
    tow_passages_say(passage->passages, level, "%s%s%s%s", passage->peer, named ? " " : "",
        named ? passage->target : "", text);
}

void tow_passage_say_closed(const tow_passage *passage) {
    double seconds = (double)(tow_loop_now(passage->loop) - passage->began) / 1e9;
    tow_passage_say(passage, TOW_LOG_INFO, " closed after %.1f s, %llu bytes to %s, %llu from it", seconds,
        (unsigned long long)passage->relay.ends[TOW_RELAY_CLIENT].received,
        passage->target != NULL ? "it" : "the server",
        (unsigned long long)passage->relay.ends[TOW_RELAY_TARGET].received);
}

/* That a client is gone without a word is everyday life. */
void tow_passage_say_failed(const tow_passage *passage, tow_relay_side side, int error, const char *text) {
    bool target = side == TOW_RELAY_TARGET;
    tow_passage_say(passage, target || error == TOW_ERROR_MEMORY ? TOW_LOG_WARNING : TOW_LOG_INFO, ": %s%s",
        target ? "" : "the client: ", text);
}
