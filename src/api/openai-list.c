/* Lists in the fields of a form: repeated, or at once as JSON or Python writes them. */
#include "api/openai.h"

#include "base/utf8.h"

#include "base/banned.h"

/* What Python's repr() writes, as JSON: it puts texts between single quotes where it can. What is
 * JSON stays as it is. */
static void put_as_json(struct sc_str list, struct sc_buf *out)
{
    char quote = 0; /* around the text at hand; 0: between texts */
    for (size_t i = 0; i < list.len; i++) {
        char c = list.ptr[i];
        if (quote == 0 && (c == '\'' || c == '"')) {
            quote = c;
            sc_buf_putc(out, '"');
        } else if (quote != 0 && c == quote) {
            quote = 0;
            sc_buf_putc(out, '"');
        } else if (quote == '\'' && c == '"') {
            sc_buf_puts(out, "\\\"");
        } else if (quote != 0 && c == '\\' && i + 1 < list.len) {
            c = list.ptr[++i];
            if (c == 'x') /* two digits follow */
                sc_buf_puts(out, "\\u00");
            else if (c != '\'')
                sc_buf_printf(out, "\\%c", c);
            else
                sc_buf_putc(out, c);
        } else {
            sc_buf_putc(out, c);
        }
    }
}

static enum sc_code refuse(const char *field, struct sc_str value, struct sc_error *err)
{
    SC_AUTO_BUF shown = { 0 };
    sc_utf8_append_printable(&shown, (struct sc_str){ value.ptr, SC_MIN(value.len, 40) });
    return sc_error_field(err, SC_E_INVALID_VALUE, field,
                          "%s is '%s', must be one value, or a whole list of them such as "
                          "[\"one\", \"two\"]",
                          field, sc_buf_text(&shown));
}

enum sc_code sc_openai_each_item(struct sc_openai_form *form, const char *field,
                                 struct sc_str value, sc_openai_take_fn take, struct sc_error *err)
{
    SC_AUTO_BUF json = { 0 };
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    if (value.len == 0 || value.ptr[0] != '[')
        return take(form, value, err);
    put_as_json(value, &json);
    if (json.failed || sc_json_parse(sc_buf_str(&json), &doc, NULL) != SC_OK ||
        sc_json_type(sc_json_root(doc)) != SC_JSON_ARRAY)
        return refuse(field, value, err);
    enum sc_code code = SC_OK;
    for (size_t i = 0; code == SC_OK && i < sc_json_count(sc_json_root(doc)); i++) {
        const char *item = sc_json_get_text(sc_json_at(sc_json_root(doc), i), NULL);
        code = item == NULL ? refuse(field, value, err)
                            : take(form, sc_str_trim(sc_str_from(item)), err);
    }
    return code;
}
