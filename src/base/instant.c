/* SPDX-License-Identifier: Apache-2.0 */
#include "base/instant.h"

#include "base/cleanup.h"

#define DAY_S 86400

int64_t time_add(int64_t a, int64_t b)
{
    int64_t sum;

    if (__builtin_add_overflow(a, b, &sum)) {
        return b < 0 ? INT64_MIN : INT64_MAX;
    }
    return sum;
}

int64_t time_sub(int64_t a, int64_t b)
{
    int64_t difference;

    if (__builtin_sub_overflow(a, b, &difference)) {
        return b > 0 ? INT64_MIN : INT64_MAX;
    }
    return difference;
}

static bool year_is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int month_days(int year, int month)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return days[month - 1] + (month == 2 && year_is_leap(year));
}

/* Days from 0001-01-01 to the first of January of @year. */
static int64_t year_start(int year)
{
    int64_t before = year - 1;

    return before * 365 + before / 4 - before / 100 + before / 400;
}

#define EPOCH_DAYS 719162 /* year_start(1970) */

bool time_from_civil(const int fields[6], int64_t *ret_wall_s)
{
    int year = fields[0], month = fields[1], day = fields[2];
    int64_t days;

    if (year < 1 || year > 9999 || month < 1 || month > 12 || day < 1 ||
        day > month_days(year, month) || fields[3] < 0 || fields[3] > 23 || fields[4] < 0 ||
        fields[4] > 59 || fields[5] < 0 || fields[5] > 59) {
        return false;
    }
    days = year_start(year) - EPOCH_DAYS + day - 1;
    for (int m = 1; m < month; m++) {
        days += month_days(year, m);
    }
    *ret_wall_s = days * DAY_S + fields[3] * 3600 + fields[4] * 60 + fields[5];
    return true;
}

static void put_digits(struct buf *buf, int value, int width)
{
    char digits[4];

    for (int i = width - 1; i >= 0; i--) {
        digits[i] = (char)('0' + value % 10);
        value /= 10;
    }
    buf_put(buf, digits, (size_t)width);
}

void buf_put_time(struct buf *buf, int64_t wall_s, char sep)
{
    int64_t days, rest;
    int year, month = 1;

    if (wall_s < -(int64_t)EPOCH_DAYS * DAY_S) {
        buf_put_text(buf, "long ago");
        return;
    }
    if (wall_s > INT64_C(253402300799)) { /* 9999-12-31T23:59:59Z */
        buf_put_text(buf, "never");
        return;
    }
    days = (wall_s + (int64_t)EPOCH_DAYS * DAY_S) / DAY_S;
    rest = (wall_s + (int64_t)EPOCH_DAYS * DAY_S) % DAY_S;
    year = (int)(days * 400 / 146097) + 1;
    while (year_start(year) > days) {
        year--;
    }
    while (year_start(year + 1) <= days) {
        year++;
    }
    days -= year_start(year);
    while (days >= month_days(year, month)) {
        days -= month_days(year, month);
        month++;
    }
    put_digits(buf, year, 4);
    buf_put_byte(buf, '-');
    put_digits(buf, month, 2);
    buf_put_byte(buf, '-');
    put_digits(buf, (int)days + 1, 2);
    buf_put_byte(buf, (uint8_t)sep);
    put_digits(buf, (int)(rest / 3600), 2);
    buf_put_byte(buf, ':');
    put_digits(buf, (int)(rest / 60 % 60), 2);
    buf_put_byte(buf, ':');
    put_digits(buf, (int)(rest % 60), 2);
    buf_put_byte(buf, 'Z');
}

void buf_put_duration(struct buf *buf, int64_t seconds)
{
    static const struct {
        int64_t size;
        const char *name;
    } units[] = {{DAY_S, " d"}, {3600, " h"}, {60, " min"}, {1, " s"}};
    size_t i = 0;

    seconds = seconds < 0 ? 0 : seconds;
    while (i < ARRAY_SIZE(units) - 1 && seconds < units[i].size) {
        i++;
    }
    buf_put_int(buf, seconds / units[i].size);
    buf_put_text(buf, units[i].name);
    seconds %= units[i].size;
    if (i + 1 < ARRAY_SIZE(units) && seconds >= units[i + 1].size) {
        buf_put_byte(buf, ' ');
        buf_put_int(buf, seconds / units[i + 1].size);
        buf_put_text(buf, units[i + 1].name);
    }
}
