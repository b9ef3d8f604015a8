/* 3x3 convolutions of stride 1 by Winograd's minimal filtering, F(4x4, 3x3): Lavin and Gray,
 * "Fast Algorithms for Convolutional Neural Networks". A tile of 4 x 4 outputs takes 36
 * multiplications a pair of channels instead of 144.
 *
 *     y = A' [ sum over channels of (G w G') (B' x B) ] A
 *
 * with a tile's 36 products, its "points", as so many products of matrices. The gradient of the
 * input is the same convolution with the kernel turned; that of the weights is the adjoint,
 *
 *     dw = G' [ sum over tiles of (A g A') (B' x B) ] G
 *
 * Pictures lie as N x H x W x C, weights as K x 3 x 3 x C, in fp32. Channels are multiples of 16.
 * Tiles are worked on a chunk at a time, so that a chunk's points stay in the second cache.
 */
#include <stdlib.h>
#include <string.h>

#include "vectors.h"

#define POINTS 36
#define CHUNK 64 /* tiles that are worked on together */
#define SKEW 16  /* floats between the points of a chunk: powers of two would share cache sets */

#define UNROLL _Pragma("GCC unroll 36")

typedef struct {
    int count, high, wide;  /* pictures, and their edges */
    int down, across;       /* tiles of a picture */
} Maps;

static Maps maps(int count, int high, int wide) {
    return (Maps){count, high, wide, (high + 3) / 4, (wide + 3) / 4};
}

/* Rows of tiles, so many together that a chunk's points stay in the second cache. */
typedef struct {
    int lines, together, count;
    size_t in, out;         /* floats between the points of a chunk */
    size_t row_in, row_out; /* floats of a row of tiles in its map */
} Chunks;

static Chunks chunks_of(Maps m, long inputs, long outputs) {
    int lines = m.count * m.down, together = CHUNK / m.across > 0 ? CHUNK / m.across : 1;
    size_t tiles = (size_t)together * m.across, pixels = 4 * (size_t)m.wide;
    return (Chunks){lines, together, (lines + together - 1) / together, tiles * inputs + SKEW,
                    tiles * outputs + SKEW, pixels * inputs, pixels * outputs};
}

static int rows_from(Chunks all, int first) {
    return first + all.together < all.lines ? all.together : all.lines - first;
}

/* six of a line become six points: B' d */
#define POINTS_OF_INPUT(d0, d1, d2, d3, d4, d5, p0, p1, p2, p3, p4, p5)   \
    {                                                                     \
        vec even = d4 - 4 * d2, odd = d3 - 4 * d1;                        \
        vec even2 = d4 - d2, odd2 = 2 * (d3 - d1);                        \
        p0 = 4 * d0 - 5 * d2 + d4;                                        \
        p1 = even + odd;                                                  \
        p2 = even - odd;                                                  \
        p3 = even2 + odd2;                                                \
        p4 = even2 - odd2;                                                \
        p5 = 4 * d1 - 5 * d3 + d5;                                        \
    }

/* four of a line become six points: A g */
#define POINTS_OF_GRADIENT(g0, g1, g2, g3, p0, p1, p2, p3, p4, p5)        \
    {                                                                     \
        vec even = g0 + g2, odd = g1 + g3;                                \
        vec even2 = g0 + 4 * g2, odd2 = 2 * g1 + 8 * g3;                  \
        p0 = g0;                                                          \
        p1 = even + odd;                                                  \
        p2 = even - odd;                                                  \
        p3 = even2 + odd2;                                                \
        p4 = even2 - odd2;                                                \
        p5 = g3;                                                          \
    }

