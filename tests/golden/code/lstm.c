/* LSTM: what lstm.h declares.
 *
 * Compile it with
 *
 *     cc -std=c99 -O3 -march=native -ffp-contract=fast -fno-math-errno -fno-trapping-math -c
 *
 * With -DLSTM_CBLAS products of matrices are CBLAS's; T * B must fit an int then.
 * With -DLSTM_SELFTEST there is a main, which runs a few steps and says what is wrong.
 */
#include "lstm.h"

#if defined(__FAST_MATH__) || defined(__ASSOCIATIVE_MATH__)
#error "compile it without -ffast-math and -Ofast: exponentials and sums need each operation as it is written"
#endif

#include <math.h>
#include <stdint.h>
#include <string.h>
#ifdef LSTM_CBLAS
#include <cblas.h>
#endif

/* The entries of a loop do not depend on one another. */
#if defined(__clang__)
#define SIMD _Pragma("clang loop vectorize(assume_safety)")
#elif defined(__GNUC__)
#define SIMD _Pragma("GCC ivdep")
#else
#define SIMD
#endif

typedef lstm_real real;

/* y 2^n of the whole number n that is in the low bits of n + 12582912.0f: added to the exponent of y. */
static inline real times_power(real y, real shifted)
{
    uint32_t bits, power;
    memcpy(&bits, &y, sizeof bits);
    memcpy(&power, &shifted, sizeof power);
    bits += power << 23;
    memcpy(&y, &bits, sizeof y);
    return y;
}

/* exp(a) = 2^n (1 + rest): a = n log 2 + r, and exp(r) - 1 by its series, |r| <= log(2) / 2. */
static inline real exp_parts(real a, real *shifted)
{
    *shifted = a * 1.44269504088896341f + 12582912.0f;
    const real n = *shifted - 12582912.0f, r = a - n * 0.693359375f - n * -2.12194440e-4f, rr = r * r;
    real s = 1 / 720.0f + 1 / 5040.0f * r;
    s = s * rr + (1 / 24.0f + 1 / 120.0f * r);
    s = s * rr + (1 / 2.0f + 1 / 6.0f * r);
    return r + rr * s;
}

/* From these ends on 2^n is 0 or infinite.  One quotient for all: of cases, compilers make a division each. */
static inline real sigmoid(real a)
{
    real shifted;
    const real rest = exp_parts(a < -89 ? 89 : a > 88 ? -88 : -a, &shifted);
    return 1 / (1 + (1 + rest) * times_power(1, shifted));
}

/* (1 - e) / (1 + e) with e = exp(-2 |a|); 1 - e keeps its digits near 0. */
static inline real hyperbolic_tangent(real a)
{
    const real twice = 2 * fabsf(a);
    real shifted;
    const real rest = exp_parts(twice > 40 ? -40 : -twice, &shifted), scale = times_power(1, shifted);
    const real e1 = scale * rest + (scale - 1);
    return copysignf(-e1 / (2 + e1), a);
}

/* Adds a part of a sum to it, and leaves of the part what rounding took: sums of many samples keep their digits. */
static inline void add_part(size_t n, real *part, real *sum)
{
    SIMD
    for (size_t j = 0; j < n; ++j) {
        const real before = sum[j];
        sum[j] += part[j];
        part[j] -= sum[j] - before;
    }
}

/* C = A B, or C + A B: C (m, n), its rows rc apart; A (m, k), its rows ra and its columns ca apart; B (k, n), its
   rows rb apart.  Sums stay in registers; what many rows need is copied, as much at a time as the caches hold. */
#if defined(__AVX512F__)
enum { BYTES = 64, ROWS = 8 };
#elif defined(__AVX__)
enum { BYTES = 32, ROWS = 4 };
#else
enum { BYTES = 16, ROWS = 4 };
#endif
#if defined(__GNUC__) && !defined(__OPTIMIZE_SIZE__)
typedef real lanes __attribute__((vector_size(BYTES)));
#else
typedef real lanes;
#endif
enum { LANES = sizeof(lanes) / sizeof(real), TILE = 2 * LANES, HEIGHT = 512 / sizeof(real), DEPTH = 128 };

