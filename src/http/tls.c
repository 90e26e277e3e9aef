#include "http/tls.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/utf8.h"
#include "sys/file.h"

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "base/banned.h"

#define FILE_LIMIT ((size_t)1 << 20)
#define CHAIN_MAX 16

struct pair {
    gnutls_pcert_st chain[CHAIN_MAX];
    unsigned count;
    gnutls_privkey_t key;
    struct sc_tls_facts facts;
    struct pair *older; /* handshakes may be using it: kept until the end */
};

/* Tells one content of a file from another without reading it. */
struct mark {
    struct timespec changed[2];
    int64_t size[2];
    uint64_t inode[2];
};

struct sc_tls {
    char *cert, *key;
    struct pair *_Atomic now;
    _Atomic int64_t looked_ms; /* monotonic */
    pthread_mutex_t lock;
    /* -- protected by lock -- */
    struct mark mark; /* of the files when they were read last, well or not */
};

/* libmicrohttpd's callback has no context. */
static struct sc_tls *_Atomic opened;

static void pair_free(struct pair *p)
{
    if (p == NULL)
        return;
    for (unsigned i = 0; i < p->count; i++)
        gnutls_pcert_deinit(&p->chain[i]);
    if (p->key != NULL)
        gnutls_privkey_deinit(p->key);
    free(p);
}
SC_DEFINE_FREEP(struct pair, pair_free);

static enum sc_code read_pem(const char *setting, const char *path, struct sc_buf *out,
                             struct sc_error *err)
{
    struct sc_error why = { 0 };
    if (sc_file_read(path, FILE_LIMIT, out, &why) == SC_OK)
        return SC_OK;
    return sc_error_field(err, SC_E_CONFIG_ERROR, setting, "%s: %s", setting, why.msg);
}

static gnutls_datum_t datum(const struct sc_buf *buf)
{
    return (gnutls_datum_t){ (unsigned char *)(uintptr_t)sc_buf_text(buf), (unsigned)buf->len };
}

static void put_facts(gnutls_x509_crt_t *crts, unsigned count, struct sc_tls_facts *out)
{
    char name[sizeof(out->name)] = "";
    size_t size = sizeof(name);
    SC_AUTO_BUF shown = { 0 };
    out->expires_ms = INT64_MAX;
    for (unsigned i = 0; i < count; i++)
        out->expires_ms =
            SC_MIN(out->expires_ms, (int64_t)gnutls_x509_crt_get_expiration_time(crts[i]) * 1000);
    if (gnutls_x509_crt_get_subject_alt_name(crts[0], 0, name, &size, NULL) != GNUTLS_SAN_DNSNAME) {
        size = sizeof(name);
        name[0] = '\0';
        (void)gnutls_x509_crt_get_dn(crts[0], name, &size);
    }
    name[sizeof(name) - 1] = '\0';
    sc_utf8_append_printable(&shown, sc_str_from(name));
    (void)snprintf(out->name, sizeof(out->name), "%s", sc_buf_text(&shown));
}

static enum sc_code load_chain(const char *path, struct pair *pair, gnutls_x509_crt_t *first,
                               struct sc_error *err)
{
    SC_AUTO_BUF pem = { 0 };
    gnutls_x509_crt_t *crts = NULL;
    unsigned count = 0;
    enum sc_code code = read_pem("tls.cert", path, &pem, err);
    if (code != SC_OK)
        return code;
    gnutls_datum_t data = datum(&pem);
    int rc = gnutls_x509_crt_list_import2(&crts, &count, &data, GNUTLS_X509_FMT_PEM,
                                          GNUTLS_X509_CRT_LIST_SORT);
    if (rc >= 0 && (crts == NULL || count == 0 || count > CHAIN_MAX))
        rc = GNUTLS_E_NO_CERTIFICATE_FOUND;
    if (rc >= 0) {
        put_facts(crts, count, &pair->facts);
        rc = gnutls_pcert_import_x509_list(pair->chain, crts, &count, 0);
    }
    if (rc >= 0)
        pair->count = count;
    for (unsigned i = rc >= 0 ? 1 : 0; crts != NULL && i < count; i++)
        gnutls_x509_crt_deinit(crts[i]);
    if (rc >= 0 && crts != NULL)
        *first = crts[0];
    gnutls_free(crts);
    return rc >= 0 ? SC_OK
                   : sc_error_field(err, SC_E_CONFIG_ERROR, "tls.cert",
                                    "tls.cert: '%.160s' holds no chain of certificates in PEM: %s",
                                    path, gnutls_strerror(rc));
}