/* six points become four of a line: A' m */
#define LINE_OF_POINTS(p0, p1, p2, p3, p4, p5, y0, y1, y2, y3)            \
    {                                                                     \
        vec sum = p1 + p2, apart = p1 - p2;                               \
        vec sum2 = p3 + p4, apart2 = p3 - p4;                             \
        y0 = p0 + sum + sum2;                                             \
        y1 = apart + 2 * apart2;                                          \
        y2 = sum + 4 * sum2;                                              \
        y3 = apart + 8 * apart2 + p5;                                     \
    }

/* B' x B of the tiles in these rows of tiles: to[point][tile][channel] */
static void input_points(const float *x, const float *zeros, Maps m, int first, int last, int channels,
                         float *to, size_t step) {
    for (int line = first; line < last; line++) {
        const float *rows[6];
        for (int r = 0; r < 6; r++) {
            int at = line % m.down * 4 + r - 1;
            int inside = at >= 0 && at < m.high;
            rows[r] = inside ? x + ((size_t)(line / m.down) * m.high + at) * m.wide * channels : zeros;
        }
        for (int tile = 0; tile < m.across; tile++, to += channels)
            for (int c = 0; c < channels; c += LANES) {
                vec v[POINTS];
                UNROLL for (int q = 0; q < 6; q++) {
                    int at = 4 * tile + q - 1;
                    if (at < 0 || at >= m.wide) {
                        UNROLL for (int r = 0; r < 6; r++) v[6 * r + q] = (vec){0};
                        continue;
                    }
                    size_t from = (size_t)at * channels + c;
                    vec d0 = IN(rows[0] + from), d1 = IN(rows[1] + from), d2 = IN(rows[2] + from);
                    vec d3 = IN(rows[3] + from), d4 = IN(rows[4] + from), d5 = IN(rows[5] + from);
                    POINTS_OF_INPUT(d0, d1, d2, d3, d4, d5, v[q], v[6 + q], v[12 + q], v[18 + q],
                                    v[24 + q], v[30 + q])
                }
                float *place = to + c;
                UNROLL for (int r = 0; r < 6; r++, place += 6 * step) {
                    vec *l = v + 6 * r;
                    POINTS_OF_INPUT(l[0], l[1], l[2], l[3], l[4], l[5], OUT(place), OUT(place + step),
                                    OUT(place + 2 * step), OUT(place + 3 * step),
                                    OUT(place + 4 * step), OUT(place + 5 * step))
                }
            }
    }
}

/* A g A' of the tiles in these rows of tiles */
static void gradient_points(const float *g, Maps m, int first, int last, int channels, float *to,
                            size_t step) {
    size_t under = (size_t)m.wide * channels;
    for (int line = first; line < last; line++) {
        int top = line % m.down * 4, rows = m.high - top;
        const float *corner = g + ((size_t)(line / m.down) * m.high + top) * under;
        for (int tile = 0; tile < m.across; tile++, to += channels, corner += 4 * channels)
            for (int c = 0; c < channels; c += LANES) {
                vec v[24];
                UNROLL for (int q = 0; q < 4; q++) {
                    const float *from = corner + q * channels + c;
                    vec g0 = {0}, g1 = {0}, g2 = {0}, g3 = {0};
                    if (4 * tile + q < m.wide) {
                        g0 = IN(from);
                        if (rows > 1) g1 = IN(from + under);
                        if (rows > 2) g2 = IN(from + 2 * under);
                        if (rows > 3) g3 = IN(from + 3 * under);
                    }
                    POINTS_OF_GRADIENT(g0, g1, g2, g3, v[q], v[4 + q], v[8 + q], v[12 + q],
                                       v[16 + q], v[20 + q])
                }
                float *place = to + c;
                UNROLL for (int r = 0; r < 6; r++, place += 6 * step) {
                    vec *l = v + 4 * r;
                    POINTS_OF_GRADIENT(l[0], l[1], l[2], l[3], OUT(place), OUT(place + step),
                                       OUT(place + 2 * step), OUT(place + 3 * step),
                                       OUT(place + 4 * step), OUT(place + 5 * step))
                }
            }
    }
}