static inline lanes lanes_at(const real *a)
{
    lanes found;
    memcpy(&found, a, sizeof found);
    return found;
}

/* So many vectors of a row of C: so many sums of each go on side by side. */
static inline void part_of_row(size_t width, size_t sums, size_t k, const real *a, size_t ca, const real *b,
                               size_t rb, real *c, int add)
{
    lanes s[4][8];
    for (size_t i = 0; i < sums; ++i)
        for (size_t j = 0; j < width; ++j) s[i][j] = (lanes){0};
    for (; k >= sums; k -= sums, a += sums * ca, b += sums * rb)
        for (size_t i = 0; i < sums; ++i)
            for (size_t j = 0; j < width; ++j) s[i][j] += a[i * ca] * lanes_at(b + i * rb + j * LANES);
    for (size_t i = 1; i < sums; ++i)
        for (size_t j = 0; j < width; ++j) s[0][j] += s[i][j];
    for (; k > 0; --k, a += ca, b += rb)
        for (size_t j = 0; j < width; ++j) s[0][j] += a[0] * lanes_at(b + j * LANES);
    for (size_t j = 0; j < width; ++j, c += LANES) {
        if (add) s[0][j] += lanes_at(c);
        memcpy(c, &s[0][j], sizeof(lanes));
    }
}

/* The last n columns, fewer than a vector has: it reads on into the next row of B, but not past the last one. */
static inline void end_of_row(size_t n, size_t k, const real *a, size_t ca, const real *b, size_t rb, real *c,
                              int add)
{
    real sum[LANES];
    size_t whole = k;
    while (whole > 0 && (whole - 1) * rb + LANES > (k - 1) * rb + n) --whole;
    part_of_row(1, 4, whole, a, ca, b, rb, sum, 0);
    for (size_t l = whole; l < k; ++l)
        for (size_t j = 0; j < n; ++j) sum[j] += a[l * ca] * b[l * rb + j];
    for (size_t j = 0; j < n; ++j) c[j] = add ? c[j] + sum[j] : sum[j];
}

static void one_row(size_t n, size_t k, const real *a, size_t ca, const real *b, size_t rb, real *c, int add)
{
    size_t j = 0;
    for (; j + 8 * LANES <= n; j += 8 * LANES) part_of_row(8, 1, k, a, ca, b + j, rb, c + j, add);
    for (; j + 4 * LANES <= n; j += 4 * LANES) part_of_row(4, 2, k, a, ca, b + j, rb, c + j, add);
    for (; LANES > 1 && j + 2 * LANES <= n; j += 2 * LANES) part_of_row(2, 4, k, a, ca, b + j, rb, c + j, add);
    for (; j + LANES <= n; j += LANES) part_of_row(1, 4, k, a, ca, b + j, rb, c + j, add);
    if (LANES > 1 && j < n) end_of_row(n - j, k, a, ca, b + j, rb, c + j, add);
}
#ifndef __OPTIMIZE_SIZE__

/* A tile of C, so many vectors wide, from a strip of B. */
static inline void tile(size_t rows, size_t width, size_t k, const real *a, size_t ra, size_t ca,
                        const lanes *strip, real *c, size_t rc, int add)
{
    lanes s[ROWS][2] = {0};
    for (size_t l = 0; l < k; ++l, a += ca, strip += width)
        for (size_t i = 0; i < rows; ++i)
            for (size_t j = 0; j < width; ++j) s[i][j] += a[i * ra] * strip[j];
    for (size_t i = 0; i < rows; ++i, c += rc)
        for (size_t j = 0; j < width; ++j) {
            const lanes before = lanes_at(c + j * LANES), sum = add ? before + s[i][j] : s[i][j];
            memcpy(c + j * LANES, &sum, sizeof sum);
        }
}

