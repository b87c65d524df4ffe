#include "http/date.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { DAY_SECONDS = 24 * 60 * 60, DAYS_TO_1970 = 719468 /* from 0000-03-01 */ };

static const int64_t last_second = 253402300799; /* 9999-12-31 23:59:59 */

static const char *const days[] = {
    "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
static const char *const months[] = {
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

typedef struct calendar {
    int year;
    int month; /* 1 to 12 */
    int day;
    int hour;
    int minute;
    int second; /* 60 is a leap second */
} calendar;

/* Days since 1970. Years are counted from March on, so that the odd day of a leap year is the last. */
static int64_t days_from(int year, int month, int day) {
    int64_t shifted_year = month > 2 ? year : year - 1;
    int64_t shifted_month = month > 2 ? month - 3 : month + 9;
    int64_t day_of_year =
        (153 * shifted_month + 2) / 5 + day - 1; /* 153 days in each five months from March */
    return shifted_year * 365 + shifted_year / 4 - shifted_year / 100 + shifted_year / 400 + day_of_year -
           DAYS_TO_1970;
}

static bool is_leap_year(int year) {
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int month_days(int year, int month) {
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return lengths[month - 1] + (month == 2 && is_leap_year(year) ? 1 : 0);
}

/* The year and month that a day lies in: a first guess that is never too late, then a few steps. */
static calendar calendar_of(int64_t day) {
    calendar date = {.year = (int)(1970 + day / 366), .month = 1};
    while (days_from(date.year + 1, 1, 1) <= day)
        date.year++;
    while (date.month < 12 && days_from(date.year, date.month + 1, 1) <= day)
        date.month++;
    date.day = (int)(day - days_from(date.year, date.month, 1)) + 1;
    return date;
}

static void put_digits(char *out, int value, int count) {
    for (int i = count; i-- > 0; value /= 10)
        out[i] = (char)('0' + value % 10);
}

void tow_http_date(char out[TOW_HTTP_DATE_LENGTH + 1], int64_t seconds) {
    if (seconds < 0)
        seconds = 0;
    if (seconds > last_second)
        seconds = last_second;
    int64_t day = seconds / DAY_SECONDS;
    int second = (int)(seconds % DAY_SECONDS);
    calendar date = calendar_of(day);
    memcpy(out, "Day, 00 Mon 0000 00:00:00 GMT", TOW_HTTP_DATE_LENGTH + 1);
    memcpy(out, days[(day + 4) % 7], 3); /* 1970 began with a Thursday */
    put_digits(out + 5, date.day, 2);
    memcpy(out + 8, months[date.month - 1], 3);
    put_digits(out + 12, date.year, 4);
    put_digits(out + 17, second / 3600, 2);
    put_digits(out + 20, second / 60 % 60, 2);
    put_digits(out + 23, second % 60, 2);
}

/* Reading: each takes its part from the front of the text, which it moves on, or gives false. */

typedef struct cursor {
    const char *at;
    const char *end;
} cursor;

static bool take_text(cursor *text, const char *expected) {
    size_t length = strlen(expected);
    if ((size_t)(text->end - text->at) < length || memcmp(text->at, expected, length) != 0)
        return false;
    text->at += length;
    return true;
}

static bool take_number(cursor *text, int digits, int *value) {
    if (text->end - text->at < digits)
        return false;
    *value = 0;
    for (int i = 0; i < digits; i++, text->at++) {
        if (*text->at < '0' || *text->at > '9')
            return false;
        *value = *value * 10 + (*text->at - '0');
    }
    return true;
}

static bool take_day_name(cursor *text, bool whole) {
    for (size_t i = 0; i < 7; i++) {
        char name[10] = {0};
        memcpy(name, days[i], whole ? strlen(days[i]) : 3);
        if (take_text(text, name))
            return true;
    }
    return false;
}

static bool take_month(cursor *text, int *month) {
    for (*month = 1; *month <= 12; (*month)++) {
        if (take_text(text, months[*month - 1]))
            return true;
    }
    return false;
}

static bool take_time(cursor *text, calendar *date) {
    return take_number(text, 2, &date->hour) && take_text(text, ":") && take_number(text, 2, &date->minute) &&
           take_text(text, ":") && take_number(text, 2, &date->second);
}

/* IMF-fixdate: Sun, 06 Nov 1994 08:49:37 GMT */
static bool read_fixed(cursor text, calendar *date) {
    return take_day_name(&text, false) && take_text(&text, ", ") && take_number(&text, 2, &date->day) &&
           take_text(&text, " ") && take_month(&text, &date->month) && take_text(&text, " ") &&
           take_number(&text, 4, &date->year) && take_text(&text, " ") && take_time(&text, date) &&
           take_text(&text, " GMT") && text.at == text.end;
}

/* rfc850-date: Sunday, 06-Nov-94 08:49:37 GMT */
static bool read_rfc850(cursor text, calendar *date) {
    bool read = take_day_name(&text, true) && take_text(&text, ", ") && take_number(&text, 2, &date->day) &&
                take_text(&text, "-") && take_month(&text, &date->month) && take_text(&text, "-") &&
                take_number(&text, 2, &date->year) && take_text(&text, " ") && take_time(&text, date) &&
                take_text(&text, " GMT") && text.at == text.end;
    date->year += date->year < 70 ? 2000 : 1900;
    return read;
}

/* asctime-date: Sun Nov  6 08:49:37 1994 */
static bool read_asctime(cursor text, calendar *date) {
    if (!take_day_name(&text, false) || !take_text(&text, " ") || !take_month(&text, &date->month) ||
        !take_text(&text, " "))
        return false;
    int digits = take_text(&text, " ") ? 1 : 2;
    return take_number(&text, digits, &date->day) && take_text(&text, " ") && take_time(&text, date) &&
           take_text(&text, " ") && take_number(&text, 4, &date->year) && text.at == text.end;
}

static bool is_in_calendar(const calendar *date) {
    return date->day >= 1 && date->day <= month_days(date->year, date->month) && date->hour <= 23 &&
           date->minute <= 59 && date->second <= 60;
}

int64_t tow_http_date_read(const char *text, size_t length) {
    cursor whole = {.at = text, .end = text + length};
    calendar date = {0};
    if (!read_fixed(whole, &date) && !read_rfc850(whole, &date) && !read_asctime(whole, &date))
        return -1;
    if (!is_in_calendar(&date))
        return -1;
    int second_of_day = (date.hour * 60 + date.minute) * 60 + date.second;
    int64_t seconds = days_from(date.year, date.month, date.day) * DAY_SECONDS + second_of_day;
    return seconds < 0 ? 0 : seconds;
}
