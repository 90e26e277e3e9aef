#include "testing.h"

#include "whisper/kernels.h"

#include <math.h>
#include <stdlib.h>

#include "base/banned.h"

/* The same numbers each time, about -1 to 1. */
static void fill(float *values, size_t count, uint32_t seed)
{
    uint32_t x = seed * 2654435761U + 1;
    for (size_t i = 0; i < count; i++) {
        x = x * 1664525U + 1013904223U;
        values[i] = (float)(x >> 8) / 8388608.0F - 1;
    }
}

static float *numbers(size_t count, uint32_t seed)
{
    float *values = malloc((count > 0 ? count : 1) * sizeof(*values));
    assert_non_null(values);
    fill(values, count, seed);
    return values;
}

/* As panels, of weights[columns][depth]. */
static float *panels_of(const float *weights, size_t columns, size_t depth)
{
    float *panels = calloc(SC_PANEL_FLOATS(depth, columns), sizeof(*panels));
    assert_non_null(panels);
    for (size_t c = 0; c < columns; c++) {
        for (size_t k = 0; k < depth; k++)
            panels[c / SC_PANEL * SC_PANEL * depth + k * SC_PANEL + c % SC_PANEL] =
                weights[c * depth + k];
    }
    return panels;
}

struct shape {
    size_t rows, depth, columns, in_stride;
    bool bias, add;
};

static void check_product(const struct sc_kernels *k, const struct shape *s)
{
    const size_t out_stride = s->columns + 3;
    SC_AUTO_FREE float *in = numbers((s->rows - 1) * s->in_stride + s->depth, 1);
    SC_AUTO_FREE float *weights = numbers(s->columns * s->depth, 2);
    SC_AUTO_FREE float *panels = panels_of(weights, s->columns, s->depth);
    SC_AUTO_FREE float *bias = numbers(SC_PANELS(s->columns) * SC_PANEL, 3);
    SC_AUTO_FREE float *before = numbers(s->rows * out_stride, 4);
    SC_AUTO_FREE float *out = numbers(s->rows * out_stride, 4);

    k->product(&(struct sc_product){ .in = in,
                                     .in_stride = s->in_stride,
                                     .rows = s->rows,
                                     .depth = s->depth,
                                     .columns = s->columns,
                                     .panels = panels,
                                     .bias = s->bias ? bias : NULL,
                                     .out = out,
                                     .out_stride = out_stride,
                                     .add = s->add });
    for (size_t r = 0; r < s->rows; r++) {
        for (size_t c = 0; c < out_stride; c++) {
            const float was = before[r * out_stride + c];
            if (c >= s->columns) {
                assert_true(out[r * out_stride + c] == was);
                continue;
            }
            double sum = s->bias ? (double)bias[c] : 0;
            for (size_t i = 0; i < s->depth; i++)
                sum += (double)in[r * s->in_stride + i] * (double)weights[c * s->depth + i];
            sum += s->add ? (double)was : 0;
            if (fabs(sum - (double)out[r * out_stride + c]) > 1e-6 * (double)(s->depth + 10))
                fail_msg("%s %zux%zux%zu: row %zu column %zu is %f, not %f", k->name, s->rows,
                         s->depth, s->columns, r, c, (double)out[r * out_stride + c], sum);
        }
    }
}

static const struct shape shapes[] = {
    { 1, 1, 1, 1, false, false },         { 1, 64, 33, 64, true, false },
    { 5, 7, 31, 7, true, true },          { 12, 64, 32, 64, false, true },
    { 13, 512, 96, 512, true, false },    { 60, 24, 100, 90, true, true },
    { 61, 1500, 12, 1504, false, false }, { 11, 30, 64, 10, true, false },
    { 3, 700, 65, 701, true, true },      { 62, 1030, 40, 1030, true, true },
};

static void products_are_what_sums_of_products_are(void **state)
{
    (void)state;
    const struct sc_kernels *k;
    for (size_t n = 0; (k = sc_kernels_at(n)) != NULL; n++) {
        for (size_t i = 0; i < SC_ARRAY_LEN(shapes); i++)
            check_product(k, &shapes[i]);
    }
}

/* A row alone, among others, and cut into panels: the same bits. */
static void a_row_of_a_product_depends_on_nothing_beside_it(void **state)
{
    (void)state;
    enum { ROWS = 61, DEPTH = 1100, COLUMNS = 100 };
    SC_AUTO_FREE float *in = numbers((size_t)ROWS * DEPTH, 1);
    SC_AUTO_FREE float *weights = numbers((size_t)COLUMNS * DEPTH, 2);
    SC_AUTO_FREE float *panels = panels_of(weights, COLUMNS, DEPTH);
    const struct sc_kernels *k;

    for (size_t n = 0; (k = sc_kernels_at(n)) != NULL; n++) {
        for (int add = 0; add < 2; add++) {
            SC_AUTO_FREE float *whole = numbers((size_t)ROWS * COLUMNS, 5);
            struct sc_product p = { in,     DEPTH, ROWS,  DEPTH,   COLUMNS,
                                    panels, NULL,  whole, COLUMNS, add == 1 };
            k->product(&p);
            for (size_t count = 1; count <= 14; count++) {
                SC_AUTO_FREE float *out = numbers((size_t)ROWS * COLUMNS, 5);
                for (size_t row = 0; row < ROWS; row += count) {
                    for (size_t panel = 0; panel < SC_PANELS((size_t)COLUMNS); panel++) {
                        p.in = in + row * DEPTH;
                        p.rows = SC_MIN(count, ROWS - row);
                        p.columns = SC_MIN(SC_PANEL, COLUMNS - panel * SC_PANEL);
                        p.panels = panels + panel * SC_PANEL * DEPTH;
                        p.out = out + row * COLUMNS + panel * SC_PANEL;
                        k->product(&p);
                    }
                }
                assert_memory_equal(out, whole, (size_t)ROWS * COLUMNS * sizeof(float));
            }
        }
    }
}