/* A' m A of the tiles in these rows of tiles: into the map */
static void map_of_points(const float *from, size_t step, Maps m, int first, int last, int channels, float *y) {
    size_t under = (size_t)m.wide * channels;
    for (int line = first; line < last; line++) {
        int top = line % m.down * 4, rows = m.high - top;
        float *corner = y + ((size_t)(line / m.down) * m.high + top) * under;
        for (int tile = 0; tile < m.across; tile++, from += channels, corner += 4 * channels) {
            int columns = m.wide - 4 * tile;
            for (int c = 0; c < channels; c += LANES) {
                vec v[24];
                UNROLL for (int q = 0; q < 6; q++) {
                    const float *p = from + c + q * step;
                    vec p0 = IN(p), p1 = IN(p + 6 * step), p2 = IN(p + 12 * step);
                    vec p3 = IN(p + 18 * step), p4 = IN(p + 24 * step), p5 = IN(p + 30 * step);
                    LINE_OF_POINTS(p0, p1, p2, p3, p4, p5, v[q], v[6 + q], v[12 + q], v[18 + q])
                }
                float *place = corner + c;
                UNROLL for (int r = 0; r < 4; r++, place += under) {
                    if (r >= rows) break;
                    vec *l = v + 6 * r, y0, y1, y2, y3;
                    LINE_OF_POINTS(l[0], l[1], l[2], l[3], l[4], l[5], y0, y1, y2, y3)
                    OUT(place) = y0;
                    if (columns > 1) OUT(place + channels) = y1;
                    if (columns > 2) OUT(place + 2 * channels) = y2;
                    if (columns > 3) OUT(place + 3 * channels) = y3;
                }
            }
        }
    }
}

/* So many rows of a product, W vectors of columns: sums stay in registers. */
INLINE void some_rows(int R, int W, const float *a, size_t row, size_t along, const float *b, size_t columns,
                      float *c, int length, int add) {
    vec sums[12][2];
    UNROLL for (int r = 0; r < R; r++)
        UNROLL for (int w = 0; w < W; w++)
            sums[r][w] = (vec){0};
    for (int k = 0; k < length; k++) {
        vec line[2];
        UNROLL for (int w = 0; w < W; w++) line[w] = IN(b + k * columns + w * LANES);
        UNROLL for (int r = 0; r < R; r++) {
            float one = a[r * row + k * along];
            UNROLL for (int w = 0; w < W; w++) sums[r][w] += one * line[w];
        }
    }
    UNROLL for (int r = 0; r < R; r++)
        UNROLL for (int w = 0; w < W; w++) {
            float *place = c + r * columns + w * LANES;
            OUT(place) = add ? IN(place) + sums[r][w] : sums[r][w]; /* chunk by chunk: rounds less */
        }
}

/* c[rows][columns] = (c +) a b, where a[m][k] lies at a + m * row + k * along */
INLINE void in_strips(int W, int most, const float *a, size_t row, size_t along, const float *b, float *c,
                      int rows, int columns, int length, int add) {
    int blocks = (rows + most - 1) / most;
    for (int n = 0; n < columns; n += W * LANES)
        for (int block = 0, m = 0; block < blocks; block++) {
            int now = (rows - m + blocks - block - 1) / (blocks - block);
            const float *from = a + m * row;
            float *to = c + (size_t)m * columns + n;
            switch (now) {
#define ROWS(R) \
    case R: some_rows(R, W, from, row, along, b + n, columns, to, length, add); break;
                ROWS(1) ROWS(2) ROWS(3) ROWS(4) ROWS(5) ROWS(6)
                ROWS(7) ROWS(8) ROWS(9) ROWS(10) ROWS(11) ROWS(12)
            }
            m += now;
        }
}

