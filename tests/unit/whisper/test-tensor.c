#include "testing.h"

#include "model.h"

#include <math.h>

#include "base/banned.h"

static struct sc_wtensor tensor(enum sc_wtype type, const void *bytes, int64_t rows,
                                int64_t columns)
{
    return (struct sc_wtensor){
        .name = "t",
        .type = type,
        .rank = 2,
        .dims = { rows, columns, 1 },
        .data = bytes,
        .bytes = sc_wtype_bytes(type, rows * columns),
    };
}

static void reads_f32_at_any_alignment(void **state)
{
    static const unsigned char bytes[] = { 0xff, 0x00, 0x00, 0x80, 0x3f, 0x00, 0x00,
                                           0x20, 0xc1, 0x01, 0x00, 0x00, 0x00 };
    struct sc_wtensor t = tensor(SC_WTYPE_F32, bytes + 1, 1, 3);
    float out[3];
    (void)state;
    sc_wtensor_read(&t, 0, 1, out);
    assert_true(out[0] == 1.0F && out[1] == -10.0F && out[2] == 0x1p-149F);
}

static void reads_f16_normal_subnormal_and_endless(void **state)
{
    static const unsigned char bytes[] = {
        0x00, 0x3c, 0x00, 0xc0, 0xff, 0x7b, 0x01, 0x00,
        0xff, 0x83, 0x00, 0x80, 0x00, 0x7c, 0x01, 0x7e,
    };
    struct sc_wtensor t = tensor(SC_WTYPE_F16, bytes, 1, 8);
    float out[8];
    (void)state;
    sc_wtensor_read(&t, 0, 1, out);
    assert_true(out[0] == 1.0F && out[1] == -2.0F && out[2] == 65504.0F);
    assert_true(out[3] == 0x1p-24F && out[4] == -1023 * 0x1p-24F);
    assert_true(out[5] == 0 && signbit(out[5]));
    assert_true(isinf(out[6]) && isnan(out[7]));
}

static void reads_bf16(void **state)
{
    static const unsigned char bytes[] = { 0x80, 0x3f, 0x49, 0x40, 0x00, 0xc0 };
    struct sc_wtensor t = tensor(SC_WTYPE_BF16, bytes, 1, 3);
    float out[3];
    (void)state;
    sc_wtensor_read(&t, 0, 1, out);
    assert_true(out[0] == 1.0F && out[1] == 3.140625F && out[2] == -2.0F);
}

/* Numbers 0 to 15 low and 15 to 0 high, so that number i is i, then 31 - i. */
static void put_numbers(unsigned char *to)
{
    for (unsigned i = 0; i < 16; i++)
        to[i] = (unsigned char)(i | (15 - i) << 4);
}

static void reads_4_bits(void **state)
{
    unsigned char of_0[18] = { 0x00, 0x38 }, of_1[20] = { 0x00, 0x38, 0x00, 0xc0 };
    float out[32];
    (void)state;
    put_numbers(of_0 + 2); /* 0.5 apart */
    put_numbers(of_1 + 4); /* from -2 on */

    struct sc_wtensor t = tensor(SC_WTYPE_Q4_0, of_0, 1, 32);
    sc_wtensor_read(&t, 0, 1, out);
    for (int i = 0; i < 32; i++)
        assert_true(out[i] == (float)((i < 16 ? i : 31 - i) - 8) / 2);
    t = tensor(SC_WTYPE_Q4_1, of_1, 1, 32);
    sc_wtensor_read(&t, 0, 1, out);
    for (int i = 0; i < 32; i++)
        assert_true(out[i] == (float)(i < 16 ? i : 31 - i) / 2 - 2);
}

