#include "base/clock.h"

#include <errno.h>
#include <stdatomic.h>
#include <time.h>

#include "base/banned.h"

#define DAY_MS ((int64_t)86400000)
/* 0000-01-01T00:00:00.000Z and 9999-12-31T23:59:59.999Z: what four digits of year can show. */
#define TIME_MIN_MS ((int64_t)-62167219200000)
#define TIME_MAX_MS ((int64_t)253402300799999)

static _Atomic int64_t fixed_wall_ms = -1;
static _Atomic int64_t fixed_mono_ms = -1;

static int64_t now_us(clockid_t clock)
{
    struct timespec ts;
    sc_assert(clock_gettime(clock, &ts) == 0);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t sc_clock_wall_ms(void)
{
    int64_t fixed = atomic_load(&fixed_wall_ms);
    return fixed >= 0 ? fixed : now_us(CLOCK_REALTIME) / 1000;
}

int64_t sc_clock_mono_ms(void)
{
    return sc_clock_mono_us() / 1000;
}

int64_t sc_clock_mono_us(void)
{
    int64_t fixed = atomic_load(&fixed_mono_ms);
    return fixed >= 0 ? fixed * 1000 : now_us(CLOCK_MONOTONIC);
}

void sc_clock_sleep_ms(int64_t ms)
{
    if (ms <= 0)
        return;
    struct timespec left = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };
    while (clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR)
        continue;
}

void sc_clock_set(int64_t wall_ms, int64_t mono_ms)
{
    atomic_store(&fixed_wall_ms, wall_ms);
    atomic_store(&fixed_mono_ms, mono_ms);
}

/* Days since 1970-01-01 of a date in the Gregorian calendar. Years are counted from March, so that
 * the leap day is the last of its year; an era is 400 years of 146097 days. */
static int64_t days_of_date(int64_t year, int month, int day)
{
    int64_t y = year + 400 - (month <= 2 ? 1 : 0); /* + 400: never negative for year 0 */
    int64_t era = y / 400;
    int64_t year_of_era = y % 400;
    int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return (era - 1) * 146097 + day_of_era - 719468;
}

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_in_month(int year, int month)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    return days[month - 1] + (month == 2 && is_leap(year) ? 1 : 0);
}

/* The reverse of days_of_date: the date of a day from 0000-01-01 on. */
static void date_of_days(int64_t days, int *year, int *month, int *day)
{
    int64_t since = days + 719468 + 146097; /* of the era before year 0 */
    int64_t era = since / 146097;
    int64_t day_of_era = since % 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t from_march = (5 * day_of_year + 2) / 153;
    *day = (int)(day_of_year - (153 * from_march + 2) / 5) + 1;
    *month = (int)(from_march < 10 ? from_march + 3 : from_march - 9);
    *year = (int)(year_of_era + (era - 1) * 400) + (*month <= 2 ? 1 : 0);
}

/* Writes so many digits and the sign behind them; returns what is behind that. */
static char *put_digits(char *to, int value, int digits, char behind)
{
    for (int i = digits; i-- > 0; value /= 10)
        to[i] = (char)('0' + value % 10);
    to[digits] = behind;
    return to + digits + 1;
}

const char *sc_time_rfc3339(int64_t wall_ms, char out[SC_TIME_TEXT])
{
    int64_t since = SC_MIN(SC_MAX(wall_ms, TIME_MIN_MS), TIME_MAX_MS) - TIME_MIN_MS;
    int of_day = (int)(since % DAY_MS);
    int year, month, day;
    date_of_days(since / DAY_MS + TIME_MIN_MS / DAY_MS, &year, &month, &day);
    char *to = put_digits(out, year, 4, '-');
    to = put_digits(to, month, 2, '-');
    to = put_digits(to, day, 2, 'T');
    to = put_digits(to, of_day / 3600000, 2, ':');
    to = put_digits(to, of_day / 60000 % 60, 2, ':');
    to = put_digits(to, of_day / 1000 % 60, 2, '.');
    *put_digits(to, of_day % 1000, 3, 'Z') = '\0';
    return out;
}