/* The key at path; it must be that of the certificate. */
static enum sc_code load_key(const char *path, gnutls_x509_crt_t crt, struct pair *pair,
                             struct sc_error *err)
{
    unsigned char wanted[64], found[64];
    size_t wanted_size = sizeof(wanted), found_size = sizeof(found);
    gnutls_x509_privkey_t key;
    SC_AUTO_BUF pem = { 0 };
    enum sc_code code = read_pem("tls.key", path, &pem, err);
    if (code != SC_OK)
        return code;
    gnutls_datum_t data = datum(&pem);
    sc_assert(gnutls_x509_privkey_init(&key) == 0 && gnutls_privkey_init(&pair->key) == 0);
    int rc = gnutls_x509_privkey_import2(key, &data, GNUTLS_X509_FMT_PEM, NULL, 0);
    if (rc >= 0)
        rc = gnutls_privkey_import_x509(pair->key, key, GNUTLS_PRIVKEY_IMPORT_COPY);
    bool known =
        rc >= 0 &&
        gnutls_x509_privkey_get_key_id(key, GNUTLS_KEYID_USE_SHA256, found, &found_size) == 0 &&
        gnutls_x509_crt_get_key_id(crt, GNUTLS_KEYID_USE_SHA256, wanted, &wanted_size) == 0;
    bool fits = known && found_size == wanted_size && memcmp(found, wanted, found_size) == 0;
    gnutls_x509_privkey_deinit(key);
    if (!known)
        return sc_error_field(
            err, SC_E_CONFIG_ERROR, "tls.key",
            "tls.key: '%.160s' holds no private key in PEM without a password: %s", path,
            gnutls_strerror(rc));
    if (!fits)
        return sc_error_field(err, SC_E_CONFIG_ERROR, "tls.key",
                              "tls.key: the key in '%.160s' is not that of the certificate in "
                              "tls.cert",
                              path);
    return SC_OK;
}

static enum sc_code load(const char *cert, const char *key, struct pair **out, struct sc_error *err)
{
    SC_AUTO(pair_freep) struct pair *pair = sc_alloc(sizeof(*pair));
    gnutls_x509_crt_t first = NULL; /* gcc cannot see it set when sanitizing threads */
    enum sc_code code = load_chain(cert, pair, &first, err);
    if (code != SC_OK)
        return code;
    code = load_key(key, first, pair, err);
    gnutls_x509_crt_deinit(first);
    if (code == SC_OK)
        *out = SC_TAKE(pair);
    return code;
}

enum sc_code sc_tls_check(const char *cert, const char *key, struct sc_tls_facts *out,
                          struct sc_error *err)
{
    SC_AUTO(pair_freep) struct pair *pair = NULL;
    enum sc_code code = load(cert, key, &pair, err);
    if (code == SC_OK)
        *out = pair->facts;
    return code;
}

static struct mark mark_of(const struct sc_tls *tls)
{
    const char *paths[2] = { tls->cert, tls->key };
    struct mark m;
    memset(&m, 0, sizeof(m)); /* compared as bytes */
    for (int i = 0; i < 2; i++) {
        struct stat st;
        if (stat(paths[i], &st) != 0)
            continue;
        m.changed[i] = st.st_mtim;
        m.size[i] = st.st_size;
        m.inode[i] = st.st_ino;
    }
    return m;
}