static void reads_5_bits(void **state)
{
    /* The fifth bit is set for 1, 2, 16 and 31. */
    unsigned char of_0[22] = { 0x00, 0x40, 0x06, 0x00, 0x01, 0x80 };
    unsigned char of_1[24] = { 0x00, 0x40, 0x00, 0x3c, 0x06, 0x00, 0x01, 0x80 };
    float out[32];
    (void)state;
    put_numbers(of_0 + 6); /* 2 apart */
    put_numbers(of_1 + 8); /* from 1 on */

    struct sc_wtensor t = tensor(SC_WTYPE_Q5_0, of_0, 1, 32);
    sc_wtensor_read(&t, 0, 1, out);
    for (int i = 0; i < 32; i++) {
        const int fifth = i == 1 || i == 2 || i == 16 || i == 31 ? 16 : 0;
        assert_true(out[i] == (float)((i < 16 ? i : 31 - i) + fifth - 16) * 2);
    }
    t = tensor(SC_WTYPE_Q5_1, of_1, 1, 32);
    sc_wtensor_read(&t, 0, 1, out);
    for (int i = 0; i < 32; i++) {
        const int fifth = i == 1 || i == 2 || i == 16 || i == 31 ? 16 : 0;
        assert_true(out[i] == (float)((i < 16 ? i : 31 - i) + fifth) * 2 + 1);
    }
}

static void reads_8_bits(void **state)
{
    unsigned char bytes[68] = { 0x00, 0x34 };
    float out[32];
    (void)state;
    bytes[35] = 0xb8; /* the second block: -0.5 apart */
    for (int i = 0; i < 32; i++)
        bytes[36 + i] = (unsigned char)(i * 8 - 128);
    struct sc_wtensor t = tensor(SC_WTYPE_Q8_0, bytes, 2, 32);
    sc_wtensor_read(&t, 1, 1, out);
    for (int i = 0; i < 32; i++)
        assert_true(out[i] == (float)(i * 8 - 128) / -2);
    sc_wtensor_read(&t, 0, 1, out);
    assert_true(out[0] == 0 && out[31] == 0);
}

static void a_row_is_what_is_behind_the_outermost_dimension(void **state)
{
    float values[24], out[12];
    SC_AUTO_BUF bytes = { 0 };
    (void)state;
    for (int i = 0; i < 24; i++)
        values[i] = (float)i;
    test_model_pack(SC_WTYPE_F32, values, 24, &bytes);
    struct sc_wtensor t = tensor(SC_WTYPE_F32, bytes.ptr, 4, 2);
    t.rank = 3;
    t.dims[2] = 3;
    assert_int_equal(sc_wtensor_row(&t), 6);
    sc_wtensor_read(&t, 1, 2, out);
    assert_true(out[0] == 6 && out[11] == 17);
    t.rank = 1;
    t.dims[0] = 24;
    assert_int_equal(sc_wtensor_row(&t), 1);
    sc_wtensor_read(&t, 23, 1, out);
    assert_true(out[0] == 23);
}

/* What the maker of models packs comes back within half a step of its type. */
static void what_is_packed_is_read(void **state)
{
    static const float steps[SC_WTYPE_COUNT_] = { 0,         1 / 1024.0F, 1 / 256.0F, 1 / 7.0F,
                                                  1 / 14.0F, 1 / 15.0F,   1 / 30.0F,  1 / 200.0F };
    float values[64], out[64];
    (void)state;
    for (int i = 0; i < 64; i++)
        values[i] = sinf((float)i * 1.7F) * (i < 32 ? 1.0F : 0.25F);
    for (int type = 0; type < SC_WTYPE_COUNT_; type++) {
        SC_AUTO_BUF bytes = { 0 };
        test_model_pack((enum sc_wtype)type, values, 64, &bytes);
        assert_int_equal(bytes.len, sc_wtype_bytes((enum sc_wtype)type, 64));
        struct sc_wtensor t = tensor((enum sc_wtype)type, bytes.ptr, 2, 32);
        sc_wtensor_read(&t, 0, 2, out);
        for (int i = 0; i < 64; i++) {
            const float most = steps[type] * (i < 32 ? 1.0F : 0.25F);
            if (fabsf(out[i] - values[i]) > most)
                fail_msg("%s: %d is %g, not %g", sc_wtype_name((enum sc_wtype)type), i,
                         (double)out[i], (double)values[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(reads_f32_at_any_alignment),
        TEST(reads_f16_normal_subnormal_and_endless),
        TEST(reads_bf16),
        TEST(reads_4_bits),
        TEST(reads_5_bits),
        TEST(reads_8_bits),
        TEST(a_row_is_what_is_behind_the_outermost_dimension),
        TEST(what_is_packed_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
