#include "sys/machine.h"

#include "base/clock.h"
#include "testing.h"

#include <unistd.h>

#include "base/banned.h"

static const char status[] = "Name:\tscripta\nVmRSS:\t   12345 kB\nThreads:\t7\nEmpty:\n";

static void numbers_of_proc_are_found_by_their_whole_name(void **state)
{
    (void)state;
    struct sc_str text = sc_str_from(status);
    assert_int_equal(sc_proc_number(text, "VmRSS"), 12345);
    assert_int_equal(sc_proc_number(text, "Threads"), 7);
    assert_int_equal(sc_proc_number(text, "Vm"), -1);
    assert_int_equal(sc_proc_number(text, "Name"), -1);
    assert_int_equal(sc_proc_number(text, "Empty"), -1);
    assert_int_equal(sc_proc_number(SC_STR(""), "VmRSS"), -1);
    assert_true(sc_str_equal(sc_proc_line(text, "Name"), SC_STR("scripta")));
    assert_int_equal(sc_proc_line(text, "nothing").len, 0);
}

static void words_of_a_stat_are_counted_behind_the_name(void **state)
{
    (void)state;
    struct sc_str stat = SC_STR("12 (a) 9 (b) S 1 2 3 4 5 6 7 8 9 10 120 30 4 5 20 0 1 0 777 1");
    assert_int_equal(sc_proc_stat(stat, 4), 1);
    assert_int_equal(sc_proc_stat(stat, 14), 120);
    assert_int_equal(sc_proc_stat(stat, 17), 5);
    assert_int_equal(sc_proc_stat(stat, 22), 777);
    assert_int_equal(sc_proc_stat(stat, 40), -1);
    assert_int_equal(sc_proc_stat(SC_STR(""), 14), -1);
}

static void a_process_and_its_children_take_time(void **state)
{
    (void)state;
    int64_t us = sc_process_cpu(getpid());
    assert_true(us >= 0);
    while (sc_process_cpu(getpid()) <= us) { /* until a tick has gone by */
    }
    assert_int_equal(sc_process_cpu(0), -1);
    assert_true(sc_children_cpu() >= 0);
}

static void this_process_is_told(void **state)
{
    (void)state;
    struct sc_usage usage;
    sc_usage_read(&usage);
    assert_true(usage.resident_bytes > 100000);
    assert_true(usage.cpu_us >= 0);
    assert_true(usage.threads >= 1);
    assert_true(usage.fds >= 3 && usage.fds < usage.max_fds);
    int64_t now = sc_clock_wall_ms();
    assert_true(usage.started_ms <= now + 1000 && usage.started_ms > now - INT64_C(86400000));
    int before = usage.fds;
    int fd = dup(0);
    sc_usage_read(&usage);
    assert_int_equal(usage.fds, before + 1);
    (void)close(fd);
    assert_true(sc_process_memory(getpid()) > 100000);
    assert_int_equal(sc_process_memory(0), -1);
}

static void the_machine_is_told(void **state)
{
    (void)state;
    struct sc_machine m;
    sc_machine_read(&m);
    assert_true(m.cores >= 1 && m.usable >= 1 && m.usable <= m.cores);
    assert_true(m.memory_free > 0 && m.memory_free <= m.memory_total);
    assert_true(m.load[0] >= 0 && m.load[2] >= 0);
    assert_true(m.uptime_ms > 0);
    assert_int_equal(strncmp(m.kernel, "Linux ", 6), 0);
    assert_true(m.architecture[0] != '\0');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_of_proc_are_found_by_their_whole_name),
        cmocka_unit_test(words_of_a_stat_are_counted_behind_the_name),
        cmocka_unit_test(a_process_and_its_children_take_time),
        cmocka_unit_test(this_process_is_told),
        cmocka_unit_test(the_machine_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
