/* The quantised types keep 32 neighbours in a block: a scale (and for the _1 types a least value)
 * in f16, then the numbers. Of 4 and 5 bits the low halves of 16 bytes are the first 16 numbers and
 * the high halves the others; fifth bits stand before them, one 32-bit word. */
#include "whisper/tensor.h"

#include <string.h>

#include "base/banned.h"

#define BLOCK 32

static const struct {
    const char *name;
    uint8_t block, bytes; /* values of a block, and what it takes */
} types[SC_WTYPE_COUNT_] = {
    [SC_WTYPE_F32] = { "f32", 1, 4 },        [SC_WTYPE_F16] = { "f16", 1, 2 },
    [SC_WTYPE_BF16] = { "bf16", 1, 2 },      [SC_WTYPE_Q4_0] = { "q4_0", BLOCK, 18 },
    [SC_WTYPE_Q4_1] = { "q4_1", BLOCK, 20 }, [SC_WTYPE_Q5_0] = { "q5_0", BLOCK, 22 },
    [SC_WTYPE_Q5_1] = { "q5_1", BLOCK, 24 }, [SC_WTYPE_Q8_0] = { "q8_0", BLOCK, 34 },
};

const char *sc_wtype_name(enum sc_wtype type)
{
    return types[type].name;
}

int sc_wtype_block(enum sc_wtype type)
{
    return types[type].block;
}

size_t sc_wtype_bytes(enum sc_wtype type, int64_t count)
{
    return (size_t)count / types[type].block * types[type].bytes;
}

int64_t sc_wtensor_row(const struct sc_wtensor *t)
{
    int64_t values = 1;
    for (int i = 1; i < t->rank; i++)
        values *= t->dims[i];
    return values;
}

static float from_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

static uint16_t read_u16(const unsigned char *at)
{
    return (uint16_t)(at[0] | at[1] << 8);
}

static uint32_t read_u32(const unsigned char *at)
{
    return (uint32_t)read_u16(at) | (uint32_t)read_u16(at + 2) << 16;
}

/* Exponent and fraction moved into the places of an f32 make a number that is 2^112 times too
 * small, subnormal or not. */
static float read_f16(const unsigned char *at)
{
    const uint32_t half = read_u16(at), sign = (half & 0x8000) << 16, rest = half & 0x7fff;
    if (rest >= 0x7c00)
        return from_bits(sign | 0x7f800000 | (rest & 0x3ff) << 13);
    const float magnitude = from_bits(rest << 13) * 0x1p112f;
    return sign != 0 ? -magnitude : magnitude;
}

static void read_f32s(const unsigned char *at, int64_t count, float *out)
{
    for (int64_t i = 0; i < count; i++)
        out[i] = from_bits(read_u32(at + 4 * i));
}

static void read_f16s(const unsigned char *at, int64_t count, float *out)
{
    for (int64_t i = 0; i < count; i++)
        out[i] = read_f16(at + 2 * i);
}

static void read_bf16s(const unsigned char *at, int64_t count, float *out)
{
    for (int64_t i = 0; i < count; i++)
        out[i] = from_bits((uint32_t)read_u16(at + 2 * i) << 16);
}

/* A block of numbers of 4 bits, or of 5 where `fifth` holds their highest: (number - middle) *
 * scale + least. */
static void read_nibbles(const unsigned char numbers[BLOCK / 2], uint32_t fifth, int middle,
                         const float line[2], float out[BLOCK])
{
    for (unsigned i = 0; i < BLOCK / 2; i++) {
        const unsigned low = (numbers[i] & 0x0f) | (fifth >> i & 1) << 4;
        const unsigned high = (numbers[i] >> 4) | (fifth >> (i + BLOCK / 2) & 1) << 4;
        out[i] = (float)((int)low - middle) * line[0] + line[1];
        out[i + BLOCK / 2] = (float)((int)high - middle) * line[0] + line[1];
    }
}

static void read_block(enum sc_wtype type, const unsigned char *at, float out[BLOCK])
{
    const float scale = read_f16(at);

    switch (type) {
    case SC_WTYPE_Q4_0:
        read_nibbles(at + 2, 0, 8, (float[2]){ scale, 0 }, out);
        break;
    case SC_WTYPE_Q4_1:
        read_nibbles(at + 4, 0, 0, (float[2]){ scale, read_f16(at + 2) }, out);
        break;
    case SC_WTYPE_Q5_0:
        read_nibbles(at + 6, read_u32(at + 2), 16, (float[2]){ scale, 0 }, out);
        break;
    case SC_WTYPE_Q5_1:
        read_nibbles(at + 8, read_u32(at + 4), 0, (float[2]){ scale, read_f16(at + 2) }, out);
        break;
    case SC_WTYPE_Q8_0:
        for (int i = 0; i < BLOCK; i++)
            out[i] = (float)(int8_t)at[2 + i] * scale;
        break;
    case SC_WTYPE_F32:
    case SC_WTYPE_F16:
    case SC_WTYPE_BF16:
    case SC_WTYPE_COUNT_:
        break;
    }
}

void sc_wtensor_read(const struct sc_wtensor *t, int64_t row, int64_t rows, float *out)
{
    const int64_t width = sc_wtensor_row(t), count = rows * width;

    sc_assert(row >= 0 && rows >= 0 && rows <= t->dims[0] - row);
    /* Of a quantised vector the row may lie within a block; no file has one. */
    sc_assert(width % types[t->type].block == 0);
    const unsigned char *at = t->data + sc_wtype_bytes(t->type, row * width);
    switch (t->type) {
    case SC_WTYPE_F32:
        read_f32s(at, count, out);
        break;
    case SC_WTYPE_F16:
        read_f16s(at, count, out);
        break;
    case SC_WTYPE_BF16:
        read_bf16s(at, count, out);
        break;
    case SC_WTYPE_Q4_0:
    case SC_WTYPE_Q4_1:
    case SC_WTYPE_Q5_0:
    case SC_WTYPE_Q5_1:
    case SC_WTYPE_Q8_0:
        for (int64_t i = 0; i < count; i += BLOCK) {
            read_block(t->type, at, out + i);
            at += types[t->type].bytes;
        }
        break;
    case SC_WTYPE_COUNT_:
        break;
    }
}