static const size_t lengths[] = { 1, 2, 7, 8, 15, 16, 17, 40, 384, 1500 };

static void assert_near(const char *what, double got, double expected, double tolerance)
{
    if (!(fabs(got - expected) <= tolerance))
        fail_msg("%s: %.9g, not %.9g", what, got, expected);
}

static void exponents_are_those_of_libm(void **state)
{
    (void)state;
    const struct sc_kernels *k;
    for (size_t n = 0; (k = sc_kernels_at(n)) != NULL; n++) {
        for (size_t l = 0; l < SC_ARRAY_LEN(lengths); l++) {
            const size_t count = lengths[l];
            SC_AUTO_FREE float *values = numbers(count, 9), *made = numbers(count, 9);
            double most = -INFINITY, sum = 0;
            for (size_t i = 0; i < count; i++) {
                values[i] *= 60;
                made[i] = values[i];
                most = fmax(most, (double)values[i]);
            }
            const double told = (double)k->exponents(made, count);
            for (size_t i = 0; i < count; i++) {
                const double e = exp((double)(values[i] - (float)most));
                sum += e;
                assert_near("exponent", (double)made[i], e, 4e-7 * e + 2e-38);
            }
            assert_near("sum", told, sum, 2e-6 * sum);
        }
    }
}

static void layers_are_normalised(void **state)
{
    (void)state;
    const struct sc_kernels *k;
    for (size_t n = 0; (k = sc_kernels_at(n)) != NULL; n++) {
        for (size_t l = 0; l < SC_ARRAY_LEN(lengths); l++) {
            const size_t count = lengths[l];
            SC_AUTO_FREE float *in = numbers(count, 5), *weight = numbers(count, 6);
            SC_AUTO_FREE float *bias = numbers(count, 7), *out = numbers(count, 8);
            double mean = 0, variance = 0;
            for (size_t i = 0; i < count; i++)
                mean += (double)in[i] / (double)count;
            for (size_t i = 0; i < count; i++)
                variance += pow((double)in[i] - mean, 2) / (double)count;
            k->layer_norm(in, weight, bias, count, out);
            for (size_t i = 0; i < count; i++)
                assert_near("norm", (double)out[i],
                            ((double)in[i] - mean) / sqrt(variance + 1e-5) * (double)weight[i] +
                                (double)bias[i],
                            1e-5);
        }
    }
}

static void gelu_is_its_formula(void **state)
{
    (void)state;
    const struct sc_kernels *k;
    for (size_t n = 0; (k = sc_kernels_at(n)) != NULL; n++) {
        float values[203];
        for (int i = 0; i < 203; i++)
            values[i] = (float)(i - 101) / 5;
        values[202] = 1e20F;
        k->gelu(values, SC_ARRAY_LEN(values));
        for (int i = 0; i < 202; i++) {
            const double x = (double)((float)(i - 101) / 5);
            const double u = 0.7978845608 * (x + 0.044715 * x * x * x);
            assert_near("gelu", (double)values[i], 0.5 * x * (1 + tanh(u)), 2e-6 * fabs(x) + 1e-9);
        }
        assert_true(values[202] == 1e20F);
    }
}

static void vectors_are_multiplied_added_and_scaled(void **state)
{
    (void)state;
    const struct sc_kernels *k;
    for (size_t n = 0; (k = sc_kernels_at(n)) != NULL; n++) {
        for (size_t l = 0; l < SC_ARRAY_LEN(lengths); l++) {
            const size_t count = lengths[l];
            SC_AUTO_FREE float *a = numbers(count, 1), *b = numbers(count, 2);
            SC_AUTO_FREE float *out = numbers(count, 3), *before = numbers(count, 3);
            double dot = 0;
            for (size_t i = 0; i < count; i++)
                dot += (double)a[i] * (double)b[i];
            assert_near("dot", (double)k->dot(a, b, count), dot, 1e-6 * (double)(count + 10));
            k->add_scaled(0.7F, a, count, out);
            k->scale(0.3F, a, count);
            for (size_t i = 0; i < count; i++) {
                assert_near("scaled", (double)out[i] - (double)before[i],
                            (double)(a[i] / 0.3F * 0.7F), 1e-6);
            }
        }
    }
}

static void kernels_are_found_by_name_and_the_plain_ones_run_everywhere(void **state)
{
    (void)state;
    assert_ptr_equal(sc_kernels_find("plain"), &sc_kernels_plain);
    assert_null(sc_kernels_find("abacus"));
    assert_ptr_equal(sc_kernels_find(sc_kernels_best()->name), sc_kernels_best());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(products_are_what_sums_of_products_are),
        TEST(a_row_of_a_product_depends_on_nothing_beside_it),
        TEST(exponents_are_those_of_libm),
        TEST(layers_are_normalised),
        TEST(gelu_is_its_formula),
        TEST(vectors_are_multiplied_added_and_scaled),
        TEST(kernels_are_found_by_name_and_the_plain_ones_run_everywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
