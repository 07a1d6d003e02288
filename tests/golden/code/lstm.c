/* LSTM: what lstm.h declares.
 *
 * Compile it with
 *
 *     cc -std=c99 -O3 -march=native -ffp-contract=fast -fno-math-errno -fno-trapping-math -c
 *
 * With -DLSTM_CBLAS products of matrices are CBLAS's.
 * With -DLSTM_SELFTEST there is a main, which runs a few steps and says what is wrong.
 */
#include "lstm.h"

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

/* 2^n of the whole number n that is in the low bits of n + 12582912.0f. */
static inline real power_of_two(real shifted)
{
    uint32_t bits;
    memcpy(&bits, &shifted, sizeof bits);
    bits = (bits + 127) << 23;
    memcpy(&shifted, &bits, sizeof bits);
    return shifted;
}

/* exp(a) = scale * (1 + rest): a = n log 2 + r, and exp(r) - 1 by its series, |r| <= log(2) / 2. */
static inline real exp_parts(real a, real *scale)
{
    const real shifted = a * 1.44269504088896341f + 12582912.0f, n = shifted - 12582912.0f;
    const real r = a - n * 0.693359375f - n * -2.12194440e-4f;
    real s = 1 / 5040.0f;
    s = s * r + 1 / 720.0f;
    s = s * r + 1 / 120.0f;
    s = s * r + 1 / 24.0f;
    s = s * r + 1 / 6.0f;
    s = s * r + 1 / 2.0f;
    *scale = power_of_two(shifted);
    return r + r * r * s;
}

static inline real exponential(real a)
{
    real scale;
    const real rest = exp_parts(a, &scale);
    return a < -87.3f ? 0 : a > 88.37f ? HUGE_VALF : scale + scale * rest;
}

static inline real sigmoid(real a)
{
    return 1 / (1 + exponential(-a));
}

/* (1 - e) / (1 + e) with e = exp(-2 |a|); 1 - e keeps its digits near 0. */
static inline real hyperbolic_tangent(real a)
{
    const real twice = 2 * fabsf(a);
    real scale;
    const real rest = exp_parts(twice > 40 ? -40 : -twice, &scale);
    const real e1 = scale * rest + (scale - 1);
    return copysignf(-e1 / (2 + e1), a);
}

static inline real square(real a)
{
    return a * a;
}

/* C = A B, or C + A B: C (m, n), its rows rc apart; A (m, k), its rows ra and its columns ca apart; B (k, n), its rows
   rb apart.  The sums of a tile of C stay in registers: of four rows, or of one row with every fourth term apart. */
#ifdef __AVX512F__
enum { TILE = 128 / sizeof(real) };
#else
enum { TILE = 64 / sizeof(real) };
#endif
enum { WIDE = 256 / sizeof(real), HALF = 64 / sizeof(real) };

static inline void four_rows(size_t width, size_t k, const real *restrict a, size_t ra, size_t ca,
                             const real *restrict b, size_t rb, real *restrict c, size_t rc, int add)
{
    real s0[TILE] = {0}, s1[TILE] = {0}, s2[TILE] = {0}, s3[TILE] = {0};
    for (size_t l = 0; l < k; ++l, a += ca, b += rb)
        for (size_t j = 0; j < width; ++j) {
            s0[j] += a[0] * b[j];
            s1[j] += a[ra] * b[j];
            s2[j] += a[2 * ra] * b[j];
            s3[j] += a[3 * ra] * b[j];
        }
    for (size_t j = 0; j < width; ++j) {
        c[j] = add ? c[j] + s0[j] : s0[j];
        c[rc + j] = add ? c[rc + j] + s1[j] : s1[j];
        c[2 * rc + j] = add ? c[2 * rc + j] + s2[j] : s2[j];
        c[3 * rc + j] = add ? c[3 * rc + j] + s3[j] : s3[j];
    }
}

static inline void wide_row(size_t k, const real *restrict a, size_t ca, const real *restrict b, size_t rb,
                            real *restrict c, int add)
{
    real s[WIDE] = {0};
    for (size_t l = 0; l < k; ++l, a += ca, b += rb)
        for (size_t j = 0; j < WIDE; ++j) s[j] += a[0] * b[j];
    for (size_t j = 0; j < WIDE; ++j) c[j] = add ? c[j] + s[j] : s[j];
}