/* Columns of C, n of them in so many vectors.  What stands in a strip after them comes to nothing. */
static inline void columns(size_t width, size_t m, size_t n, size_t k, const real *a, size_t ra, size_t ca,
                           const real *b, size_t rb, real *c, size_t rc, int add)
{
    const int whole = n == width * LANES;
    const size_t apart = whole ? rc : TILE;
    lanes strip[2 * DEPTH];
    real edge[ROWS * TILE];
    size_t l = 0;
    for (; l * rb + width * LANES <= (k - 1) * rb + n; ++l)
        memcpy(strip + l * width, b + l * rb, width * sizeof(lanes));
    if (l < k) memset(strip + l * width, 0, (k - l) * width * sizeof(lanes));
    for (; l < k; ++l) memcpy(strip + l * width, b + l * rb, n * sizeof(real));
    for (size_t rows; m > 0; m -= rows, a += rows * ra, c += rows * rc) {
        real *to = whole ? c : edge;
        rows = m >= ROWS ? ROWS : m >= ROWS / 2 ? ROWS / 2 : 1;
        if (rows == ROWS) tile(ROWS, width, k, a, ra, ca, strip, to, apart, add && whole);
        else if (rows > 1) tile(ROWS / 2, width, k, a, ra, ca, strip, to, apart, add && whole);
        else tile(1, width, k, a, ra, ca, strip, to, apart, add && whole);
        for (size_t i = 0; i < rows && !whole; ++i)
            for (size_t j = 0; j < n; ++j) c[i * rc + j] = edge[i * TILE + j] + (add ? c[i * rc + j] : 0);
    }
}

static inline void strips(size_t m, size_t n, size_t k, const real *a, size_t ra, size_t ca, const real *b,
                          size_t rb, real *c, size_t rc, int add)
{
    size_t j = 0;
    for (; j + TILE <= n; j += TILE) columns(2, m, TILE, k, a, ra, ca, b + j, rb, c + j, rc, add);
    if (n - j > LANES) columns(2, m, n - j, k, a, ra, ca, b + j, rb, c + j, rc, add);
    else if (n > j) columns(1, m, n - j, k, a, ra, ca, b + j, rb, c + j, rc, add);
}

/* HEIGHT rows of C at most, and DEPTH terms of their sums.  Columns of A that are used often are copied where they
   lie far apart. */
static void block(size_t m, size_t n, size_t k, const real *a, size_t ra, size_t ca, const real *b, size_t rb,
                  real *c, size_t rc, int add)
{
    if (ca == 1 || n <= 4 * TILE) {
        strips(m, n, k, a, ra, ca, b, rb, c, rc, add);
    } else {
        real copy[DEPTH * HEIGHT];
        for (size_t l = 0; l < k; ++l) memcpy(copy + l * HEIGHT, a + l * ca, m * sizeof(real));
        strips(m, n, k, copy, 1, HEIGHT, b, rb, c, rc, add);
    }
}
#endif

static void multiply(size_t m, size_t n, size_t k, const real *a, size_t ra, size_t ca, const real *b, size_t rb,
                     real *c, size_t rc, int add)
{
#ifdef LSTM_CBLAS
    if (m >= 4) {
        cblas_sgemm(CblasRowMajor, ca == 1 ? CblasNoTrans : CblasTrans, CblasNoTrans, (int)m, (int)n, (int)k, 1,
                    a, (int)(ca == 1 ? ra : ca), b, (int)rb, (real)add, c, (int)rc);
        return;
    }
#endif
#ifndef __OPTIMIZE_SIZE__
    if (m >= ROWS / 2 && k > 0) {
        for (size_t i = 0; i < m; i += HEIGHT)
            for (size_t l = 0; l < k; l += DEPTH)
                block(m - i < HEIGHT ? m - i : HEIGHT, n, k - l < DEPTH ? k - l : DEPTH, a + i * ra + l * ca,
                      ra, ca, b + l * rb, rb, c + i * rc, rc, add || l > 0);
        return;
    }
#endif
    for (; m > 0; --m, a += ra, c += rc)
        for (size_t l = 0; l == 0 || l < k; l += 8 * DEPTH)
            one_row(n, k - l < 8 * DEPTH ? k - l : 8 * DEPTH, a + l * ca, ca, b + l * rb, rb, c, add || l > 0);
}

size_t lstm_pack_size(lstm_sizes sizes)
{
    const size_t X = sizes.X, H = sizes.H;
    return 4 * H * H + 4 * H * X;
}

