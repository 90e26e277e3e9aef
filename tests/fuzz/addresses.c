/* URLs that users want called, and lists of hosts: what we take for a URL's host and port must be
 * what libcurl connects to. The first line is the list, the second the URL. */

#include "fuzz.h"

#include "base/alloc.h"
#include "net/guard.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

/* libcurl has its own short form of IPv6 addresses. */
static bool is_same_host(const char *theirs, const char *ours)
{
    size_t len = strlen(theirs);
    struct sc_ip a, b;
    if (theirs[0] != '[')
        return strcasecmp(theirs, ours) == 0;
    return sc_ip_parse((struct sc_str){ theirs + 1, len - 2 }, &a) &&
           sc_ip_parse(sc_str_from(ours), &b) && sc_ip_equal(&a, &b);
}

static void compare(const char *url, const struct sc_guard_target *target)
{
    char *host = NULL, *port = NULL, *scheme = NULL, *user = NULL;
    CURLU *parsed = curl_url();
    if (curl_url_set(parsed, CURLUPART_URL, url, 0) != CURLUE_OK ||
        curl_url_get(parsed, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
        curl_url_get(parsed, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) != CURLUE_OK ||
        curl_url_get(parsed, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK)
        abort();
    if (!is_same_host(host, target->host) || strtol(port, NULL, 10) != target->port ||
        strcmp(scheme, target->tls ? "https" : "http") != 0 ||
        curl_url_get(parsed, CURLUPART_USER, &user, 0) != CURLUE_NO_USER)
        abort();
    curl_free(host);
    curl_free(port);
    curl_free(scheme);
    curl_url_cleanup(parsed);
}

/* A list that was taken has no word that is silently nothing: each opens itself. */
static void check_list(const char *list)
{
    struct sc_str rest = sc_str_from(list);
    while (rest.len > 0) {
        struct sc_str word = sc_str_trim(sc_str_take_until(&rest, ','));
        struct sc_subnet net;
        SC_AUTO_FREE char *name = sc_strndup(word.ptr, word.len);
        bool network = sc_subnet_parse(word, &net);
        if (!sc_hosts_has(list, network ? "" : name, network ? &net.base : NULL))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sc_str rest = { (const char *)data, size };
    struct sc_str first = sc_str_take_until(&rest, '\n');
    SC_AUTO_FREE char *list = sc_strndup(first.ptr, first.len);
    SC_AUTO_FREE char *url = sc_strndup(rest.ptr, rest.len);
    struct sc_guard_target target;
    struct sc_error err = { 0 };
    bool good = sc_hosts_is_list(list);

    if (good)
        check_list(list);
    if (sc_guard_url(url, good ? list : "", &target, &err) == SC_OK)
        compare(url, &target);
    else if (err.msg[0] == '\0')
        abort();
    return 0;
}
