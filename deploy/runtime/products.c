/* Outputs that are summed at once, so that their sums stay in registers. */
#ifndef WIDE
#if defined(__AVX512F__)
#define WIDE 64
#elif defined(__SSE2__) || defined(__ARM_NEON) || defined(__riscv_vector)
#define WIDE 32
#else
#define WIDE 8
#endif
#endif

/* y[o] += x[0] w[0][o] + x[1] w[1][o] + ... for WIDE outputs, which are a part of w's rows of `outputs` weights. */
static void add_wide(int length, int outputs, const float *RESTRICT x, const float *RESTRICT w, float *RESTRICT y)
{
    float sum[WIDE];
    for (int o = 0; o < WIDE; o++) sum[o] = y[o];
    for (int i = 0; i < length; i++) {
        const float value = x[i];
        for (int o = 0; o < WIDE; o++) sum[o] += value * w[o];
        w += outputs;
    }
    for (int o = 0; o < WIDE; o++) y[o] = sum[o];
}

/* The same for four outputs. */
static void add_four(int length, int outputs, const float *RESTRICT x, const float *RESTRICT w, float *RESTRICT y)
{
    float a = y[0], b = y[1], c = y[2], d = y[3];
    for (int i = 0; i < length; i++) {
        a += x[i] * w[0];
        b += x[i] * w[1];
        c += x[i] * w[2];
        d += x[i] * w[3];
        w += outputs;
    }
    y[0] = a;
    y[1] = b;
    y[2] = c;
    y[3] = d;
}

/* The same for one output. */
static void add_one(int length, int outputs, const float *RESTRICT x, const float *RESTRICT w, float *RESTRICT y)
{
    float sum = *y;
    for (int i = 0; i < length; i++) {
        sum += x[i] * *w;
        w += outputs;
    }
    *y = sum;
}

/* y[outputs] += x[length] times the matrix w[length][outputs]. */
static void add_products(int length, int outputs, const float *x, const float *w, float *y)
{
    int done = 0;
    for (; outputs - done >= WIDE; done += WIDE) add_wide(length, outputs, x, w + done, y + done);
    for (; outputs - done >= 4; done += 4) add_four(length, outputs, x, w + done, y + done);
    for (; done < outputs; done++) add_one(length, outputs, x, w + done, y + done);
}