static inline void narrow_row(size_t width, size_t k, const real *restrict a, size_t ca, const real *restrict b,
                              size_t rb, real *restrict c, int add)
{
    real s0[TILE] = {0}, s1[TILE] = {0}, s2[TILE] = {0}, s3[TILE] = {0};
    size_t l = 0;
    for (; l + 4 <= k; l += 4, a += 4 * ca, b += 4 * rb)
        for (size_t j = 0; j < width; ++j) {
            s0[j] += a[0] * b[j];
            s1[j] += a[ca] * b[rb + j];
            s2[j] += a[2 * ca] * b[2 * rb + j];
            s3[j] += a[3 * ca] * b[3 * rb + j];
        }
    for (; l < k; ++l, a += ca, b += rb)
        for (size_t j = 0; j < width; ++j) s0[j] += a[0] * b[j];
    for (size_t j = 0; j < width; ++j) {
        const real s = (s0[j] + s1[j]) + (s2[j] + s3[j]);
        c[j] = add ? c[j] + s : s;
    }
}

static void one_row(size_t n, size_t k, const real *a, size_t ca, const real *b, size_t rb, real *c, int add)
{
    size_t j = 0;
    for (; j + WIDE <= n; j += WIDE) wide_row(k, a, ca, b + j, rb, c + j, add);
    for (; j + TILE <= n; j += TILE) narrow_row(TILE, k, a, ca, b + j, rb, c + j, add);
    for (; j + TILE / 2 <= n; j += TILE / 2) narrow_row(TILE / 2, k, a, ca, b + j, rb, c + j, add);
    for (; j + TILE / 4 <= n; j += TILE / 4) narrow_row(TILE / 4, k, a, ca, b + j, rb, c + j, add);
    if (j < n) narrow_row(n - j, k, a, ca, b + j, rb, c + j, add);
}

static void multiply(size_t m, size_t n, size_t k, const real *a, size_t ra, size_t ca, const real *b, size_t rb,
                     real *c, size_t rc, int add)
{
#ifdef LSTM_CBLAS
    if (m >= 4) {
        cblas_sgemm(CblasRowMajor, ca == 1 ? CblasNoTrans : CblasTrans, CblasNoTrans, (int)m, (int)n, (int)k, 1, a,
                    (int)(ca == 1 ? ra : ca), b, (int)rb, (real)add, c, (int)rc);
        return;
    }
#endif
    for (; m >= 4; m -= 4, a += 4 * ra, c += 4 * rc) {
        size_t j = 0;
        for (; j + TILE <= n; j += TILE) four_rows(TILE, k, a, ra, ca, b + j, rb, c + j, rc, add);
        for (; j + HALF <= n; j += HALF) four_rows(HALF, k, a, ra, ca, b + j, rb, c + j, rc, add);
        for (size_t i = 0; i < 4; ++i) one_row(n - j, k, a + i * ra, ca, b + j, rb, c + i * rc + j, add);
    }
    for (; m > 0; --m, a += ra, c += rc) one_row(n, k, a, ca, b, rb, c, add);
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
    for (size_t j = 0; j < H; ++j) {
        SIMD
        for (size_t l = 0; l < X; ++l) {
            W_fiog[l * (4 * H) + j] = params->W_f[j * X + l];
            W_fiog[H + l * (4 * H) + j] = params->W_i[j * X + l];
            W_fiog[2 * H + l * (4 * H) + j] = params->W_o[j * X + l];
            W_fiog[3 * H + l * (4 * H) + j] = params->W_g[j * X + l];
        }
    }
    for (size_t j = 0; j < H; ++j) {
        SIMD
        for (size_t l = 0; l < H; ++l) {
            U_fiog[l * (4 * H) + j] = params->U_f[j * H + l];
            U_fiog[H + l * (4 * H) + j] = params->U_i[j * H + l];
            U_fiog[2 * H + l * (4 * H) + j] = params->U_o[j * H + l];
            U_fiog[3 * H + l * (4 * H) + j] = params->U_g[j * H + l];
        }
    }
}

size_t lstm_step_size(lstm_sizes sizes, size_t B)
{
    const size_t H = sizes.H;
    return B * (8 * H);
}

