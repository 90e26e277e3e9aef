#include "sys/hosts.h"

#include "base/macros.h"

#include "base/banned.h"

#define LABEL_MAX 63

static bool is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Letters, digits, '-' and '_' in labels that are not empty. */
static bool has_labels(struct sc_str host)
{
    struct sc_str rest = host;
    if (host.len == 0 || host.len >= SC_HOST_TEXT || host.ptr[host.len - 1] == '.')
        return false;
    while (rest.len > 0) {
        struct sc_str label = sc_str_take_until(&rest, '.');
        if (label.len == 0 || label.len > LABEL_MAX || label.ptr[0] == '-')
            return false;
        for (size_t i = 0; i < label.len; i++) {
            if (!is_alnum(label.ptr[i]) && label.ptr[i] != '-' && label.ptr[i] != '_')
                return false;
        }
    }
    return true;
}

/* Resolvers take "127.1", "0x7f.1" and "2130706433" for addresses. */
static bool ends_in_number(struct sc_str host)
{
    size_t at = host.len;
    while (at > 0 && host.ptr[at - 1] != '.')
        at--;
    if (at == host.len)
        return false;
    bool hex = host.len - at >= 2 && host.ptr[at] == '0' && (host.ptr[at + 1] | 0x20) == 'x';
    for (size_t i = hex ? at + 2 : at; i < host.len; i++) {
        char c = host.ptr[i];
        bool digit = c >= '0' && c <= '9';
        if (!digit && !(hex && (c | 0x20) >= 'a' && (c | 0x20) <= 'f'))
            return false;
    }
    return true;
}

bool sc_host_is_name(struct sc_str text)
{
    return has_labels(text) && !ends_in_number(text);
}

static struct sc_str next_word(struct sc_str *rest)
{
    return sc_str_trim(sc_str_take_until(rest, ','));
}

static bool is_list(const char *text, bool names)
{
    struct sc_str rest = sc_str_from(text);
    struct sc_subnet net;
    while (rest.len > 0) {
        struct sc_str word = next_word(&rest);
        bool named = names && (sc_host_is_name(word) || sc_str_equal(word, SC_STR("*")));
        if (!named && !sc_subnet_parse(word, &net))
            return false;
    }
    return true;
}

bool sc_hosts_is_list(const char *text)
{
    size_t len = strlen(text);
    return (len == 0 || text[len - 1] != ',') && is_list(text, true);
}

bool sc_hosts_is_net_list(const char *text)
{
    return is_list(text, false);
}

bool sc_hosts_has(const char *list, const char *host, const struct sc_ip *ip)
{
    struct sc_str rest = sc_str_from(list);
    while (rest.len > 0) {
        struct sc_str word = next_word(&rest);
        struct sc_subnet net;
        if (host != NULL &&
            (sc_str_equal(word, SC_STR("*")) || sc_str_equal_nocase(word, sc_str_from(host))))
            return true;
        if (ip != NULL && sc_subnet_parse(word, &net) && sc_subnet_holds(&net, ip))
            return true;
    }
    return false;
}
