/* docs/cli.md and docs/config.md against the tables that they are made from. The folder is the
 * argument. */
#include "cli/command.h"

#include "testing.h"

#include "base/banned.h"

static const char *folder;

static void compare(const char *page, const struct sc_buf *made, const char *command)
{
    struct test_dir docs;
    (void)snprintf(docs.path, sizeof(docs.path), "%s", folder);
    SC_AUTO_FREE char *found = test_read(&docs, page);
    if (found == NULL || strcmp(found, sc_buf_text(made)) != 0)
        fail_msg("docs/%s is not what the tables say: %s > docs/%s", page, command, page);
}

static void the_page_of_commands_is_current(void **state)
{
    (void)state;
    SC_AUTO_BUF made = { 0 };
    sc_help_markdown(&made);
    compare("cli.md", &made, "scripta help --markdown");
}

static void the_page_of_settings_is_current(void **state)
{
    (void)state;
    SC_AUTO_BUF made = { 0 };
    sc_config_write_docs(&made);
    compare("config.md", &made, "scripta config docs");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(the_page_of_commands_is_current),
        TEST(the_page_of_settings_is_current),
    };
    folder = argc > 1 ? argv[1] : "docs";
    return cmocka_run_group_tests(tests, NULL, NULL);
}