void lstm_pack(lstm_sizes sizes, const lstm_params *params, lstm_real *pack)
{
    const size_t X = sizes.X, H = sizes.H;
    real *W_fiog = pack;
    real *U_fiog = W_fiog + 4 * H * X;
    for (size_t first = 0; first < H; first += 16) {
        const size_t last = H - first < 16 ? H : first + 16;
        for (size_t l = 0; l < X; ++l) {
            SIMD
            for (size_t j = first; j < last; ++j) {
                W_fiog[l * (4 * H) + j] = params->W_f[j * X + l];
                W_fiog[H + l * (4 * H) + j] = params->W_i[j * X + l];
                W_fiog[2 * H + l * (4 * H) + j] = params->W_o[j * X + l];
                W_fiog[3 * H + l * (4 * H) + j] = params->W_g[j * X + l];
            }
        }
    }
    for (size_t first = 0; first < H; first += 16) {
        const size_t last = H - first < 16 ? H : first + 16;
        for (size_t l = 0; l < H; ++l) {
            SIMD
            for (size_t j = first; j < last; ++j) {
                U_fiog[l * (4 * H) + j] = params->U_f[j * H + l];
                U_fiog[H + l * (4 * H) + j] = params->U_i[j * H + l];
                U_fiog[2 * H + l * (4 * H) + j] = params->U_o[j * H + l];
                U_fiog[3 * H + l * (4 * H) + j] = params->U_g[j * H + l];
            }
        }
    }
}

size_t lstm_step_size(lstm_sizes sizes, size_t B)
{
    const size_t H = sizes.H;
    return B * (4 * H);
}

void lstm_step(lstm_sizes sizes, size_t B, const lstm_params *params, const lstm_real *pack,
               const lstm_real *xs, const lstm_states *prev, const lstm_states *next, lstm_real *work)
{
    const size_t X = sizes.X, H = sizes.H;
    const real *W_fiog = pack;
    const real *U_fiog = W_fiog + 4 * H * X;
    real *Wxs = work;
    multiply(B, 4 * H, X, xs, X, 1, W_fiog, 4 * H, Wxs, 4 * H, 0);
    multiply(B, 4 * H, H, prev->h, H, 1, U_fiog, 4 * H, Wxs, 4 * H, 1);
    for (size_t b = 0; b < B; ++b) {
        SIMD
        for (size_t j = 0; j < H; ++j) {
            const real f = sigmoid(Wxs[b * (4 * H) + j] + params->b_f[j]);
            const real i = sigmoid(Wxs[b * (4 * H) + H + j] + params->b_i[j]);
            const real g = hyperbolic_tangent(Wxs[b * (4 * H) + 3 * H + j] + params->b_g[j]);
            const real c = f * prev->c[b * H + j] + i * g;
            const real o = sigmoid(Wxs[b * (4 * H) + 2 * H + j] + params->b_o[j]);
            const real tanh_c = hyperbolic_tangent(c);
            next->c[b * H + j] = c;
            next->h[b * H + j] = o * tanh_c;
        }
    }
}

size_t lstm_work_size(lstm_sizes sizes, size_t T, size_t B)
{
    const size_t X = sizes.X, H = sizes.H;
    const size_t kept = T * B * (5 * H);
    const size_t backward = 4 * H * H + 4 * H * X + 8 * H + T * B * (4 * H);
    return kept + backward;
}

void lstm_forward(lstm_sizes sizes, size_t T, size_t B, const lstm_params *params, const lstm_real *pack,
                  const lstm_real *xs, const lstm_states *states, lstm_real *work)
{
    const size_t X = sizes.X, H = sizes.H;
    const real *W_fiog = pack;
    const real *U_fiog = W_fiog + 4 * H * X;
    real *cs = states->c;
    real *hs = states->h;
    real *fiogs = work;
    real *tanh_cs = fiogs + T * B * (4 * H);
    multiply(T * B, 4 * H, X, xs, X, 1, W_fiog, 4 * H, fiogs, 4 * H, 0);
    for (size_t t = 0; t < T; ++t) {
        multiply(B, 4 * H, H, hs + t * B * H, H, 1, U_fiog, 4 * H, fiogs + t * B * (4 * H), 4 * H, 1);
        for (size_t b = 0; b < B; ++b) {
            const size_t row = t * B + b;
            SIMD
            for (size_t j = 0; j < H; ++j) {
                const real f = sigmoid(fiogs[row * (4 * H) + j] + params->b_f[j]);
                const real i = sigmoid(fiogs[row * (4 * H) + H + j] + params->b_i[j]);
                const real g = hyperbolic_tangent(fiogs[row * (4 * H) + 3 * H + j] + params->b_g[j]);
                const real c = f * cs[row * H + j] + i * g;
                const real o = sigmoid(fiogs[row * (4 * H) + 2 * H + j] + params->b_o[j]);
                const real tanh_c = hyperbolic_tangent(c);
                fiogs[row * (4 * H) + j] = f;
                fiogs[row * (4 * H) + H + j] = i;
                fiogs[row * (4 * H) + 3 * H + j] = g;
                cs[(row + B) * H + j] = c;
                fiogs[row * (4 * H) + 2 * H + j] = o;
                tanh_cs[row * H + j] = tanh_c;
                hs[(row + B) * H + j] = o * tanh_c;
            }
        }
    }
}