static void product(const float *a, size_t row, size_t along, const float *b, float *c, int rows,
                    int columns, int length, int add) {
    if (columns % (2 * LANES))
        in_strips(1, 12, a, row, along, b, c, rows, columns, length, add);
    else
        in_strips(2, 6, a, row, along, b, c, rows, columns, length, add);
}

/* Asks for part `point` of what comes next while products keep the arithmetic busy. */
INLINE void ask(const float *from, size_t floats, int point, int to_write) {
    size_t part = (floats / 16 + POINTS - 1) / POINTS * 16;
    size_t end = (point + 1) * part < floats ? (point + 1) * part : floats;
    for (size_t at = point * part; at < end; at += 16)
        if (to_write)
            __builtin_prefetch(from + at, 1, 2);
        else
            __builtin_prefetch(from + at, 0, 2);
}

static const float KERNEL[6][3] = {/* G */
    {1.f / 4, 0, 0},
    {-1.f / 6, -1.f / 6, -1.f / 6},
    {-1.f / 6, 1.f / 6, -1.f / 6},
    {1.f / 24, 1.f / 12, 1.f / 6},
    {1.f / 24, -1.f / 12, 1.f / 6},
    {0, 0, 1},
};

/* G w G' of every pair of channels: to[point][in][out]; turned, it is the kernel that takes
 * gradients back, and in and out change places */
static void kernel_points(const float *w, int outputs, int inputs, int turned, float *to, int threads) {
    int rows = turned ? outputs : inputs, columns = turned ? inputs : outputs;
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int row = 0; row < rows; row++)
        for (int column = 0; column < columns; column += LANES) {
            vec taps[9], half[18];
            UNROLL for (int t = 0; t < 9; t++)
                if (turned)
                    taps[8 - t] = IN(w + ((size_t)row * 9 + t) * inputs + column);
                else
                    UNROLL for (int lane = 0; lane < LANES; lane++)
                        taps[t][lane] = w[((size_t)(column + lane) * 9 + t) * inputs + row];
            UNROLL for (int p = 0; p < 6; p++)
                UNROLL for (int q = 0; q < 3; q++)
                    half[3 * p + q] = KERNEL[p][0] * taps[q] + KERNEL[p][1] * taps[3 + q] +
                                      KERNEL[p][2] * taps[6 + q];
            float *place = to + (size_t)row * columns + column;
            UNROLL for (int p = 0; p < 6; p++)
                UNROLL for (int q = 0; q < 6; q++, place += (size_t)rows * columns)
                    OUT(place) = KERNEL[q][0] * half[3 * p] + KERNEL[q][1] * half[3 * p + 1] +
                                 KERNEL[q][2] * half[3 * p + 2];
        }
}

/* dw = G' sums G, K x 3 x 3 x C, of all threads' sums[point][out][in] in the threads' order */
static void kernel_of_points(const float *sums, int outputs, int inputs, float *dw, int threads) {
    size_t pairs = (size_t)inputs * outputs;
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int k = 0; k < outputs; k++)
        for (int c = 0; c < inputs; c += LANES) {
            vec half[18] = {0};
            UNROLL for (int p = 0; p < 6; p++)
                UNROLL for (int q = 0; q < 6; q++) {
                    const float *from = sums + (6 * p + q) * pairs + (size_t)k * inputs + c;
                    vec sum = IN(from);
                    for (int thread = 1; thread < threads; thread++) sum += IN(from + thread * POINTS * pairs);
                    UNROLL for (int i = 0; i < 3; i++) half[6 * i + q] += KERNEL[p][i] * sum;
                }
            UNROLL for (int i = 0; i < 3; i++)
                UNROLL for (int j = 0; j < 3; j++) {
                    vec sum = {0};
                    UNROLL for (int q = 0; q < 6; q++) sum += KERNEL[q][j] * half[6 * i + q];
                    OUT(dw + ((size_t)k * 9 + 3 * i + j) * inputs + c) = sum;
                }
        }
}

