/* Whom proxies speak for, lists of networks and origins, and what pages ask to send. */

#include "fuzz.h"

#include "base/alloc.h"
#include "http/forwarded.h"
#include "http/http-internal.h"
#include "sys/hosts.h"

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

#define TRUSTED "127.0.0.0/8, 10.0.0.0/8, fd00::/8"

static void check_chain(bool rfc7239, struct sc_str chain)
{
    struct sc_ip proxy, client, stranger;
    char text[SC_IP_TEXT];
    if (!sc_client_ip_parse(SC_STR("127.0.0.1"), &proxy) ||
        !sc_client_ip_parse(SC_STR("192.0.2.1"), &stranger))
        abort();
    client = proxy;
    sc_forwarded_client(rfc7239, chain, TRUSTED, &client);
    /* What it shows is what it takes. */
    struct sc_ip again;
    if (!sc_client_ip_parse(sc_str_from(sc_ip_format(&client, text)), &again) ||
        memcmp(&again, &client, sizeof(again)) != 0)
        abort();
    client = stranger;
    sc_forwarded_client(rfc7239, chain, TRUSTED, &client);
    if (memcmp(&client, &stranger, sizeof(client)) != 0)
        abort();
}

static void check_lists(const char *text)
{
    struct sc_ip a;
    if (!sc_client_ip_parse(SC_STR("2001:db8::1"), &a))
        abort();
    (void)sc_hosts_is_net_list(text);
    (void)sc_hosts_has(text, NULL, &a);
    (void)sc_list_has(text, SC_STR("https://a.example"));
    (void)sc_host_is_loopback(sc_str_from(text), text);
}

/* An answer's header of it has no line breaks, nor names that were not asked for. */
static void check_taken(struct sc_str asked)
{
    SC_AUTO_BUF taken = { 0 };
    sc_cors_put_taken(asked, &taken);
    for (size_t i = 0; i < taken.len; i++) {
        if ((unsigned char)taken.ptr[i] <= 0x1f || (unsigned char)taken.ptr[i] >= 0x7f)
            abort();
    }
    if (taken.len > 2 * asked.len)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sc_str text = { (const char *)data, size };
    SC_AUTO_FREE char *copy = sc_alloc(size + 1);

    memcpy(copy, data, size);
    check_chain(false, text);
    check_chain(true, text);
    check_lists(copy);
    check_taken(text);
    return 0;
}