void lstm_backward(lstm_sizes sizes, size_t T, size_t B, const lstm_params *params, const lstm_real *xs,
                   const lstm_states *states, const lstm_real *d_hs, const lstm_states *d_states,
                   const lstm_grads *grads, lstm_real *d_xs, lstm_real *work)
{
    const size_t X = sizes.X, H = sizes.H;
    const real *cs = states->c;
    const real *hs = states->h;
    real *carry_c = d_states->c;
    real *carry_h = d_states->h;
    real *fiogs = work;
    real *tanh_cs = fiogs + T * B * (4 * H);
    real *U_ogif = tanh_cs + T * B * H;
    real *W_ogif = U_ogif + 4 * H * H;
    real *delta_ogifs = W_ogif + 4 * H * X;
    real *d_b_ogif = delta_ogifs + T * B * (4 * H);
    real *part_of_d_b_ogif = d_b_ogif + 4 * H;
    memset(d_b_ogif, 0, sizeof(real) * (4 * H));
    memset(part_of_d_b_ogif, 0, sizeof(real) * (4 * H));
    for (size_t j = 0; j < H; ++j) {
        SIMD
        for (size_t l = 0; l < H; ++l) {
            U_ogif[j * H + l] = params->U_o[j * H + l];
            U_ogif[H * H + j * H + l] = params->U_g[j * H + l];
            U_ogif[2 * H * H + j * H + l] = params->U_i[j * H + l];
            U_ogif[3 * H * H + j * H + l] = params->U_f[j * H + l];
        }
    }
    for (size_t j = 0; j < H; ++j) {
        SIMD
        for (size_t l = 0; l < X; ++l) {
            W_ogif[j * X + l] = params->W_o[j * X + l];
            W_ogif[H * X + j * X + l] = params->W_g[j * X + l];
            W_ogif[2 * H * X + j * X + l] = params->W_i[j * X + l];
            W_ogif[3 * H * X + j * X + l] = params->W_f[j * X + l];
        }
    }
    for (size_t t = T; t-- > 0;) {
        for (size_t b = 0; b < B; ++b) {
            const size_t row = t * B + b;
            SIMD
            for (size_t j = 0; j < H; ++j) {
                const real d_h = d_hs[row * H + j] + carry_h[b * H + j];
                const real tanh_c = tanh_cs[row * H + j];
                const real o = fiogs[row * (4 * H) + 2 * H + j];
                const real d_c = carry_c[b * H + j] + d_h * o * (1 - tanh_c * tanh_c);
                const real i = fiogs[row * (4 * H) + H + j];
                const real g = fiogs[row * (4 * H) + 3 * H + j];
                const real f = fiogs[row * (4 * H) + j];
                delta_ogifs[row * (4 * H) + j] = d_h * tanh_c * o * (1 - o);
                delta_ogifs[row * (4 * H) + H + j] = d_c * i * (1 - g * g);
                delta_ogifs[row * (4 * H) + 2 * H + j] = d_c * g * i * (1 - i);
                delta_ogifs[row * (4 * H) + 3 * H + j] = d_c * cs[row * H + j] * f * (1 - f);
                carry_c[b * H + j] = d_c * f;
            }
        }
        multiply(B, H, 4 * H, delta_ogifs + t * B * (4 * H), 4 * H, 1, U_ogif, H, carry_h, H, 0);
    }
    multiply(H, X, T * B, delta_ogifs + 3 * H, 1, 4 * H, xs, X, grads->W_f, X, 0);
    multiply(H, H, T * B, delta_ogifs + 3 * H, 1, 4 * H, hs, H, grads->U_f, H, 0);
    multiply(H, X, T * B, delta_ogifs + 2 * H, 1, 4 * H, xs, X, grads->W_i, X, 0);
    multiply(H, H, T * B, delta_ogifs + 2 * H, 1, 4 * H, hs, H, grads->U_i, H, 0);
    multiply(H, X, T * B, delta_ogifs + H, 1, 4 * H, xs, X, grads->W_g, X, 0);
    multiply(H, H, T * B, delta_ogifs + H, 1, 4 * H, hs, H, grads->U_g, H, 0);
    multiply(H, X, T * B, delta_ogifs, 1, 4 * H, xs, X, grads->W_o, X, 0);
    multiply(H, H, T * B, delta_ogifs, 1, 4 * H, hs, H, grads->U_o, H, 0);
    multiply(T * B, X, 4 * H, delta_ogifs, 4 * H, 1, W_ogif, X, d_xs, X, 0);
    for (size_t row = 0; row < T * B; ++row) {
        for (size_t j = 0; j < 4 * H; ++j) part_of_d_b_ogif[j] += delta_ogifs[row * (4 * H) + j];
        if (row % 128 == 127 || row + 1 == T * B) add_part(4 * H, part_of_d_b_ogif, d_b_ogif);
    }
    SIMD
    for (size_t j = 0; j < H; ++j) {
        grads->b_f[j] = d_b_ogif[3 * H + j];
        grads->b_i[j] = d_b_ogif[2 * H + j];
        grads->b_g[j] = d_b_ogif[H + j];
        grads->b_o[j] = d_b_ogif[j];
    }
}

