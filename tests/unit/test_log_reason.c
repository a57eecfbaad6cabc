/* SPDX-License-Identifier: Apache-2.0 */
/* Which line of a log is taken for the reason of a failure. */
#include "host/log_reason.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_the_line_that_says_it_best(void **state)
{
    (void)state;
    static const struct {
        const char *log, *line;
    } cases[] = {
        {"", ""},
        {"first\nlast words", "last words"},
        {"last words\n\n  \n", "last words"},
        {"Traceback (most recent call last):\n  File \"a.py\", line 3, in <module>\n    run()\n"
         "ValueError: no such layer\nshutting down\nbye\n",
         "ValueError: no such layer"},
        {"Traceback (most recent call last):\n  File \"a.py\"\nKeyError: 'a'\n\nDuring handling of "
         "the above exception, another exception occurred:\n\nTraceback (most recent call last):\n"
         "  File \"b.py\"\nRuntimeError: second\n[rank0] exiting\n",
         "RuntimeError: second"},
        {"loading\nCUDA error: out of memory\nreleasing 3 streams\nend",
         "CUDA error: out of memory"},
        {"0 errors\nend", "end"},
        {"no errors so far\nend", "end"},
        {"error: a\nerror: b\nend", "error: b"},
        {"terminate called after throwing an instance of 'std::bad_alloc'\nAborted\n", "Aborted"},
        {"Traceback (most recent call last):\n  File \"cut", "  File \"cut"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t n;
        const char *line = cnn_log_reason(cases[i].log, &n);
        if (n != strlen(cases[i].line) || memcmp(line, cases[i].line, n) != 0)
            fail_msg("case %zu: '%.*s' instead of '%s'", i, (int)n, line, cases[i].line);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_line_that_says_it_best),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
