#include "visit.h"

#include <stdlib.h>

/* Seconds after which the clock is looked at again, as it may be set meanwhile. */
enum { LOOK_SECONDS = 3600 };

static void on_look(tow_timer *timer);

/* False: its time is over. */
static bool expiry_set(tow_visit *visit) {
    tow_loop *loop = visit->guest->loop;
    int64_t left = visit->guest->expires - tow_loop_wall_seconds(loop);
    if (left <= 0)
        return false;
    tow_timer_set(loop, &visit->expiry,
        tow_loop_now(loop) + (left < LOOK_SECONDS ? left : LOOK_SECONDS) * TOW_SECOND, on_look);
    return true;
}

static void on_look(tow_timer *timer) {
    tow_visit *visit = (tow_visit *)(void *)((char *)timer - offsetof(tow_visit, expiry));
    if (!expiry_set(visit))
        visit->guest->on_dismissed(visit->guest, TOW_CHANNEL_EXPIRED);
}

static void on_called(tow_booked *booked) {
    tow_visit *visit = (tow_visit *)(void *)((char *)booked - offsetof(tow_visit, booked));
    visit->guest->on_dismissed(visit->guest, TOW_CHANNEL_DISCONNECTED);
}

tow_visit *tow_visit_begin(tow_channel_guest *guest, tow_guest_book *book) {
    tow_visit *visit = calloc(1, sizeof(*visit));
    if (visit == NULL)
        return NULL;
    visit->guest = guest;
    visit->book = book;
    visit->booked.on_called = on_called;
    guest->known = visit;
    return visit;
}

void tow_visit_take_grant(tow_visit *visit, tow_grant *grant) {
    tow_channel_guest *guest = visit->guest;
    tow_guest_book_leave(visit->book, &visit->booked);
    tow_timer_cancel(guest->loop, &visit->expiry);
    tow_grant_release(visit->grant);
    visit->grant = grant;
    guest->subject = grant != NULL ? tow_grant_subject(grant) : NULL;
    guest->info = grant != NULL ? tow_grant_info(grant) : (tow_slice){"", 0};
    guest->expires = grant != NULL ? tow_grant_expires(grant) : 0;
    if (guest->subject != NULL)
        tow_guest_book_enter(visit->book, &visit->booked, guest->subject, guest->loop);
    if (guest->expires != 0 && !expiry_set(visit)) /* between the check and now */
        tow_timer_set(guest->loop, &visit->expiry, tow_loop_now(guest->loop), on_look);
}

void tow_visit_end(tow_visit *visit) {
    if (visit == NULL)
        return;
    tow_visit_take_grant(visit, NULL);
    visit->guest->known = NULL;
    free(visit->fields);
    free(visit);
}
