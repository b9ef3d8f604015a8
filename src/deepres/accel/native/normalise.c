/* Batch normalisation, the shortcut's addition and ReLU in two walks over a map forward,
 *
 *     y = max(0, gamma (x - mean) / deviation + beta + add),
 *
 * and two back. Maps lie as pixels x channels in fp32, shares of a batch one after another, each
 * with its own statistics. Sums are fp32 within a chunk of pixels and double over chunks, which
 * are fixed: any number of threads gives the same bits.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "vectors.h"

#define PIXELS 512 /* of a chunk */

/* What a chunk's pixels tell of each channel: two sums. */
typedef void (*Sums)(const void *of, long first, long last, int channels, float *one, float *two);

typedef struct {
    const float *x, *y, *g, *about;
} Maps;

static void moments(const void *of, long first, long last, int channels, float *one, float *two) {
    const Maps *m = of;
    for (int c = 0; c < channels; c += LANES) {
        vec about = IN(m->about + c), sum = {0}, squares = {0};
        for (long at = first; at < last; at++) {
            vec x = IN(m->x + at * channels + c) - about;
            sum += x;
            squares += x * x;
        }
        OUT(one + c) = sum;
        OUT(two + c) = squares;
    }
}

/* g where y is above zero or is no number, as torch's ReLU has it: a network that diverges shows it */
INLINE vec where_positive(vec y, vec g) {
    return (vec)(~(lanes)(y <= 0) & (lanes)g);
}

static void arrived(const void *of, long first, long last, int channels, float *one, float *two) {
    const Maps *m = of;
    for (int c = 0; c < channels; c += LANES) {
        vec mean = IN(m->about + c), sum = {0}, along = {0};
        for (long at = first; at < last; at++) {
            size_t place = at * channels + c;
            vec g = where_positive(IN(m->y + place), IN(m->g + place));
            sum += g;
            along += g * (IN(m->x + place) - mean);
        }
        OUT(one + c) = sum;
        OUT(two + c) = along;
    }
}

/* The two sums over all pixels: totals[0..channels) and totals[channels..). */
static int total(Sums sums, const Maps *maps, long pixels, int channels, double *totals, int threads) {
    long chunks = (pixels + PIXELS - 1) / PIXELS;
    float *parts = space(2 * chunks * channels);
    if (!parts) return 1;
#pragma omp parallel for num_threads(threads) schedule(static)
    for (long chunk = 0; chunk < chunks; chunk++) {
        long last = (chunk + 1) * PIXELS < pixels ? (chunk + 1) * PIXELS : pixels;
        float *one = parts + 2 * chunk * channels;
        sums(maps, chunk * PIXELS, last, channels, one, one + channels);
    }
    memset(totals, 0, 2 * channels * sizeof(double));
    for (long chunk = 0; chunk < chunks; chunk++)
        for (int c = 0; c < 2 * channels; c++) totals[c] += parts[2 * chunk * channels + c];
    free(parts);
    return 0;
}

/* mean, scale (1 / deviation) and the unbiased variance are written for each share and channel */
int normalise(const float *x, const float *gamma, const float *beta, const float *add, float *y,
              float *mean, float *scale, float *unbiased, double eps, long shares, long pixels,
              long channels, int threads) {
    double *totals = malloc(2 * channels * sizeof(double));
    float *factor = space(2 * channels), *offset = factor + channels;
    int failed = !totals || !factor;
    for (int share = 0; share < shares && !failed; share++) {
        /* everything about a pixel, since squares about zero lose what a large mean hides */
        Maps maps = {x + share * pixels * channels, 0, 0, x + share * pixels * channels};
        failed = total(moments, &maps, pixels, channels, totals, threads);
        for (int c = 0; c < channels && !failed; c++) {
            double away = totals[c] / pixels, variance = totals[channels + c] / pixels - away * away;
            variance = variance < 0 ? 0 : variance; /* and NaN stays NaN */
            size_t at = (size_t)share * channels + c;
            mean[at] = (float)(maps.about[c] + away);
            scale[at] = (float)(1 / sqrt(variance + eps));
            unbiased[at] = (float)(pixels > 1 ? variance * pixels / (pixels - 1) : NAN);
            factor[c] = scale[at] * gamma[c];
            offset[c] = (float)(beta[c] - away * factor[c]);
        }
        if (failed) break;
        const float *added = add ? add + share * pixels * channels : 0;
        float *to = y + share * pixels * channels;
#pragma omp parallel for num_threads(threads) schedule(static)
        for (long at = 0; at < pixels; at++)
            for (int c = 0; c < channels; c += LANES) {
                size_t place = at * channels + c;
                vec v = (IN(maps.x + place) - IN(maps.about + c)) * IN(factor + c) + IN(offset + c);
                if (added) v += IN(added + place);
                OUT(to + place) = where_positive(v, v);
            }
    }
    free(totals), free(factor);
    return failed;
}

/* The gradients of x, of what was added (if it is wanted), of gamma and of beta. */
int normalise_back(const float *g, const float *x, const float *y, const float *gamma, const float *mean,
                   const float *scale, float *dx, float *dadd, float *dgamma, float *dbeta, long shares,
                   long pixels, long channels, int threads) {
    double *totals = malloc(2 * channels * sizeof(double));
    float *of_g = space(3 * channels), *of_x = of_g + channels, *constant = of_x + channels;
    int failed = !totals || !of_g;
    memset(dgamma, 0, channels * sizeof(float));
    memset(dbeta, 0, channels * sizeof(float));
    for (int share = 0; share < shares && !failed; share++) {
        size_t start = share * pixels * channels;
        Maps maps = {x + start, y + start, g + start, mean + (size_t)share * channels};
        failed = total(arrived, &maps, pixels, channels, totals, threads);
        for (int c = 0; c < channels && !failed; c++) {
            double s = scale[(size_t)share * channels + c], a = gamma[c] * s;
            double even = totals[c] / pixels, along = totals[channels + c] / pixels * s * s;
            dgamma[c] += (float)(totals[channels + c] * s);
            dbeta[c] += (float)totals[c];
            of_g[c] = (float)a;
            of_x[c] = (float)(-a * along);
            constant[c] = (float)(-a * even);
        }
        if (failed) break;
#pragma omp parallel for num_threads(threads) schedule(static)
        for (long at = 0; at < pixels; at++)
            for (int c = 0; c < channels; c += LANES) {
                size_t place = at * channels + c;
                vec arrives = where_positive(IN(maps.y + place), IN(maps.g + place));
                vec away = IN(maps.x + place) - IN(maps.about + c);
                OUT(dx + start + place) = arrives * IN(of_g + c) + (away * IN(of_x + c) + IN(constant + c));
                if (dadd) OUT(dadd + start + place) = arrives;
            }
    }
    free(totals), free(of_g);
    return failed;
}