/* Takes exactly `digits` digits off the front. */
static bool take_digits(struct sc_str *s, int digits, int *out)
{
    int value = 0;
    if (s->len < (size_t)digits)
        return false;
    for (int i = 0; i < digits; i++) {
        char c = s->ptr[i];
        if (c < '0' || c > '9')
            return false;
        value = value * 10 + (c - '0');
    }
    s->ptr += digits;
    s->len -= (size_t)digits;
    *out = value;
    return true;
}

/* Takes one byte off the front when it is one of `set`; '\0' otherwise. */
static char take_any(struct sc_str *s, const char *set)
{
    if (s->len == 0 || s->ptr[0] == '\0' || strchr(set, s->ptr[0]) == NULL)
        return '\0';
    s->len--;
    return *s->ptr++;
}

static bool take_date(struct sc_str *s, int64_t *ms)
{
    int year, month, day;
    if (!take_digits(s, 4, &year) || !take_any(s, "-") || !take_digits(s, 2, &month) ||
        !take_any(s, "-") || !take_digits(s, 2, &day))
        return false;
    if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, month))
        return false;
    *ms = days_of_date(year, month, day) * DAY_MS;
    return true;
}

/* Fractions finer than a millisecond are cut. */
static bool take_time_of_day(struct sc_str *s, int64_t *ms)
{
    int hour, minute, second, millis = 0;
    if (!take_digits(s, 2, &hour) || !take_any(s, ":") || !take_digits(s, 2, &minute) ||
        !take_any(s, ":") || !take_digits(s, 2, &second))
        return false;
    if (hour > 23 || minute > 59 || second > 60) /* 60: a leap second */
        return false;
    if (take_any(s, ".")) {
        int digit, scale = 100;
        if (!take_digits(s, 1, &digit))
            return false;
        do {
            millis += digit * scale;
            scale /= 10;
        } while (take_digits(s, 1, &digit));
    }
    *ms = (((int64_t)hour * 60 + minute) * 60 + second) * 1000 + millis;
    return true;
}

static bool take_offset(struct sc_str *s, int64_t *ms)
{
    int hour, minute;
    if (take_any(s, "Zz")) {
        *ms = 0;
        return true;
    }
    char sign = take_any(s, "+-");
    if (sign == '\0' || !take_digits(s, 2, &hour) || !take_any(s, ":") ||
        !take_digits(s, 2, &minute) || hour > 23 || minute > 59)
        return false;
    *ms = ((int64_t)hour * 60 + minute) * 60000 * (sign == '-' ? -1 : 1);
    return true;
}

bool sc_time_parse(struct sc_str text, int64_t *wall_ms)
{
    int64_t date, time_of_day = 0, offset = 0;
    if (!take_date(&text, &date))
        return false;
    if (text.len > 0 && (!take_any(&text, "Tt ") || !take_time_of_day(&text, &time_of_day) ||
                         !take_offset(&text, &offset)))
        return false;
    if (text.len > 0)
        return false;
    *wall_ms = date + time_of_day - offset;
    return true;
}

bool sc_duration_parse(struct sc_str text, int64_t *ms)
{
    static const struct {
        char unit;
        int64_t ms;
    } units[] = { { 's', 1000 }, { 'm', 60000 }, { 'h', 3600000 }, { 'd', DAY_MS } };
    int64_t factor = 1000;
    for (size_t i = 0; text.len > 0 && i < SC_ARRAY_LEN(units); i++) {
        if (text.ptr[text.len - 1] == units[i].unit) {
            factor = units[i].ms;
            text.len--;
            break;
        }
    }
    int64_t count, result;
    if (!sc_str_to_int64(text, &count) || count < 0 ||
        __builtin_mul_overflow(count, factor, &result))
        return false;
    *ms = result;
    return true;
}
