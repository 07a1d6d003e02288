/* LSTM
 *
 *     f[t] = sigmoid(W_f @ x[t] + U_f @ h[t-1] + b_f)
 *     i[t] = sigmoid(W_i @ x[t] + U_i @ h[t-1] + b_i)
 *     g[t] = tanh(W_g @ x[t] + U_g @ h[t-1] + b_g)
 *     c[t] = f[t] * c[t-1] + i[t] * g[t]
 *     o[t] = sigmoid(W_o @ x[t] + U_o @ h[t-1] + b_o)
 *     h[t] = o[t] * tanh(c[t])
 *
 * F. A. Gers, J. Schmidhuber, F. Cummins, Learning to forget: continual prediction with LSTM, Neural Computation
 *     12, 2000
 * C. Olah, Understanding LSTM networks, 2015
 */
#ifndef LSTM_FLOAT32_HEADER
#define LSTM_FLOAT32_HEADER

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef float lstm_real;

typedef struct {
    size_t X, H;
} lstm_sizes;

typedef struct {
    const lstm_real *W_f; /* (H, X) */
    const lstm_real *U_f; /* (H, H) */
    const lstm_real *b_f; /* (H) */
    const lstm_real *W_i; /* (H, X) */
    const lstm_real *U_i; /* (H, H) */
    const lstm_real *b_i; /* (H) */
    const lstm_real *W_g; /* (H, X) */
    const lstm_real *U_g; /* (H, H) */
    const lstm_real *b_g; /* (H) */
    const lstm_real *W_o; /* (H, X) */
    const lstm_real *U_o; /* (H, H) */
    const lstm_real *b_o; /* (H) */
} lstm_params;

typedef struct {
    lstm_real *W_f;
    lstm_real *U_f;
    lstm_real *b_f;
    lstm_real *W_i;
    lstm_real *U_i;
    lstm_real *b_i;
    lstm_real *W_g;
    lstm_real *U_g;
    lstm_real *b_g;
    lstm_real *W_o;
    lstm_real *U_o;
    lstm_real *b_o;
} lstm_grads;

typedef struct {
    lstm_real *c; /* (H) */
    lstm_real *h; /* (H) */
} lstm_states;

/* T and B, the numbers of steps and samples, are 1 at least.  The last axis is the one without gaps; no two arrays
   overlap.  Memory that begins at a multiple of 64 bytes is faster. */

/* How many numbers lstm_pack writes. */
size_t lstm_pack_size(lstm_sizes sizes);

/* What depends on the parameters only: weights side by side, as the products take them. */
void lstm_pack(lstm_sizes sizes, const lstm_params *params, lstm_real *pack);

/* How much memory lstm_step works in. */
size_t lstm_step_size(lstm_sizes sizes, size_t B);

/* One step of B samples.  xs is (B, X).  Each state is (B, ...), before the step (prev) and after it
   (next), in different memory.  work has lstm_step_size(sizes, B) numbers.  Of params it reads b_f, b_i,
   b_g and b_o: the others may be null. */
void lstm_step(lstm_sizes sizes, size_t B, const lstm_params *params, const lstm_real *pack,
               const lstm_real *xs, const lstm_states *prev, const lstm_states *next, lstm_real *work);

/* How much memory lstm_forward and lstm_backward work in. */
size_t lstm_work_size(lstm_sizes sizes, size_t T, size_t B);

/* T steps of B samples.  xs is (T, B, X).  Each state is (T + 1, B, ...): before the first step, which is
   given, and after each.  work has lstm_work_size(sizes, T, B) numbers; backward takes it as it is then. */
void lstm_forward(lstm_sizes sizes, size_t T, size_t B, const lstm_params *params, const lstm_real *pack,
                  const lstm_real *xs, const lstm_states *states, lstm_real *work);

/* The gradients of a loss, back through the steps of a forward pass that was given the same arguments.
   d_hs is (T, B, H) and d_xs is (T, B, X).  d_states are (B, ...): they go in as the gradients of the
   last states, and come out as those of the first.  What is in grads and d_xs before is written over. */
void lstm_backward(lstm_sizes sizes, size_t T, size_t B, const lstm_params *params, const lstm_real *xs,
                   const lstm_states *states, const lstm_real *d_hs, const lstm_states *d_states,
                   const lstm_grads *grads, lstm_real *d_xs, lstm_real *work);

#ifdef __cplusplus
}
#endif

#endif
