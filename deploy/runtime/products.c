/* Outputs that are summed at once by processors with wide vectors, so that all sums stay in registers; 0: eight. */
#ifndef WIDE
#if defined(__AVX512F__)
#define WIDE 128
#elif defined(__AVX__)
#define WIDE 64
#else
#define WIDE 0
#endif
#endif

/* y[o] += x[0] w[0][o] + x[1] w[1][o] + ... for eight outputs, which are a part of w's rows of `outputs` weights. */
static void add_eight(int length, int outputs, const float *RESTRICT x, const float *RESTRICT w, float *RESTRICT y)
{
    float a = y[0], b = y[1], c = y[2], d = y[3], e = y[4], f = y[5], g = y[6], h = y[7];
    for (int i = 0; i < length; i++) {
        const float value = x[i];
        a += value * w[0];
        b += value * w[1];
        c += value * w[2];
        d += value * w[3];
        e += value * w[4];
        f += value * w[5];
        g += value * w[6];
        h += value * w[7];
        w += outputs;
    }
    y[0] = a;
    y[1] = b;
    y[2] = c;
    y[3] = d;
    y[4] = e;
    y[5] = f;
    y[6] = g;
    y[7] = h;
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

#if WIDE > 0
/* The same for WIDE outputs. */
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

/* The same for 32 outputs. */
static void add_middle(int length, int outputs, const float *RESTRICT x, const float *RESTRICT w, float *RESTRICT y)
{
    float sum[32];
    for (int o = 0; o < 32; o++) sum[o] = y[o];
    for (int i = 0; i < length; i++) {
        const float value = x[i];
        for (int o = 0; o < 32; o++) sum[o] += value * w[o];
        w += outputs;
    }
    for (int o = 0; o < 32; o++) y[o] = sum[o];
}
#endif

/* The last 1 to 7 outputs of at least eight: computed with those before them, which are already there. */
static void add_last(int count, int length, int outputs, const float *x, const float *w, float *y)
{
    float sum[8] = {0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f};
    for (int o = 0; o < count; o++) sum[8 - count + o] = y[outputs - count + o];
    add_eight(length, outputs, x, w + outputs - 8, sum);
    for (int o = 0; o < count; o++) y[outputs - count + o] = sum[8 - count + o];
}

/* y[outputs] += x[length] times the matrix w[length][outputs], from output `done` on. */
static void add_columns(int done, int length, int outputs, const float *x, const float *w, float *y)
{
#if WIDE > 0
    for (; outputs - done >= WIDE; done += WIDE) add_wide(length, outputs, x, w + done, y + done);
    for (; outputs - done >= 32; done += 32) add_middle(length, outputs, x, w + done, y + done);
#endif
    for (; outputs - done >= 8; done += 8) add_eight(length, outputs, x, w + done, y + done);
    if (done < outputs && outputs > 8) {
        add_last(outputs - done, length, outputs, x, w, y);
        done = outputs;
    }
    for (; done < outputs; done++) add_one(length, outputs, x, w + done, y + done);
}

/* y[outputs] += x[length] times the matrix w[length][outputs]. */
static void add_products(int length, int outputs, const float *x, const float *w, float *y)
{
    add_columns(0, length, outputs, x, w, y);
}