#ifdef LSTM_SELFTEST
/* A few steps of numbers that follow a rule, against sums that lstmgraph found in double precision, and one
   step of one sample against the same one of the sequence, of few numbers and of many; and products of all shapes. */
#include <stdio.h>

typedef struct {
    double sum, tolerance;
} answer;

static uint32_t seed = 1;
static real low, span;
static int compared = 0;

static void fill(size_t n, real *a)
{
    for (size_t k = 0; k < n; ++k) {
        seed = seed * 1664525u + 1013904223u;
        a[k] = (real)(seed >> 16) / 65536 * span + low;
    }
}

/* From 1 to 16, by a rule that repeats itself with no length of rows. */
static double weight(size_t k)
{
    return (double)(((uint32_t)k * 2654435761u >> 28) + 1);
}

static double weighted(size_t n, const real *a)
{
    double sum = 0;
    for (size_t k = 0; k < n; ++k) sum += (double)a[k] * weight(k);
    return sum;
}

static int wrong(const char *name, size_t n, const real *a, answer expected)
{
    const double sum = weighted(n, a);
    double size = 1;
    for (size_t k = 0; k < n; ++k) size += fabs((double)a[k]) * weight(k);
    ++compared;
    if (fabs(sum - expected.sum) <= expected.tolerance * size) return 0;
    printf("%s: %.9g, and not %.9g\n", name, sum, expected.sum);
    return 1;
}

static int wrong_product(size_t m, size_t n, size_t k, int turned, int add)
{
    static real a[(8 + ROWS) * DEPTH], b[(8 * DEPTH + 8) * LANES], c[(HEIGHT + 16 * ROWS) * (LANES + 1)];
    const size_t ra = turned ? 1 : k, ca = turned ? m : 1, rc = n + 1; /* what is between rows stays */
    answer expected = {0, 1e-5};
    fill(m * k, a);
    fill(k * n, b);
    fill(m * rc, c);
    for (size_t i = 0; i < m; ++i)
        for (size_t j = 0; j < rc; ++j) {
            double sum = add || j == n ? (double)c[i * rc + j] : 0;
            for (size_t l = 0; l < k && j < n; ++l) sum += (double)a[i * ra + l * ca] * (double)b[l * n + j];
            expected.sum += sum * weight(i * rc + j);
        }
    multiply(m, n, k, a, ra, ca, b, n, c, rc, add);
    return wrong("product of matrices", m * rc, c, expected);
}

