#include "transport/progress.h"

#include "transport/timer.h"

#include <towline/message.h>

enum { LOOKS = 8 }; /* before the time is over, and at least one a second */

/* A first look that comes so late tells nothing of the time before. */
#define LATE (2 * TOW_SECOND)

void tow_progress_note(tow_progress *progress, int64_t now) {
    *progress = (tow_progress){.since = now, .left = SIZE_MAX};
}

size_t tow_progress_look(tow_progress *progress, const tow_stream *stream, int64_t now) {
    size_t left = tow_stream_untaken(stream);
    bool is_first = progress->left == SIZE_MAX;
    if (is_first ? now - progress->since >= LATE : left < progress->left)
        progress->since = now;
    progress->left = left;
    return left;
}

bool tow_progress_is_over(const tow_progress *progress, int64_t now, int seconds) {
    return seconds != TOW_OFF && progress->since + seconds * TOW_SECOND <= now;
}

/* A fixed row of times, so that it does not matter how often it is asked for. */
int64_t tow_progress_next(const tow_progress *progress, int64_t now, int seconds) {
    int64_t step = seconds == TOW_OFF || seconds >= LOOKS ? TOW_SECOND : seconds * TOW_SECOND / LOOKS;
    return progress->since + ((now - progress->since) / step + 1) * step;
}