static enum sc_code reload_locked(struct sc_tls *tls, struct sc_error *err)
{
    struct pair *fresh = NULL;
    /* First: files that change under our hands are found to have changed the next time. */
    tls->mark = mark_of(tls);
    enum sc_code code = load(tls->cert, tls->key, &fresh, err);
    if (code != SC_OK)
        return code;
    fresh->older = atomic_load(&tls->now);
    atomic_store(&tls->now, fresh);
    return SC_OK;
}

enum sc_code sc_tls_reload(struct sc_tls *tls, struct sc_error *err)
{
    SC_LOCK(&tls->lock);
    return reload_locked(tls, err);
}

enum sc_code sc_tls_open(const char *cert, const char *key, struct sc_tls **out,
                         struct sc_error *err)
{
    SC_AUTO(sc_tls_freep) struct sc_tls *tls = sc_alloc(sizeof(*tls));
    tls->cert = sc_strdup(cert);
    tls->key = sc_strdup(key);
    atomic_init(&tls->now, NULL);
    atomic_init(&tls->looked_ms, sc_clock_mono_ms());
    sc_assert(pthread_mutex_init(&tls->lock, NULL) == 0);
    enum sc_code code = sc_tls_reload(tls, err);
    if (code != SC_OK)
        return code;
    atomic_store(&opened, tls);
    *out = SC_TAKE(tls);
    return SC_OK;
}

void sc_tls_free(struct sc_tls *tls)
{
    if (tls == NULL)
        return;
    struct sc_tls *me = tls;
    (void)atomic_compare_exchange_strong(&opened, &me, NULL);
    for (struct pair *p = atomic_load(&tls->now), *older; p != NULL; p = older) {
        older = p->older;
        pair_free(p);
    }
    (void)pthread_mutex_destroy(&tls->lock);
    free(tls->cert);
    free(tls->key);
    free(tls);
}

void sc_tls_facts(struct sc_tls *tls, struct sc_tls_facts *out)
{
    *out = atomic_load(&tls->now)->facts;
}

/* A certificate that was renewed is found by who connects next, whether or not anybody sends us
 * SIGHUP. */
static void look_for_others(struct sc_tls *tls)
{
    int64_t now = sc_clock_mono_ms();
    int64_t looked = atomic_load(&tls->looked_ms);
    if (now - looked < SC_TLS_LOOK_MS ||
        !atomic_compare_exchange_strong(&tls->looked_ms, &looked, now))
        return;
    struct sc_error err = { 0 };
    SC_LOCK(&tls->lock);
    struct mark mark = mark_of(tls);
    if (memcmp(&mark, &tls->mark, sizeof(mark)) == 0)
        return;
    if (reload_locked(tls, &err) == SC_OK)
        SC_LOG(INFO, "http", "the certificate has changed", SC_S("path", tls->cert),
               SC_S("name", atomic_load(&tls->now)->facts.name));
    else
        SC_LOG(ERROR, "http", "the certificate has changed and is no good: that of before stays",
               SC_S("error", err.msg));
}

static int retrieve(gnutls_session_t session, const gnutls_datum_t *ca_names, int ca_count,
                    const gnutls_pk_algorithm_t *algorithms, int algorithm_count,
                    gnutls_pcert_st **chain, unsigned *count, gnutls_privkey_t *key)
{
    struct sc_tls *tls = atomic_load(&opened);
    (void)session;
    (void)ca_names;
    (void)ca_count;
    (void)algorithms;
    (void)algorithm_count;
    if (tls == NULL)
        return -1;
    look_for_others(tls);
    struct pair *pair = atomic_load(&tls->now);
    *chain = pair->chain;
    *count = pair->count;
    *key = pair->key;
    return 0;
}

void *sc_tls_callback(void)
{
    return (void *)(uintptr_t)retrieve;
}