/* y = x * w, from `inputs` channels to `outputs`; turned, w is a kernel from `outputs` to `inputs`
 * and what comes out is the gradient of its input. 0, or 1 where memory is short. */
int convolve(const float *x, const float *w, float *y, long count, long high, long wide, long inputs,
             long outputs, long turned, int threads) {
    Maps m = maps(count, high, wide);
    Chunks all = chunks_of(m, inputs, outputs);
    size_t in = all.in, out = all.out;
    int failed = 0;
    float *kernel = space((size_t)POINTS * inputs * outputs);
    float *zeros = calloc((size_t)wide * inputs, sizeof(float));
    if (!kernel || !zeros) {
        free(kernel), free(zeros);
        return 1;
    }
    if (turned)
        kernel_points(w, inputs, outputs, 1, kernel, threads);
    else
        kernel_points(w, outputs, inputs, 0, kernel, threads);
#pragma omp parallel num_threads(threads) reduction(| : failed)
    {
        float *here = space(POINTS * (in + out)), *there = here + POINTS * in;
        failed = !here;
#pragma omp for schedule(static)
        for (int chunk = 0; chunk < all.count; chunk++) {
            if (!here) continue;
            int first = chunk * all.together, last = first + rows_from(all, first);
            int next = rows_from(all, last);
            input_points(x, zeros, m, first, last, inputs, here, in);
            for (int p = 0; p < POINTS; p++) {
                if (high % 4 == 0) {
                    ask(x + last * all.row_in, next * all.row_in, p, 0);
                    ask(y + first * all.row_out, (last - first) * all.row_out, p, 1);
                }
                product(here + p * in, inputs, 1, kernel + (size_t)p * inputs * outputs,
                        there + p * out, (last - first) * m.across, outputs, inputs, 0);
            }
            map_of_points(there, out, m, first, last, outputs, y);
        }
        free(here);
    }
    free(kernel), free(zeros);
    return failed;
}

/* dw, K x 3 x 3 x C, from the input and the gradient of the output. Each thread has its own sums,
 * which are added in the threads' order: as many threads give the same bits. */
int weights(const float *x, const float *g, float *dw, long count, long high, long wide, long inputs,
            long outputs, int threads) {
    Maps m = maps(count, high, wide);
    Chunks all = chunks_of(m, inputs, outputs);
    size_t in = all.in, out = all.out;
    int failed = 0;
    size_t pairs = (size_t)inputs * outputs;
    float *sums = calloc(threads * POINTS * pairs, sizeof(float));
    float *zeros = calloc((size_t)wide * inputs, sizeof(float));
    if (!sums || !zeros) {
        free(sums), free(zeros);
        return 1;
    }
#pragma omp parallel for num_threads(threads) schedule(static, 1) reduction(| : failed)
    for (int thread = 0; thread < threads; thread++) {
        float *here = space(POINTS * (in + out)), *there = here + POINTS * in;
        float *mine = sums + thread * POINTS * pairs;
        failed |= !here;
        int begin = (int)((long)all.count * thread / threads);
        int end = here ? (int)((long)all.count * (thread + 1) / threads) : begin;
        for (int chunk = begin; chunk < end; chunk++) {
            int first = chunk * all.together, last = first + rows_from(all, first);
            int next = rows_from(all, last);
            input_points(x, zeros, m, first, last, inputs, here, in);
            gradient_points(g, m, first, last, outputs, there, out);
            for (int p = 0; p < POINTS; p++) {
                if (high % 4 == 0) {
                    ask(x + last * all.row_in, next * all.row_in, p, 0);
                    ask(g + last * all.row_out, next * all.row_out, p, 0);
                }
                product(there + p * out, 1, outputs, here + p * in, mine + p * pairs, outputs,
                        inputs, (last - first) * m.across, 1);
            }
        }
        free(here);
    }
    kernel_of_points(sums, outputs, inputs, dw, threads);
    free(sums), free(zeros);
    return failed;
}
