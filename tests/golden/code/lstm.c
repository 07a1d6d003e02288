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
   step of one sample against the same one of the sequence. */
#include <stdio.h>

static uint32_t seed = 1;

static void fill(size_t n, real *a)
{
    for (size_t k = 0; k < n; ++k) {
        seed = seed * 1664525u + 1013904223u;
        a[k] = (real)(seed >> 16) / 65536 * 1.5f - 0.75f;
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

static int wrong(const char *name, size_t n, const real *a, double expected, double tolerance)
{
    const double sum = weighted(n, a);
    double size = 1;
    for (size_t k = 0; k < n; ++k) size += fabs((double)a[k]) * weight(k);
    if (fabs(sum - expected) <= tolerance * size) return 0;
    printf("%s: %.9g, and not %.9g\n", name, sum, expected);
    return 1;
}

int main(void)
{
    enum { T = 3, B = 2 };
    int failures = 0;
    const lstm_sizes sizes = {2, 3};
    static real param_W_f[6];
    static real param_U_f[9];
    static real param_b_f[3];
    static real param_W_i[6];
    static real param_U_i[9];
    static real param_b_i[3];
    static real param_W_g[6];
    static real param_U_g[9];
    static real param_b_g[3];
    static real param_W_o[6];
    static real param_U_o[9];
    static real param_b_o[3];
    const lstm_params params = {param_W_f, param_U_f, param_b_f, param_W_i, param_U_i, param_b_i, param_W_g,
                                param_U_g, param_b_g, param_W_o, param_U_o, param_b_o};
    static real grad_W_f[6];
    static real grad_U_f[9];
    static real grad_b_f[3];
    static real grad_W_i[6];
    static real grad_U_i[9];
    static real grad_b_i[3];
    static real grad_W_g[6];
    static real grad_U_g[9];
    static real grad_b_g[3];
    static real grad_W_o[6];
    static real grad_U_o[9];
    static real grad_b_o[3];
    const lstm_grads grads = {grad_W_f, grad_U_f, grad_b_f, grad_W_i, grad_U_i, grad_b_i, grad_W_g, grad_U_g,
                              grad_b_g, grad_W_o, grad_U_o, grad_b_o};
    static real state_c[24];
    static real state_h[24];
    const lstm_states states = {state_c, state_h};
    static real d_state_c[6];
    static real d_state_h[6];
    const lstm_states d_states = {d_state_c, d_state_h};
    static real next_c[3];
    static real next_h[3];
    const lstm_states next = {next_c, next_h};
    static real xs[12];
    static real d_hs[18];
    static real d_xs[12];
    static real pack[60];
    static real work[246];
    fill(6, param_W_f);
    fill(9, param_U_f);
    fill(3, param_b_f);
    fill(6, param_W_i);
    fill(9, param_U_i);
    fill(3, param_b_i);
    fill(6, param_W_g);
    fill(9, param_U_g);
    fill(3, param_b_g);
    fill(6, param_W_o);
    fill(9, param_U_o);
    fill(3, param_b_o);
    fill(12, xs);
    fill(6, state_c);
    fill(6, state_h);
    fill(18, d_hs);
    fill(6, d_state_c);
    fill(6, d_state_h);
    lstm_pack(sizes, &params, pack);
    lstm_step(sizes, 1, &params, pack, xs, &states, &next, work);
    lstm_forward(sizes, T, B, &params, pack, xs, &states, work);
    lstm_backward(sizes, T, B, &params, xs, &states, d_hs, &d_states, &grads, d_xs, work);
    failures += wrong("c", 18, state_c + 6, -15.909021183380244, 1e-5);
    failures += wrong("bar(c)", 6, d_state_c, 1.6107701059188766, 1e-5);
    failures += wrong("h", 18, state_h + 6, -11.613367095639193, 1e-5);
    failures += wrong("bar(h)", 6, d_state_h, 0.0977454059471517, 1e-5);
    failures += wrong("grad(W_f)", 6, grad_W_f, 0.2963250225321225, 1e-5);
    failures += wrong("grad(U_f)", 9, grad_U_f, 0.33782753243476193, 1e-5);
    failures += wrong("grad(b_f)", 3, grad_b_f, -0.24078600101874714, 1e-5);
    failures += wrong("grad(W_i)", 6, grad_W_i, 0.6383010595129681, 1e-5);
    failures += wrong("grad(U_i)", 9, grad_U_i, 1.1148891142553112, 1e-5);
    failures += wrong("grad(b_i)", 3, grad_b_i, -1.3959803368953851, 1e-5);
    failures += wrong("grad(W_g)", 6, grad_W_g, 0.613476112640941, 1e-5);
    failures += wrong("grad(U_g)", 9, grad_U_g, 0.7473878114363128, 1e-5);
    failures += wrong("grad(b_g)", 3, grad_b_g, 0.4548191787528473, 1e-5);
    failures += wrong("grad(W_o)", 6, grad_W_o, 1.1030715253967054, 1e-5);
    failures += wrong("grad(U_o)", 9, grad_U_o, 0.21523705199196627, 1e-5);
    failures += wrong("grad(b_o)", 3, grad_b_o, -0.6955988262869283, 1e-5);
    failures += wrong("bar(x)", 12, d_xs, 10.242613613772061, 1e-5);
    failures += wrong("c of a step", 3, next_c, weighted(3, state_c + 6), 1e-5);
    failures += wrong("h of a step", 3, next_h, weighted(3, state_h + 6), 1e-5);
    printf("lstm: %d of 19 sums are wrong\n", failures);
    return failures != 0;
}
#endif