/* Of rows of 8, 4, 2 and 1 vectors and a part of one, and of sums that are longer than what is added at once. */
static int wrong_products(void)
{
    static const size_t shapes[][3] = {
        {1, 16 * LANES - 1, 7},
        {1, LANES, 8 * DEPTH + 3},
        {ROWS + ROWS / 2 + 1, 16 * LANES - 1, 7},
        {ROWS + ROWS / 2 + 1, TILE + 1, DEPTH + 3},
        {HEIGHT + 3, LANES, 3},
    };
    int failures = 0;
    for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; ++s)
        for (int way = 0; way < 4; ++way)
            failures += wrong_product(shapes[s][0], shapes[s][1], shapes[s][2], way / 2, way % 2);
    return failures;
}

/* Of <stdlib.h>, whose other names a cell may have. */
void *malloc(size_t size);
void free(void *memory);
void exit(int status);

static void *taken[36];
static size_t arrays = 0;

static real *numbers(size_t n)
{
    real *a = malloc((n > 0 ? n : 1) * sizeof *a);
    if (!a) {
        printf("no memory for %lu numbers\n", (unsigned long)n);
        exit(2);
    }
    taken[arrays++] = a;
    return a;
}

static int lstm_tested(lstm_sizes sizes, size_t T, size_t B, const answer *expected)
{
    const size_t X = sizes.X, H = sizes.H;
    int failures = 0;
    real *param_W_f = numbers(H * X);
    real *param_U_f = numbers(H * H);
    real *param_b_f = numbers(H);
    real *param_W_i = numbers(H * X);
    real *param_U_i = numbers(H * H);
    real *param_b_i = numbers(H);
    real *param_W_g = numbers(H * X);
    real *param_U_g = numbers(H * H);
    real *param_b_g = numbers(H);
    real *param_W_o = numbers(H * X);
    real *param_U_o = numbers(H * H);
    real *param_b_o = numbers(H);
    real *grad_W_f = numbers(H * X);
    real *grad_U_f = numbers(H * H);
    real *grad_b_f = numbers(H);
    real *grad_W_i = numbers(H * X);
    real *grad_U_i = numbers(H * H);
    real *grad_b_i = numbers(H);
    real *grad_W_g = numbers(H * X);
    real *grad_U_g = numbers(H * H);
    real *grad_b_g = numbers(H);
    real *grad_W_o = numbers(H * X);
    real *grad_U_o = numbers(H * H);
    real *grad_b_o = numbers(H);
    real *state_c = numbers((T + 1) * B * H);
    real *state_h = numbers((T + 1) * B * H);
    real *d_state_c = numbers(B * H);
    real *d_state_h = numbers(B * H);
    real *next_c = numbers(H);
    real *next_h = numbers(H);
    real *xs = numbers(T * B * X);
    real *d_hs = numbers(T * B * H);
    real *d_xs = numbers(T * B * X);
    real *pack = numbers(lstm_pack_size(sizes));
    real *work = numbers(lstm_work_size(sizes, T, B));
    real *step_work = numbers(lstm_step_size(sizes, 1));
    const lstm_params params = {param_W_f, param_U_f, param_b_f, param_W_i, param_U_i, param_b_i, param_W_g,
                                param_U_g, param_b_g, param_W_o, param_U_o, param_b_o};
    const lstm_grads grads = {grad_W_f, grad_U_f, grad_b_f, grad_W_i, grad_U_i, grad_b_i, grad_W_g, grad_U_g,
                              grad_b_g, grad_W_o, grad_U_o, grad_b_o};
    const lstm_states states = {state_c, state_h};
    const lstm_states d_states = {d_state_c, d_state_h};
    const lstm_states next = {next_c, next_h};
    seed = 1;
    fill(H * X, param_W_f);
    fill(H * H, param_U_f);
    fill(H, param_b_f);
    fill(H * X, param_W_i);
    fill(H * H, param_U_i);
    fill(H, param_b_i);
    fill(H * X, param_W_g);
    fill(H * H, param_U_g);
    fill(H, param_b_g);
    fill(H * X, param_W_o);
    fill(H * H, param_U_o);
    fill(H, param_b_o);
    fill(T * B * X, xs);
    fill(B * H, state_c);
    fill(B * H, state_h);
    fill(T * B * H, d_hs);
    fill(B * H, d_state_c);
    fill(B * H, d_state_h);
    lstm_pack(sizes, &params, pack);
    lstm_step(sizes, 1, &params, pack, xs, &states, &next, step_work);
    lstm_forward(sizes, T, B, &params, pack, xs, &states, work);
    lstm_backward(sizes, T, B, &params, xs, &states, d_hs, &d_states, &grads, d_xs, work);
    failures += wrong("c", T * B * H, state_c + B * H, expected[0]);
    failures += wrong("bar(c)", B * H, d_state_c, expected[1]);
    failures += wrong("h", T * B * H, state_h + B * H, expected[2]);
    failures += wrong("bar(h)", B * H, d_state_h, expected[3]);
    failures += wrong("grad(W_f)", H * X, grad_W_f, expected[4]);
    failures += wrong("grad(U_f)", H * H, grad_U_f, expected[5]);
    failures += wrong("grad(b_f)", H, grad_b_f, expected[6]);
    failures += wrong("grad(W_i)", H * X, grad_W_i, expected[7]);
    failures += wrong("grad(U_i)", H * H, grad_U_i, expected[8]);
    failures += wrong("grad(b_i)", H, grad_b_i, expected[9]);
    failures += wrong("grad(W_g)", H * X, grad_W_g, expected[10]);
    failures += wrong("grad(U_g)", H * H, grad_U_g, expected[11]);
    failures += wrong("grad(b_g)", H, grad_b_g, expected[12]);
    failures += wrong("grad(W_o)", H * X, grad_W_o, expected[13]);
    failures += wrong("grad(U_o)", H * H, grad_U_o, expected[14]);
    failures += wrong("grad(b_o)", H, grad_b_o, expected[15]);
    failures += wrong("bar(x)", T * B * X, d_xs, expected[16]);
    failures += wrong("c of a step", H, next_c,
                      (answer){weighted(H, state_c + B * H), expected[0].tolerance});
    failures += wrong("h of a step", H, next_h,
                      (answer){weighted(H, state_h + B * H), expected[2].tolerance});
    for (; arrays > 0; arrays -= 1) free(taken[arrays - 1]);
    return failures;
}