void lstm_step(lstm_sizes sizes, size_t B, const lstm_params *params, const lstm_real *pack,
               const lstm_real *xs, const lstm_states *prev, const lstm_states *next, lstm_real *work)
{
    const size_t X = sizes.X, H = sizes.H;
    const real *W_fiog = pack;
    const real *U_fiog = W_fiog + 4 * H * X;
    real *Wxs = work;
    real *Uhs = Wxs + B * (4 * H);
    multiply(B, 4 * H, X, xs, X, 1, W_fiog, 4 * H, Wxs, 4 * H, 0);
    multiply(B, 4 * H, H, prev->h, H, 1, U_fiog, 4 * H, Uhs, 4 * H, 0);
    for (size_t b = 0; b < B; ++b) {
        SIMD
        for (size_t j = 0; j < H; ++j) {
            const real f = sigmoid(Wxs[b * (4 * H) + j] + params->b_f[j] + Uhs[b * (4 * H) + j]);
            const real i = sigmoid(Wxs[b * (4 * H) + H + j] + params->b_i[j] + Uhs[b * (4 * H) + H + j]);
            const real g = hyperbolic_tangent(Wxs[b * (4 * H) + 3 * H + j] + params->b_g[j] + Uhs[b * (4 * H) + 3 * H + j]);
            const real c = f * prev->c[b * H + j] + i * g;
            const real o = sigmoid(Wxs[b * (4 * H) + 2 * H + j] + params->b_o[j] + Uhs[b * (4 * H) + 2 * H + j]);
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
    const size_t forward = T * B * (4 * H) + B * (4 * H);
    const size_t backward = 8 * H * H + 8 * H * X + 4 * H + T * B * (4 * H);
    return kept + (forward > backward ? forward : backward);
}

void lstm_forward(lstm_sizes sizes, size_t T, size_t B, const lstm_params *params, const lstm_real *pack,
                  const lstm_real *xs, const lstm_states *states, lstm_real *work)
{
    const size_t X = sizes.X, H = sizes.H;
    const real *W_fiog = pack;
    const real *U_fiog = W_fiog + 4 * H * X;
    real *cs = states->c;
    real *hs = states->h;
    real *fs = work;
    real *is = fs + T * B * H;
    real *gs = is + T * B * H;
    real *os = gs + T * B * H;
    real *tanh_cs = os + T * B * H;
    real *Wxs = tanh_cs + T * B * H;
    real *Uhs = Wxs + T * B * (4 * H);
    multiply(T * B, 4 * H, X, xs, X, 1, W_fiog, 4 * H, Wxs, 4 * H, 0);
    for (size_t t = 0; t < T; ++t) {
        multiply(B, 4 * H, H, hs + t * B * H, H, 1, U_fiog, 4 * H, Uhs, 4 * H, 0);
        for (size_t b = 0; b < B; ++b) {
            const size_t row = t * B + b;
            SIMD
            for (size_t j = 0; j < H; ++j) {
                const real f = sigmoid(Wxs[row * (4 * H) + j] + params->b_f[j] + Uhs[b * (4 * H) + j]);
                const real i = sigmoid(Wxs[row * (4 * H) + H + j] + params->b_i[j] + Uhs[b * (4 * H) + H + j]);
                const real g = hyperbolic_tangent(Wxs[row * (4 * H) + 3 * H + j] + params->b_g[j] + Uhs[b * (4 * H) + 3 * H + j]);
                const real c = f * cs[row * H + j] + i * g;
                const real o = sigmoid(Wxs[row * (4 * H) + 2 * H + j] + params->b_o[j] + Uhs[b * (4 * H) + 2 * H + j]);
                const real tanh_c = hyperbolic_tangent(c);
                fs[row * H + j] = f;
                is[row * H + j] = i;
                gs[row * H + j] = g;
                cs[(row + B) * H + j] = c;
                os[row * H + j] = o;
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
    real *fs = work;
    real *is = fs + T * B * H;
    real *gs = is + T * B * H;
    real *os = gs + T * B * H;
    real *tanh_cs = os + T * B * H;
    real *U_ogif = tanh_cs + T * B * H;
    real *W_ogif = U_ogif + 4 * H * H;
    real *delta_ogifs = W_ogif + 4 * H * X;
    real *d_W_ogif = delta_ogifs + T * B * (4 * H);
    real *d_U_ogif = d_W_ogif + 4 * H * X;
    real *d_b_ogif = d_U_ogif + 4 * H * H;
    memset(d_b_ogif, 0, sizeof(real) * (4 * H));
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
                const real d_c = carry_c[b * H + j] + d_h * os[row * H + j] * (1 - square(tanh_cs[row * H + j]));
                delta_ogifs[row * (4 * H) + j] = d_h * tanh_cs[row * H + j] * os[row * H + j] * (1 - os[row * H + j]);
                delta_ogifs[row * (4 * H) + H + j] = d_c * is[row * H + j] * (1 - square(gs[row * H + j]));
                delta_ogifs[row * (4 * H) + 2 * H + j] = d_c * gs[row * H + j] * is[row * H + j] * (1 - is[row * H + j]);
                delta_ogifs[row * (4 * H) + 3 * H + j] = d_c * cs[row * H + j] * fs[row * H + j] * (1 - fs[row * H + j]);
                carry_c[b * H + j] = d_c * fs[row * H + j];
            }
        }
        multiply(B, H, 4 * H, delta_ogifs + t * B * (4 * H), 4 * H, 1, U_ogif, H, carry_h, H, 0);
    }
    multiply(4 * H, X, T * B, delta_ogifs, 1, 4 * H, xs, X, d_W_ogif, X, 0);
    multiply(4 * H, H, T * B, delta_ogifs, 1, 4 * H, hs, H, d_U_ogif, H, 0);
    multiply(T * B, X, 4 * H, delta_ogifs, 4 * H, 1, W_ogif, X, d_xs, X, 0);
    for (size_t j = 0; j < H; ++j) {
        SIMD
        for (size_t l = 0; l < X; ++l) {
            grads->W_f[j * X + l] = d_W_ogif[3 * H * X + j * X + l];
            grads->W_i[j * X + l] = d_W_ogif[2 * H * X + j * X + l];
            grads->W_g[j * X + l] = d_W_ogif[H * X + j * X + l];
            grads->W_o[j * X + l] = d_W_ogif[j * X + l];
        }
    }
    for (size_t j = 0; j < H; ++j) {
        SIMD
        for (size_t l = 0; l < H; ++l) {
            grads->U_f[j * H + l] = d_U_ogif[3 * H * H + j * H + l];
            grads->U_i[j * H + l] = d_U_ogif[2 * H * H + j * H + l];
            grads->U_g[j * H + l] = d_U_ogif[H * H + j * H + l];
            grads->U_o[j * H + l] = d_U_ogif[j * H + l];
        }
    }
    for (size_t row = 0; row < T * B; ++row) {
        for (size_t j = 0; j < 4 * H; ++j) d_b_ogif[j] += delta_ogifs[row * (4 * H) + j];
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
/* A few steps of numbers that follow a rule, against sums that lstmgraph's interpreter found in double precision. */
#include <stdio.h>

static uint32_t seed = 1;

static void fill(size_t n, real *a)
{
    for (size_t k = 0; k < n; ++k) {
        seed = seed * 1664525u + 1013904223u;
        a[k] = (real)(seed >> 16) / 65536 * 1.5f - 0.75f;
    }
}

static int wrong(const char *name, size_t n, const real *a, double expected)
{
    double sum = 0, size = 1;
    for (size_t k = 0; k < n; ++k) {
        sum += (double)a[k] * (double)(k % 5 + 1);
        size += fabs((double)a[k]) * (double)(k % 5 + 1);
    }
    if (fabs(sum - expected) <= 1e-5 * size) return 0;
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
    const lstm_params params = {param_W_f, param_U_f, param_b_f, param_W_i, param_U_i, param_b_i, param_W_g, param_U_g, param_b_g, param_W_o, param_U_o, param_b_o};
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
    const lstm_grads grads = {grad_W_f, grad_U_f, grad_b_f, grad_W_i, grad_U_i, grad_b_i, grad_W_g, grad_U_g, grad_b_g, grad_W_o, grad_U_o, grad_b_o};
    static real state_c[24];
    static real state_h[24];
    const lstm_states states = {state_c, state_h};
    static real d_state_c[6];
    static real d_state_h[6];
    const lstm_states d_states = {d_state_c, d_state_h};
    static real xs[12];
    static real d_hs[18];
    static real d_xs[12];
    static real pack[60];
    static real work[294];
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
    lstm_forward(sizes, T, B, &params, pack, xs, &states, work);
    lstm_backward(sizes, T, B, &params, xs, &states, d_hs, &d_states, &grads, d_xs, work);
    failures += wrong("c", 18, state_c + 6, -2.216601344557474);
    failures += wrong("bar(c)", 6, d_state_c, 0.5977822589007028);
    failures += wrong("h", 18, state_h + 6, -3.0250698250494183);
    failures += wrong("bar(h)", 6, d_state_h, -0.11169665926646208);
    failures += wrong("grad(W_f)", 6, grad_W_f, 0.02935821455124266);
    failures += wrong("grad(U_f)", 9, grad_U_f, 0.1063550924027066);
    failures += wrong("grad(b_f)", 3, grad_b_f, 0.16606480915246546);
    failures += wrong("grad(W_i)", 6, grad_W_i, 0.16496964053826602);
    failures += wrong("grad(U_i)", 9, grad_U_i, 0.23302648692958525);
    failures += wrong("grad(b_i)", 3, grad_b_i, -0.5081369251020905);
    failures += wrong("grad(W_g)", 6, grad_W_g, 0.3118406491899477);
    failures += wrong("grad(U_g)", 9, grad_U_g, 0.5110744323265914);
    failures += wrong("grad(b_g)", 3, grad_b_g, 1.1510281262967743);
    failures += wrong("grad(W_o)", 6, grad_W_o, 0.2844299925939046);
    failures += wrong("grad(U_o)", 9, grad_U_o, -0.08139317406271529);
    failures += wrong("grad(b_o)", 3, grad_b_o, -0.13346174175485226);
    failures += wrong("bar(x)", 12, d_xs, 2.853952797858989);
    printf("lstm: %d of 17 sums are wrong\n", failures);
    return failures != 0;
}
#endif
