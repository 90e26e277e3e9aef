#include "base/hash.h"

#include "testing.h"

#include "base/banned.h"

static void known_sums_of_fips_180_4_come_out(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *sum;
    } rows[] = {
        { "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
        { "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
        { "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
          "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        char out[SC_SHA256_TEXT];
        sc_hash_bytes(rows[i].text, strlen(rows[i].text), out);
        assert_string_equal(out, rows[i].sum);
    }
}

static void streamed_bytes_sum_like_bytes_at_hand_and_start_anew(void **state)
{
    (void)state;
    SC_AUTO(sc_hash_freep) struct sc_hash *h = sc_hash_new();
    char streamed[SC_SHA256_TEXT], whole[SC_SHA256_TEXT];
    for (int round = 0; round < 2; round++) {
        sc_hash_update(h, "hello ", 6);
        sc_hash_update(h, NULL, 0);
        sc_hash_update(h, "world", 5);
        sc_hash_hex(h, streamed);
        sc_hash_bytes("hello world", 11, whole);
        assert_string_equal(streamed, whole);
    }
    sc_hash_free(NULL);
}

static void known_macs_of_rfc_4231_come_out(void **state)
{
    (void)state;
    char key[131], mac[SC_SHA256_TEXT];
    memset(key, 0x0b, 20);
    sc_hash_hmac((struct sc_str){ key, 20 }, SC_STR("Hi There"), mac);
    assert_string_equal(mac, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    sc_hash_hmac(SC_STR("Jefe"), SC_STR("what do ya want for nothing?"), mac);
    assert_string_equal(mac, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset(key, 0xaa, sizeof(key));
    sc_hash_hmac((struct sc_str){ key, sizeof(key) },
                 SC_STR("Test Using Larger Than Block-Size Key - Hash Key First"), mac);
    assert_string_equal(mac, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(known_sums_of_fips_180_4_come_out),
        TEST(streamed_bytes_sum_like_bytes_at_hand_and_start_anew),
        TEST(known_macs_of_rfc_4231_come_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