int main(void)
{
    static const answer few[] = {{-15.9090212, 1e-5}, {1.61077011, 1e-5}, {-11.6133671, 1e-5},
                                 {0.0977454059, 1e-5}, {0.296325023, 1e-5}, {0.337827532, 1e-5},
                                 {-0.240786001, 1e-5}, {0.63830106, 1e-5}, {1.11488911, 1e-5},
                                 {-1.39598034, 1e-5}, {0.613476113, 1e-5}, {0.747387811, 1e-5},
                                 {0.454819179, 1e-5}, {1.10307153, 1e-5}, {0.215237052, 1e-5},
                                 {-0.695598826, 1e-5}, {10.2426136, 1e-5}};
    static const answer many[] = {{-1174.05715, 1e-5}, {-28.8075261, 1e-5}, {-474.027324, 1e-5},
                                  {-20.8502018, 1e-5}, {3.28876216, 1e-5}, {22.0853725, 1e-5},
                                  {-18.3850043, 1e-5}, {9.46578311, 1e-5}, {-0.225154759, 1e-5},
                                  {-51.6173869, 1e-5}, {-109.62669, 1e-5}, {-142.85869, 1e-5},
                                  {-132.468356, 1e-5}, {24.7882494, 1e-5}, {-34.604223, 1e-5},
                                  {-20.3792319, 1e-5}, {59.0149572, 1e-5}};
    int failures = 0;
    low = -0.75f, span = 1.5f;
    failures += lstm_tested((lstm_sizes){2, 3}, 3, 2, few);
    low = -0.75f, span = 1.5f;
    failures += lstm_tested((lstm_sizes){17, 18}, 3, 45, many);
    failures += wrong_products();
    printf("lstm: %d of %d sums are wrong\n", failures, compared);
    return failures != 0;
}
#endif
